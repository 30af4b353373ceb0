"""What defines a run of phase 1, except the data: losses and their weights, stages, precision. Read from a JSON file.

Knows no network and no loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ..config import AutoencoderConfig
from ..synthetic.face_dataset import Shares
from ..types import FloatModel
from .read_config import from_data, preset, read_object


@dataclass(frozen=True)
class LossWeights:
    """Weights of the parts of the loss, from 0; 0 leaves a part out. The paper's (section 3.1): pixel 1, perceptual 10,
    component_perceptual 100, adversary 1, eye_adversary 1, lip_adversary 1, style 100.

    pixel: pixels at several scales.
    detail: pixels and edges, compared with the source as the decoder's own flow moves it.
    component: pixels and edges inside mouth and eyes.
    perceptual: features of a network that was trained on photographs.
    component_perceptual: the same features inside mouth and eyes.
    adversary: whole images should look real, at two scales.
    eye_adversary: eyes should.
    lip_adversary: lips should.
    style: the Gram matrices of the opponents' features of eyes and lips.
    flow: the exact flow at each level.
    coefficient: the coefficients of the rig.
    coefficient_size: the size of the coefficients that the encoder reads: the smaller, the fewer directions each motion uses.
    pose_code: the pose of the source in the identity latent.
    """

    pixel: float = 2.0
    detail: float = 1.0
    component: float = 1.0
    perceptual: float = 0.0
    component_perceptual: float = 0.0
    adversary: float = 0.0
    eye_adversary: float = 0.0
    lip_adversary: float = 0.0
    style: float = 0.0
    flow: float = 16.0
    coefficient: float = 0.0
    coefficient_size: float = 0.0
    pose_code: float = 1.0

    @property
    def features(self) -> bool:
        """Whether a feature network is needed."""
        return bool(self.perceptual or self.component_perceptual)

    @property
    def opponents(self) -> bool:
        """Whether discriminators are needed."""
        return bool(self.adversary or self.eye_adversary or self.lip_adversary or self.style)


@dataclass(frozen=True)
class Stage:
    """Training at one image size.

    size: side of the images in pixels.
    steps: how many steps.
    batch: pairs of frames in a step.
    learning_rate: of Adam.
    rig_drive: 0..1, share of steps whose target motion comes from the rig instead of the encoder.
    teach: 0..1, share of samples whose pose code in the identity latent comes from the rig, so that the decoder need not wait for the
        encoder.
    freeze_encoder: train only the decoder, which takes half the time.
    same_frame: 0..1, share of pairs whose target is the source itself.
    weights: of the parts of the loss, where they differ from the run's.
    accumulate: batches whose gradients are averaged in a step.
    """

    size: int
    steps: int
    batch: int
    learning_rate: float
    rig_drive: float = 0.7
    teach: float = 0.0
    freeze_encoder: bool = False
    same_frame: float = 0.1
    weights: LossWeights | None = None
    accumulate: int = 1


@dataclass(frozen=True)
class AutoencoderTraining:
    """Everything that defines a run of phase 1, except the data.

    network: the architecture.
    stages: trained in order.
    weights: of the parts of the loss.
    shares: how often a batch is of each kind of faces, in any unit; kinds of which there are none are left out.
    precision: "float32", "bfloat16" (of the convolutions; weights are float32), or "auto", the faster of both on this machine.
    features: the feature network: "vgg19", "mobilenet_v2", "landmarks" (our own), or "auto", the first whose weights are at hand.
    basis_seed: freezes the basis at a random draw with this seed (with the rig as supervision any orthonormal basis works); None = the
        basis is trained.
    seed: decides all other randomness.
    """

    network: AutoencoderConfig
    stages: tuple[Stage, ...]
    weights: LossWeights = LossWeights()
    shares: Shares = field(default_factory=Shares)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    features: Literal["auto", "vgg19", "mobilenet_v2", "landmarks"] = "auto"
    basis_seed: int | None = None
    seed: int = 0

    @classmethod
    def read(cls, path: str | Path) -> AutoencoderTraining:
        """From a JSON file such as configs/mini_autoencoder.json. Raises OptionError for entries that are unknown, missing or wrong."""
        data = read_object(path)
        if (known := preset(data, path)) is not None:
            data["network"] = known.autoencoder
        return from_data(cls, data, str(path))

    def for_model(self, model: FloatModel) -> AutoencoderTraining:
        """The same with the network of a model, which is to be trained further. Raises CheckpointError if it has no auto-encoder."""
        model.require("autoencoder")
        assert model.config.autoencoder is not None
        return replace(self, network=model.config.autoencoder)

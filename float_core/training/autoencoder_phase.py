"""Phase 1: the motion auto-encoder learns to rebuild a target frame from the identity of a source frame and the motion of the target.

The exact coefficients and flows of the synthetic rig can supervise it, which gives each direction of the basis a true name. The image
size grows in stages; each stage starts from the averaged weights of the one before.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import AutoencoderConfig, ModelConfig
from ..errors import FloatError
from ..motion_autoencoder.autoencoder import MotionAutoencoder
from ..motion_autoencoder.discriminator import PortraitDiscriminators
from ..progress import ProgressCallback
from ..synthetic import rig as rigs
from ..synthetic.face_dataset import FacePairs, MixedFaces, Shares
from ..types import FloatModel, Provenance
from .contact_sheet import write_sheet
from .feature_networks import FeatureNetwork, find_features
from .growth import grow
from .loop import CHECKPOINT, LoopConfig, run
from .losses import (
    component_feature_l1,
    component_l1,
    cut_component,
    detail_l1,
    discriminator_loss,
    feature_l1,
    flow_l1,
    generator_loss,
    gradient_penalty,
    gram_l1,
    multi_scale_l1,
    split_eyes,
)
from .pose_head import pose_directions, tie_coefficients
from .precision import fastest_precision
from .read_config import from_data, preset, read_object

PENALTY, PENALTY_EVERY = 1.0, 16  # R1's weight, and in which steps it is computed
COLLAPSED, COLLAPSE_AFTER = 0.02, 200  # the least spread of the outputs, and the step from which it is expected


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


@dataclass(frozen=True)
class AutoencoderTraining:
    """Everything that defines a run of phase 1, except the data.

    network: the architecture.
    stages: trained in order.
    weights: of the parts of the loss.
    shares: how often a batch is of each kind of faces, in any unit; kinds of which there are none are left out.
    precision: "float32", "bfloat16" (of the convolutions; weights are float32), or "auto", the faster of both on this machine.
    features: the feature network: "vgg19", "mobilenet_v2", or "auto", the first whose weights are at hand; if there are none, the two
        perceptual parts are left out, and the log says so.
    basis_seed: freezes the basis at a random draw with this seed (with the rig as supervision any orthonormal basis works); None = the
        basis is trained.
    seed: decides all other randomness.
    """

    network: AutoencoderConfig
    stages: tuple[Stage, ...]
    weights: LossWeights = LossWeights()
    shares: Shares = field(default_factory=Shares)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    features: Literal["auto", "vgg19", "mobilenet_v2"] = "auto"
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
        return replace(self, network=_autoencoder_of(model).config)


@dataclass(frozen=True)
class Judges:
    """Networks beside the auto-encoder that the loss asks.

    features: for the perceptual parts.
    opponents: for the adversaries and the style.
    """

    features: FeatureNetwork | None = None
    opponents: PortraitDiscriminators | None = None


class AutoencoderPhase:
    """One stage: a batch of pairs, the loss, and sheets of samples."""

    def __init__(
        self,
        networks: MotionAutoencoder,
        data: MixedFaces,
        stage: Stage,
        weights: LossWeights,
        portrait: Tensor | None = None,
        dtype: torch.dtype | None = None,
        features: FeatureNetwork | None = None,
    ) -> None:
        self.networks = networks
        self.data, self._stage, self._weights, self._portrait, self._dtype = data, stage, stage.weights or weights, portrait, dtype
        self._judges = Judges(features if self._weights.features else None)

    def loss(self, generator: torch.Generator, step: int) -> tuple[Tensor, dict[str, float]]:
        """The weighted sum of the losses for one random batch, and its parts."""
        return self._pair_loss(generator, step)[1:]

    def _pair_loss(self, generator: torch.Generator, step: int) -> tuple[tuple[FacePairs, Tensor], Tensor, dict[str, float]]:
        device = next(self.networks.parameters()).device
        pairs = self.data.draw(generator, self._stage.batch, self._stage.size, self._stage.same_frame).to(device)
        by_rig = bool(torch.rand((), generator=generator) < self._stage.rig_drive)
        taught = (torch.rand(self._stage.batch, 1, generator=generator) < self._stage.teach).to(device)
        output, total, parts = pair_loss(self.networks, pairs, self._weights, by_rig, taught, self._dtype, self._judges)
        parts["spread"] = spread_of(output, pairs.target)
        if step > COLLAPSE_AFTER and parts["spread"] < COLLAPSED:
            raise FloatError(
                f"the outputs of step {step} differ from each other by {parts['spread']:.1%} of what their targets do; expected at least "
                f"{COLLAPSED:.0%}. The decoder has collapsed: go on from an earlier checkpoint with a lower learning_rate or adversary."
            )
        return (pairs, output.detach()), total, parts

    @torch.no_grad()
    def write_samples(self, networks_ema: nn.Module, folder: Path, step: int) -> None:
        """Sheets of held-out heads (source, target, output), and of the portrait along several directions."""
        assert isinstance(networks_ema, MotionAutoencoder)
        pairs = self.data.held_out_pairs(6, self._stage.size).to(next(networks_ema.parameters()).device)
        identity, _, skips = networks_ema.encode(pairs.source)
        driven = rigs.to_coefficients(pairs.target_rig) @ networks_ema.basis().T
        by_encoder = networks_ema.encode(pairs.target)[1] @ networks_ema.basis().T
        rows = [
            pairs.source,
            pairs.target,
            networks_ema.decode(identity + driven, skips),
            networks_ema.decode(identity + by_encoder, skips),
        ]
        write_sheet(folder / f"heads_{step:06d}.jpg", rows)
        if self._portrait is not None:
            image = F.interpolate(self._portrait.to(pairs.source.device), size=self._stage.size, mode="area")
            write_sheet(folder / f"portrait_{step:06d}.jpg", portrait_sweep(networks_ema, image))


class AdversarialAutoencoderPhase(AutoencoderPhase):
    """The same with discriminators, which take their step after the auto-encoder's."""

    def __init__(
        self,
        networks: MotionAutoencoder,
        data: MixedFaces,
        stage: Stage,
        weights: LossWeights,
        portrait: Tensor | None = None,
        dtype: torch.dtype | None = None,
        features: FeatureNetwork | None = None,
    ) -> None:
        super().__init__(networks, data, stage, weights, portrait, dtype, features)
        self.opponents = PortraitDiscriminators(stage.size)
        self._judges = replace(self._judges, opponents=self.opponents)
        self._last: tuple[FacePairs, Tensor] | None = None

    def loss(self, generator: torch.Generator, step: int) -> tuple[Tensor, dict[str, float]]:
        """As without opponents; the batch is kept for them."""
        self.opponents.requires_grad_(False)
        self._last, total, parts = self._pair_loss(generator, step)
        self.opponents.requires_grad_(True)
        return total, parts

    def opponents_loss(self, generator: torch.Generator, step: int) -> tuple[Tensor, dict[str, float]]:
        """Of all discriminators for the last batch; every 16th step with R1."""
        assert self._last is not None
        pairs, made = self._last
        return judge_loss(self.opponents, pairs, made, penalty=step % PENALTY_EVERY == 0, dtype=self._dtype)


def pair_loss(
    networks: MotionAutoencoder,
    pairs: FacePairs,
    weights: LossWeights,
    by_rig: bool,
    taught: Tensor | None = None,
    dtype: torch.dtype | None = None,
    judges: Judges = Judges(),
) -> tuple[Tensor, Tensor, dict[str, float]]:
    """Outputs, loss and its parts of one batch: the target is rebuilt from w_{S->r} of the source and w_{r->D} of the target (paper
    section 3.1).

    `taught` (B, 1): samples whose identity latent gets the pose of the rig instead of the encoder's."""
    with torch.set_grad_enabled(next(networks.enc.parameters()).requires_grad):
        identity, coefficients, skips = networks.encode(pairs.source, dtype=dtype)
    source_truth, truth = rigs.to_coefficients(pairs.source_rig), rigs.to_coefficients(pairs.target_rig)
    parts: dict[str, Tensor] = {"coefficient": F.l1_loss(coefficients, source_truth), "coefficient_size": coefficients.abs().mean()}
    if weights.pose_code:
        code = pose_directions(networks.basis())
        parts["pose_code"] = F.l1_loss(identity @ code, source_truth)
        if taught is not None:
            identity = identity + taught * (source_truth - identity @ code) @ code.T
    driving = truth
    if not by_rig:
        driving = networks.encode(pairs.target, dtype=dtype)[1]
        parts["coefficient"] = 0.5 * (parts["coefficient"] + F.l1_loss(driving, truth))
        parts["coefficient_size"] = 0.5 * (parts["coefficient_size"] + driving.abs().mean())
    w = identity + driving @ networks.basis().T  # w_{S->r} + sum_m lambda_m v_m (section 3.1)
    output, grids, _ = networks.decode(w, skips, return_flows=True, dtype=dtype)
    parts |= image_losses(output, grids[-1], pairs) | {"flow": flow_l1(grids, pairs.flow)} | judged_losses(output, pairs, judges, dtype)
    total = sum((getattr(weights, name) * value for name, value in parts.items()), start=output.new_zeros(()))
    return output, total, {name: float(value.detach()) for name, value in parts.items()}


def image_losses(output: Tensor, grid: Tensor, pairs: FacePairs) -> dict[str, Tensor]:
    """The parts that need no network."""
    return {
        "pixel": multi_scale_l1(output, pairs.target),
        "detail": detail_l1(output, pairs.source, pairs.target, grid, pairs.flow),
        "component": component_l1(output, pairs.target, (pairs.flow.mouth, pairs.flow.eyes)),
    }


def judged_losses(output: Tensor, pairs: FacePairs, judges: Judges, dtype: torch.dtype | None) -> dict[str, Tensor]:
    """The parts that ask feature network and opponents, as far as there are any."""
    parts: dict[str, Tensor] = {}
    if judges.features is not None:
        made = judges.features(output)
        with torch.no_grad():
            wanted = judges.features(pairs.target)
        parts["perceptual"] = feature_l1(made, wanted)
        parts["component_perceptual"] = component_feature_l1(made, wanted, (pairs.flow.mouth, pairs.flow.eyes))
    if judges.opponents is not None:
        opponents = judges.opponents
        scales = zip(opponents.whole, (output, F.avg_pool2d(output, 2)), strict=True)
        parts["adversary"] = torch.stack([generator_loss(judge(image, dtype)[0]) for judge, image in scales]).mean()
        style = []
        for name, (made, wanted) in cut_parts(output, pairs, opponents.part_size).items():
            logits, features = getattr(opponents, name)(made, dtype)
            with torch.no_grad():
                true_features = getattr(opponents, name)(wanted, dtype)[1]
            parts[{"eyes": "eye_adversary", "lips": "lip_adversary"}[name]] = generator_loss(logits)
            style.append(gram_l1(features, true_features))
        if style:
            parts["style"] = torch.stack(style).mean()
    return parts


def cut_parts(output: Tensor, pairs: FacePairs, size: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Eyes and lips (n, 3, size, size) of outputs and of targets, where the targets show them."""
    masks = {"eyes": split_eyes(pairs.flow.eyes), "lips": (pairs.flow.mouth,)}
    parts = {
        name: (
            torch.cat([cut_component(output, mask, size)[0] for mask in of_part]),
            torch.cat([cut_component(pairs.target, mask, size)[0] for mask in of_part]),
        )
        for name, of_part in masks.items()
    }
    return {name: cut for name, cut in parts.items() if len(cut[0])}


def judge_loss(
    opponents: PortraitDiscriminators, pairs: FacePairs, made: Tensor, *, penalty: bool, dtype: torch.dtype | None = None
) -> tuple[Tensor, dict[str, float]]:
    """The discriminators' loss: targets against outputs `made`, whole and in parts; with `penalty` and R1, which is weighted by how seldom
    it is computed."""
    images = {"whole": (made, pairs.target), "half": (F.avg_pool2d(made, 2), F.avg_pool2d(pairs.target, 2))}
    judges = {"whole": opponents.whole[0], "half": opponents.whole[1], "eyes": opponents.eyes, "lips": opponents.lips}
    total, parts = made.new_zeros(()), {}
    for name, (fake, real) in (images | cut_parts(made, pairs, opponents.part_size)).items():
        real = real.detach().requires_grad_(penalty)
        true_logits = judges[name](real, None if penalty else dtype)[0]
        loss = discriminator_loss(true_logits, judges[name](fake, dtype)[0])
        parts[name] = float(loss.detach())
        if penalty:
            loss = loss + PENALTY * PENALTY_EVERY * gradient_penalty(true_logits, real)
        total = total + loss
    return total, parts


def spread_of(output: Tensor, target: Tensor) -> float:
    """How much outputs (B, 3, r, r) of a batch differ from each other, in units of how much the targets do."""
    if len(output) < 2:
        return 1.0
    with torch.no_grad():
        return float((output.float().var(0).mean() / target.var(0).mean().clamp_min(1e-6)).sqrt())


def portrait_sweep(networks: MotionAutoencoder, image: Tensor) -> list[Tensor]:
    """Rows (5, 3, r, r) for the most important directions, each from -2 to +2 around the portrait's own motion."""
    identity, coefficients, skips = networks.encode(image)
    rows = []
    for name in ("yaw", "pitch", "roll", "jaw_open", "lips_part", "smile", "pucker", "blink", "brow_inner", "gaze_x"):
        moved = coefficients.repeat(5, 1)
        moved[:, rigs.index(name)] += torch.linspace(-2, 2, 5)
        rows.append(networks.decode(identity + moved @ networks.basis().T, skips))
    return rows


def build(config: AutoencoderTraining, stage: Stage) -> MotionAutoencoder:
    """The network of one stage: the coarse levels of the whole network."""
    levels = stage.size.bit_length() - 2
    network = MotionAutoencoder(replace(config.network, size=stage.size, channels=config.network.channels[:levels]))
    if config.basis_seed is not None:
        generator = torch.Generator().manual_seed(config.basis_seed)
        weight = networks_direction(network)
        with torch.no_grad():
            weight.copy_(torch.randn(weight.shape, generator=generator))
        weight.requires_grad_(False)
    return network


def networks_direction(networks: MotionAutoencoder) -> nn.Parameter:
    """The weight of the basis, (D, M)."""
    return networks.dec.direction.weight


def train_autoencoder(
    config: AutoencoderTraining,
    data_folder: str | Path,
    out: str | Path,
    *,
    start: FloatModel | None = None,
    portrait: Tensor | None = None,
    device: str = "cpu",
    on_progress: ProgressCallback | None = None,
) -> MotionAutoencoder:
    """Trains all stages, from the checkpoints in `out` if there are any. Returns the averaged network of the last stage.

    `start`: the model whose auto-encoder to begin with, of the first stage's size or smaller. Its basis stays as it is, so that a
    transformer that was trained for it goes on serving."""
    previous = None if start is None else _autoencoder_of(start).to(device)
    for index in range(len(config.stages)):
        phase, loop, folder = stage_of(config, index, data_folder, out, portrait=portrait, device=device)
        phase.networks.dec.direction.requires_grad_(start is None and config.basis_seed is None)
        if previous is not None and not (folder / CHECKPOINT).exists():
            grow(previous, phase.networks.to(device), phase.data, config.seed)
        state = run(phase, loop, folder, device=device, on_progress=on_progress)
        assert isinstance(state.ema, MotionAutoencoder)
        previous = copy.deepcopy(state.ema)
    assert previous is not None
    if config.weights.pose_code:
        tie_coefficients(previous)
    return previous


def _autoencoder_of(model: FloatModel) -> MotionAutoencoder:
    model.require("autoencoder")
    assert isinstance(model.autoencoder, MotionAutoencoder)
    return model.autoencoder


def stage_of(
    config: AutoencoderTraining,
    index: int,
    data_folder: str | Path,
    out: str | Path,
    *,
    portrait: Tensor | None = None,
    device: str = "cpu",
) -> tuple[AutoencoderPhase, LoopConfig, Path]:
    """One stage of a run: its phase with untrained networks, the loop's settings, and its folder."""
    stage = config.stages[index]
    torch.manual_seed(config.seed + index)
    networks = build(config, stage)
    networks.enc.requires_grad_(not stage.freeze_encoder)
    weights = stage.weights or config.weights
    features = find_features(config.features) if weights.features else None
    dtype = fastest_precision(device) if config.precision == "auto" else getattr(torch, config.precision)
    kind = AdversarialAutoencoderPhase if weights.opponents else AutoencoderPhase
    judge = None if features is None else features.to(device)
    phase = kind(networks, MixedFaces(data_folder, config.shares), stage, weights, portrait, dtype, judge)
    folder = Path(out) / f"stage_{index}_{stage.size}"
    loop = LoopConfig(
        stage.steps, stage.learning_rate, seed=config.seed, checkpoint_every=200, log_every=50, sample_every=400,
        note=f"precision {str(dtype).removeprefix('torch.')}, features {'none' if features is None else features.name}",
    )  # fmt: skip
    return phase, loop, folder


def as_model(networks: MotionAutoencoder, folder: str | Path) -> FloatModel:
    """A trained auto-encoder as a model without a transformer, ready for `save_model`."""
    config = ModelConfig("autoencoder", autoencoder=networks.config)
    basis = networks.basis().detach()
    return FloatModel(config, Provenance(str(folder), "", "training run", "none yet"), autoencoder=networks, basis_tensor=basis)

"""Phase 1: the motion auto-encoder learns to rebuild a target frame from the identity of a source frame and the motion of the target.

The exact coefficients and flows of the synthetic rig can supervise it, which gives each direction of the basis a true name. The image
size grows in stages; each stage starts from the averaged weights of the one before.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import AutoencoderConfig, ModelConfig
from ..motion_autoencoder.autoencoder import MotionAutoencoder
from ..progress import ProgressCallback
from ..synthetic import rig as rigs
from ..synthetic.face_dataset import FaceDataset, FacePairs
from ..types import FloatModel, Provenance
from .contact_sheet import write_sheet
from .growth import grow
from .loop import LoopConfig, run
from .losses import component_l1, detail_l1, flow_l1, multi_scale_l1
from .pose_head import pose_directions, tie_coefficients
from .read_config import from_data, preset, read_object


@dataclass(frozen=True)
class LossWeights:
    """Weights of the parts of the loss, from 0; 0 leaves a part out.

    pixel: pixels at several scales.
    detail: pixels and edges, compared with the source as the decoder's own flow moves it.
    component: pixels inside mouth and eyes.
    flow: the exact flow at each level.
    coefficient: the coefficients of the rig.
    pose_code: the pose of the source in the identity latent.
    """

    pixel: float = 2.0
    detail: float = 1.0
    component: float = 0.5
    flow: float = 16.0
    coefficient: float = 1.0
    pose_code: float = 1.0


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
    """

    size: int
    steps: int
    batch: int
    learning_rate: float
    rig_drive: float = 0.7
    teach: float = 0.0
    freeze_encoder: bool = False
    same_frame: float = 0.1


@dataclass(frozen=True)
class AutoencoderTraining:
    """Everything that defines a run of phase 1, except the data.

    network: the architecture.
    stages: trained in order.
    weights: of the parts of the loss.
    basis_seed: freezes the basis at a random draw with this seed (with the rig as supervision any orthonormal basis works); None = the
        basis is trained.
    seed: decides all other randomness.
    """

    network: AutoencoderConfig
    stages: tuple[Stage, ...]
    weights: LossWeights = LossWeights()
    basis_seed: int | None = None
    seed: int = 0

    @classmethod
    def read(cls, path: str | Path) -> AutoencoderTraining:
        """From a JSON file such as configs/mini_autoencoder.json. Raises OptionError for entries that are unknown, missing or wrong."""
        data = read_object(path)
        if (known := preset(data, path)) is not None:
            data["network"] = known.autoencoder
        return from_data(cls, data, str(path))


class AutoencoderPhase:
    """One stage: a batch of pairs, the loss, and sheets of samples."""

    def __init__(
        self, networks: MotionAutoencoder, data: FaceDataset, stage: Stage, weights: LossWeights, portrait: Tensor | None = None
    ) -> None:
        self.networks = networks
        self._data, self._stage, self._weights, self._portrait = data, stage, weights, portrait

    def loss(self, generator: torch.Generator, step: int) -> tuple[Tensor, dict[str, float]]:
        """The weighted sum of the losses for one random batch, and its parts."""
        pairs = self._data.draw(generator, self._stage.batch, self._stage.size, self._stage.same_frame)
        by_rig = bool(torch.rand((), generator=generator) < self._stage.rig_drive)
        taught = torch.rand(self._stage.batch, 1, generator=generator) < self._stage.teach
        return pair_loss(self.networks, pairs, self._weights, by_rig, taught)

    @torch.no_grad()
    def write_samples(self, networks_ema: nn.Module, folder: Path, step: int) -> None:
        """Sheets of held-out heads (source, target, output), and of the portrait along several directions."""
        assert isinstance(networks_ema, MotionAutoencoder)
        heads = list(range(self._data.heads - min(6, self._data.heads), self._data.heads))
        pairs = self._data.pairs(heads, [0] * len(heads), [1] * len(heads), self._stage.size)
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
            image = F.interpolate(self._portrait, size=self._stage.size, mode="area")
            write_sheet(folder / f"portrait_{step:06d}.jpg", portrait_sweep(networks_ema, image))


def pair_loss(
    networks: MotionAutoencoder, pairs: FacePairs, weights: LossWeights, by_rig: bool, taught: Tensor | None = None
) -> tuple[Tensor, dict[str, float]]:
    """Loss of one batch: the target is rebuilt from w_{S->r} of the source and w_{r->D} of the target (paper section 3.1).

    `taught` (B, 1): samples whose identity latent gets the pose of the rig instead of the encoder's."""
    with torch.set_grad_enabled(next(networks.enc.parameters()).requires_grad):
        identity, coefficients, skips = networks.encode(pairs.source)
    source_truth, truth = rigs.to_coefficients(pairs.source_rig), rigs.to_coefficients(pairs.target_rig)
    coefficient = F.l1_loss(coefficients, source_truth)
    pose_error = identity.new_zeros(())
    if weights.pose_code:
        code = pose_directions(networks.basis())
        pose_error = F.l1_loss(identity @ code, source_truth)
        if taught is not None:
            identity = identity + taught * (source_truth - identity @ code) @ code.T
    driving = truth
    if not by_rig:
        driving = networks.encode(pairs.target)[1]
        coefficient = 0.5 * (coefficient + F.l1_loss(driving, truth))
    w = identity + driving @ networks.basis().T  # w_{S->r} + sum_m lambda_m v_m (section 3.1)
    output, grids, _ = networks.decode(w, skips, return_flows=True)
    parts = {
        "pixel": multi_scale_l1(output, pairs.target),
        "detail": detail_l1(output, pairs.source, pairs.target, grids[-1], pairs.flow),
        "component": component_l1(output, pairs.target, (pairs.flow.mouth, pairs.flow.eyes)),
        "flow": flow_l1(grids, pairs.flow),
        "coefficient": coefficient,
        "pose_code": pose_error,
    }
    total = sum((getattr(weights, name) * value for name, value in parts.items()), start=output.new_zeros(()))
    return total, {name: float(value.detach()) for name, value in parts.items()}


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
    portrait: Tensor | None = None,
    device: str = "cpu",
    on_progress: ProgressCallback | None = None,
) -> MotionAutoencoder:
    """Trains all stages, from the checkpoints in `out` if there are any. Returns the averaged network of the last stage."""
    data = FaceDataset(data_folder)
    previous: MotionAutoencoder | None = None
    for index, stage in enumerate(config.stages):
        torch.manual_seed(config.seed + index)
        networks = build(config, stage)
        folder = Path(out) / f"stage_{index}_{stage.size}"
        networks.enc.requires_grad_(not stage.freeze_encoder)
        if previous is not None and not (folder / "checkpoint.pt").exists():
            grow(previous, networks, data, config.seed)
        phase = AutoencoderPhase(networks, data, stage, config.weights, portrait)
        loop = LoopConfig(stage.steps, stage.learning_rate, seed=config.seed, checkpoint_every=200, log_every=50, sample_every=400)
        state = run(phase, loop, folder, device=device, on_progress=on_progress)
        assert isinstance(state.ema, MotionAutoencoder)
        previous = copy.deepcopy(state.ema)
    assert previous is not None
    if config.weights.pose_code:
        tie_coefficients(previous)
    return previous


def as_model(networks: MotionAutoencoder, folder: str | Path) -> FloatModel:
    """A trained auto-encoder as a model without a transformer, ready for `save_model`."""
    config = ModelConfig("autoencoder", autoencoder=networks.config)
    basis = networks.basis().detach()
    return FloatModel(config, Provenance(str(folder), "", "training run", "none yet"), autoencoder=networks, basis_tensor=basis)

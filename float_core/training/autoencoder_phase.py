"""Phase 1: the motion auto-encoder learns to rebuild a target frame from the identity of a source frame and the motion of the target.

The exact coefficients and flows of the synthetic rig can supervise it, which gives each direction of the basis a true name. The image
size grows in stages; each stage starts from the averaged weights of the one before.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import ModelConfig
from ..errors import FloatError
from ..motion_autoencoder.autoencoder import MotionAutoencoder
from ..motion_autoencoder.discriminator import PortraitDiscriminators
from ..progress import ProgressCallback
from ..synthetic import rig as rigs
from ..synthetic.face_dataset import FacePairs, MixedFaces
from ..types import FloatModel, Provenance
from .autoencoder_training import AutoencoderTraining, LossWeights, Stage
from .contact_sheet import write_sheet
from .feature_networks import FeatureNetwork, find_features
from .growth import grow
from .judges import NOBODY, PENALTY_EVERY, Judges, judge_loss, judged_losses
from .loop import CHECKPOINT, LoopConfig, run
from .losses import component_l1, detail_l1, flow_l1, multi_scale_l1
from .pose_head import pose_directions, tie_coefficients
from .precision import fastest_precision

COLLAPSED, COLLAPSE_AFTER = 0.02, 200  # the least spread of the outputs, and the step from which it is expected


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
        opponents: PortraitDiscriminators | None = None,
    ) -> None:
        self.networks = networks
        self.data, self._stage, self._weights, self._portrait, self._dtype = data, stage, stage.weights or weights, portrait, dtype
        self._judges = Judges(features if self._weights.features else None, opponents)

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

    _last: tuple[FacePairs, Tensor] | None = None

    @property
    def opponents(self) -> PortraitDiscriminators:
        """The discriminators, of the stage's size."""
        assert self._judges.opponents is not None
        return self._judges.opponents

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
    judges: Judges = NOBODY,
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
    w = identity + driving @ networks.basis().T  # w_{S->r} + sum_m lambda_m v_m (equations 8 and 9)
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
    judge = None if features is None else features.to(device)
    faces = MixedFaces(data_folder, config.shares)
    phase: AutoencoderPhase
    if weights.opponents:
        phase = AdversarialAutoencoderPhase(networks, faces, stage, weights, portrait, dtype, judge, PortraitDiscriminators(stage.size))
    else:
        phase = AutoencoderPhase(networks, faces, stage, weights, portrait, dtype, judge)
    folder = Path(out) / f"stage_{index}_{stage.size}"
    loop = LoopConfig(
        stage.steps, stage.learning_rate, seed=config.seed, accumulate=stage.accumulate,
        checkpoint_every=200, log_every=50, sample_every=400,
        note=f"precision {str(dtype).removeprefix('torch.')}, features {'none' if features is None else features.name}",
    )  # fmt: skip
    return phase, loop, folder


def as_model(networks: MotionAutoencoder, folder: str | Path) -> FloatModel:
    """A trained auto-encoder as a model without a transformer, ready for `save_model`."""
    config = ModelConfig("autoencoder", autoencoder=networks.config)
    basis = networks.basis().detach()
    return FloatModel(config, Provenance(str(folder), "", "training run", "none yet"), autoencoder=networks, basis_tensor=basis)

"""Phase 2: the flow matching transformer and the compact audio encoder, trained together (paper section 3.2).

Targets are motion latents, from a rig or from the encoder on real frames: see `motion_sources`. `loop` runs the training, `motion_samples`
measures sampled motion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from ..audio.compact_encoder import MELS_PER_FRAME, CompactAudioEncoder
from ..config import CompactAudioConfig, TransformerConfig
from ..errors import OptionError
from ..motion_flow.probability_path import PathSample, straight_path
from ..motion_flow.transformer import FlowMatchingTransformer
from ..motion_flow.window_sampler import WindowState, sample_window
from ..progress import ProgressCallback
from ..synthetic.rig import RIG_GROUPS, RIG_NAMES
from ..types import FloatModel, SamplingOptions
from .loop import LoopConfig, run
from .mel_augmentation import disturb_mel
from .motion_dataset import ClipMixture, MotionClip, SourceShares, Windows, draw_windows, portrait_coefficients
from .motion_samples import write_motion_samples
from .motion_sources import MaterialConfig, MotionSource, load_sources
from .read_config import from_data, preset, read_object

# Spread of what in a portrait tells nothing about the clip (an open mouth, a gaze), and of errors in the rest; in coefficient units.
_SOURCE_SPREAD = {
    "jaw_open": 0.6, "lips_part": 0.6, "pucker": 0.4, "wink": 0.2, "gaze_x": 0.6, "gaze_y": 0.5, "jaw_side": 0.3,
}  # fmt: skip
_SOURCE_ERROR = 0.04
_ONE_SIDED = ("jaw_open", "pucker")
_RETURN_HEAD, _RETURN_FACE = 20.0, 2.0  # frames in which 63 % of the way from sampled frames back to the truth is gone


@dataclass(frozen=True)
class MotionPhaseConfig:
    """Batches and losses of phase 2.

    batch: windows in a step.
    first_share: 0..1, share of first windows, whose preceding frames are zeros.
    drop_reference: 0..1, how often the source motion w_r is replaced by zeros.
    drop_emotion: how often the emotion w_e is.
    drop_audio: how often the audio features w_a are.
    drop_preceding: how often the preceding frames are.
    velocity_weight: of L_vel, with 1 for L_OT.
    seam_weight: inside L_vel, of the step from the preceding frames to the window.
    basis_weight: of the error along the basis, with 1 for the error in the whole latent space.
    preceding_noise: spread of noise on the coefficients of the preceding frames, so that windows can follow sampled frames too.
    own_share: 0..1, share of the windows whose preceding frames the model has sampled itself, so that seams close.
    own_from: steps in which this share rises from 0: an untrained model has nothing to follow.
    own_steps: steps of that sampling, which has no gradient.
    disturb_mels: 0..1, share of the windows whose log-mels are varied once more, by equalizer, noise and the size of a head. Variants of a
        recording are few and come again; these never do.
    norm: "l1" as in the paper, or "l2". The minimum of "l1" is the median velocity, which makes rare motion such as a blink too rare; that
        of "l2" is the mean.
    audio_guidance: the guidance scale at which sampled motion is like the data; 1 as in the paper. The loss is on the guided velocity. With
        a larger scale the mouth opens too wide, and lips press together in silence.
    half: the networks compute in bfloat16.
    """

    batch: int = 32
    first_share: float = 0.15
    drop_reference: float = 0.1
    drop_emotion: float = 0.1
    drop_audio: float = 0.1
    drop_preceding: float = 0.4
    velocity_weight: float = 1.0
    seam_weight: float = 1.0
    basis_weight: float = 1.0
    preceding_noise: float = 0.05
    own_share: float = 0.2
    own_from: int = 2000
    own_steps: int = 3
    disturb_mels: float = 0.5
    norm: Literal["l1", "l2"] = "l1"
    audio_guidance: float = 1.0
    half: bool = False


@dataclass(frozen=True)
class MotionTraining:
    """Everything that defines a run of phase 2, except the data and the basis.

    transformer: architecture of the transformer.
    audio: architecture of the audio encoder.
    loop: settings of the run.
    phase: batches and losses.
    material: how the sources are read and mixed.
    name: of the finished model.
    """

    transformer: TransformerConfig
    audio: CompactAudioConfig
    loop: LoopConfig
    phase: MotionPhaseConfig = MotionPhaseConfig()
    material: MaterialConfig = field(default_factory=MaterialConfig)
    name: str = "mini"

    @classmethod
    def read(cls, path: str | Path) -> MotionTraining:
        """From a JSON file such as configs/mini_motion.json. Raises OptionError for entries that are unknown, missing or wrong."""
        data = read_object(path)
        if (known := preset(data, path)) is not None:
            if not isinstance(known.audio, CompactAudioConfig):
                raise OptionError(f"{path}: only the compact audio encoder can be trained, not the one of {known.name!r}")
            data |= {"transformer": known.transformer, "audio": known.audio}
        return from_data(cls, data, str(path))


class MotionNetworks(nn.Module):
    """What phase 2 trains. The attributes have the names of the prefixes in a checkpoint."""

    def __init__(self, transformer: TransformerConfig, audio: CompactAudioConfig) -> None:
        super().__init__()
        self.fmt = FlowMatchingTransformer(transformer)
        self.audio_encoder = CompactAudioEncoder(audio)


@dataclass(frozen=True)
class Conditions:
    """Conditions of the transformer for B windows, after dropout.

    audio: w_a, (B, W, D_a).
    source: w_r, (B, D).
    emotion: w_e, (B, 1, 7).
    preceding: motion of the P preceding frames, (B, P, D).
    preceding_audio: their audio features, (B, P, D_a).
    has_preceding: (B, 1, 1), 0 where the preceding frames are zeros.
    """

    audio: Tensor
    source: Tensor
    emotion: Tensor
    preceding: Tensor
    preceding_audio: Tensor
    has_preceding: Tensor


class MotionPhase:
    """A `loop.Phase`. `basis` is (D, M), orthonormal. Held-out clips are only sampled, never trained on."""

    def __init__(
        self,
        networks: MotionNetworks,
        clips: Sequence[MotionClip],
        basis: Tensor,
        config: MotionPhaseConfig = MotionPhaseConfig(),
        shares: SourceShares | None = None,
    ) -> None:
        self.networks = networks
        self.config = config
        self.mixture = ClipMixture([clip for clip in clips if not clip.held_out], shares or SourceShares())
        self.held_out = [clip for clip in clips if clip.held_out] or self.mixture.clips[-8:]
        self.basis = basis
        taus = torch.tensor([_RETURN_HEAD if RIG_GROUPS[name] == "head" else _RETURN_FACE for name in RIG_NAMES])
        self._left = torch.exp(-(torch.arange(networks.fmt.config.window)[:, None] + 1) / taus).to(basis)  # (W, M)

    def loss(self, generator: torch.Generator, step: int) -> tuple[Tensor, dict[str, float]]:
        """L_OT + L_vel of one batch (paper section 3.2), in the latent space and along the basis."""
        with torch.autocast(self.basis.device.type, torch.bfloat16, enabled=self.config.half):
            motion, c = self._batch(generator, step)
            x0 = torch.randn(motion.shape, generator=generator).to(motion.device)
            t = torch.rand(len(motion), generator=generator).to(motion.device)
            path = straight_path(x0, motion, t)  # the optimal transport path of section 3.2
            predicted = self._guided(path, c)
        error = predicted[:, -motion.shape[1] :].float() - path.velocity  # L_OT is its norm
        along = error @ self.basis
        norm = torch.abs if self.config.norm == "l1" else torch.square
        ot, vel = norm(error).mean(), norm(velocity_error(error, self.config.seam_weight * c.has_preceding)).mean()
        ot_basis, vel_basis = norm(along).mean(), norm(velocity_error(along, self.config.seam_weight * c.has_preceding)).mean()
        weight, basis_weight = self.config.velocity_weight, self.config.basis_weight
        loss = ot + weight * vel + basis_weight * (ot_basis + weight * vel_basis)
        parts = {"ot": ot, "vel": vel, "ot_basis": ot_basis, "vel_basis": vel_basis}
        return loss, {name: float(part.detach()) for name, part in parts.items()}

    def _guided(self, path: PathSample, c: Conditions) -> Tensor:
        """v + (a - 1) (v - v without audio); the second part has no gradient."""
        fmt, extra = self.networks.fmt, self.config.audio_guidance - 1
        velocity: Tensor = fmt(path.x_t, path.t, c.audio, c.source, c.emotion, c.preceding, c.preceding_audio)
        if extra == 0:
            return velocity
        with torch.no_grad():
            silent = fmt(path.x_t, path.t, torch.zeros_like(c.audio), c.source, c.emotion, c.preceding, c.preceding_audio)
        return velocity + extra * (velocity - silent)

    def write_samples(self, networks_ema: nn.Module, folder: Path, step: int) -> None:
        """Curves and measures of held-out clips."""
        write_motion_samples(networks_ema, self.held_out, self.basis, folder, step)

    def _batch(self, generator: torch.Generator, step: int) -> tuple[Tensor, Conditions]:
        """Motion (B, W, D) and its conditions: first windows of some clips, windows after frames that the model sampled, then windows from
        anywhere."""
        config = self.config
        first = round(config.batch * config.first_share)
        own = round(config.batch * config.own_share * min(1.0, step / max(config.own_from, 1)))
        own = min(own, config.batch - first)
        groups = [self._first(first, generator), self._own(own, generator), self._any(config.batch - first - own, generator)]
        motions, sources, emotions, befores, audios, befores_audio = (
            torch.cat(parts) for parts in zip(*(g for g in groups if g), strict=True)
        )
        keep = self._mask(config.drop_preceding, len(motions), generator)
        keep[:first] = 0
        keep[first : first + own] = 1
        conditions = Conditions(
            audios * self._mask(config.drop_audio, len(motions), generator),
            sources * self._mask(config.drop_reference, len(motions), generator)[:, 0],
            emotions[:, None] * self._mask(config.drop_emotion, len(motions), generator),
            befores * keep,
            befores_audio * keep,
            keep,
        )
        return motions, conditions

    def _first(self, count: int, generator: torch.Generator) -> tuple[Tensor, ...] | None:
        """First windows, with zeros for preceding frames."""
        if count == 0:
            return None
        fmt = self.networks.fmt.config
        windows, audio = self._heard(count, fmt.window, 0, generator)
        motion, emotion = windows.motion.to(self.basis.device), windows.emotion.to(self.basis.device)
        before, before_audio = (motion.new_zeros(count, fmt.preceding, size) for size in (fmt.latent_size, fmt.audio_size))
        return motion, source_motion(windows, self.basis, generator), emotion, before, audio, before_audio

    def _any(self, count: int, generator: torch.Generator) -> tuple[Tensor, ...] | None:
        """Windows from anywhere in the clips, with noise on their true preceding frames."""
        if count == 0:
            return None
        fmt = self.networks.fmt.config
        windows, audio = self._heard(count, fmt.window, fmt.preceding, generator)
        motion, emotion = windows.motion.to(self.basis.device), windows.emotion.to(self.basis.device)
        before = self._shaken(motion[:, : fmt.preceding], generator)
        source = source_motion(windows, self.basis, generator)
        return motion[:, fmt.preceding :], source, emotion, before, audio[:, fmt.preceding :], audio[:, : fmt.preceding]

    def _own(self, count: int, generator: torch.Generator) -> tuple[Tensor, ...] | None:
        """Windows after frames that the model itself samples, without gradient. From these the target goes back to the true motion: the
        mouth at once, the head slowly."""
        if count == 0:
            return None
        fmt = self.networks.fmt.config
        window, preceding = fmt.window, fmt.preceding
        windows, audio = self._heard(count, window, window + preceding, generator)
        motion, emotion = windows.motion.to(self.basis.device), windows.emotion.to(self.basis.device)
        source = source_motion(windows, self.basis, generator)
        state = WindowState(self._shaken(motion[:, :preceding], generator), audio[:, :preceding].detach())
        noise = torch.randn(count, window, fmt.latent_size, generator=generator).to(motion.device)
        options = SamplingOptions(steps=self.config.own_steps, audio_guidance=self.config.audio_guidance)
        heard = audio[:, preceding : preceding + window].detach()
        sampled, _ = sample_window(self.networks.fmt, state, source, heard, emotion[:, None], noise, options)
        torch.clear_autocast_cache()  # older torch would go on with weights that were cast without gradient
        before, target = sampled[:, -preceding:].float(), motion[:, -window:]
        away = (before[:, -1:] - motion[:, -window - 1 : -window]) @ self.basis
        target = target + (away * self._left) @ self.basis.T
        return target, source, emotion, before, audio[:, -window:], audio[:, -window - preceding : -window]

    def _heard(self, count: int, window: int, preceding: int, generator: torch.Generator) -> tuple[Windows, Tensor]:
        """Windows and their audio features, (B, preceding + window, D_a)."""
        encoder = self.networks.audio_encoder
        windows = draw_windows(
            self.mixture.draw(count, generator),
            window=window,
            preceding=preceding,
            context=encoder.reach,
            first=preceding == 0,
            generator=generator,
        )
        mel = windows.mel
        if self.config.disturb_mels:
            varied = torch.rand(count, 1, 1, generator=generator) < self.config.disturb_mels
            mel = torch.where(varied, disturb_mel(mel, generator), mel)
        audio = encoder.encode_mel(mel.to(self.basis.device), mel.shape[1] // MELS_PER_FRAME)
        skipped = 0 if preceding == 0 else encoder.reach
        return windows, audio[:, skipped : skipped + preceding + window]

    def _shaken(self, motion: Tensor, generator: torch.Generator) -> Tensor:
        noise = torch.randn(*motion.shape[:2], self.basis.shape[1], generator=generator).to(motion.device)
        return motion + self.config.preceding_noise * noise @ self.basis.T

    def _mask(self, dropout: float, count: int, generator: torch.Generator) -> Tensor:
        kept = torch.rand(count, 1, 1, generator=generator) >= dropout
        return kept.float().to(self.basis.device)


def train_motion(
    config: MotionTraining,
    sources: Sequence[MotionSource],
    basis: Tensor,
    out: str | Path,
    *,
    start: FloatModel | None = None,
    device: str = "cpu",
    on_progress: ProgressCallback | None = None,
) -> MotionNetworks:
    """Trains the phase, from the checkpoint in `out` if there is one. `basis` (D, M): that of the frozen auto-encoder; `start`: the model
    whose transformer and audio encoder to begin with. Returns the averaged networks."""
    phase = motion_phase_of(config, sources, basis, start=start, device=device, on_progress=on_progress)
    averaged = run(phase, config.loop, out, device=device, on_progress=on_progress).ema
    assert isinstance(averaged, MotionNetworks)
    return averaged


def motion_phase_of(
    config: MotionTraining,
    sources: Sequence[MotionSource],
    basis: Tensor,
    *,
    start: FloatModel | None = None,
    device: str = "cpu",
    on_progress: ProgressCallback | None = None,
) -> MotionPhase:
    """The phase with its material, untrained or with the weights of `start`. Raises OptionError if those have other sizes."""
    torch.manual_seed(config.loop.seed)
    networks = MotionNetworks(config.transformer, config.audio)
    if start is not None:
        begin_with(networks, start)
    clips = load_sources(sources, basis, networks.audio_encoder, config.material, on_progress=on_progress)
    return MotionPhase(networks, clips, basis.detach().float().to(device), config.phase, config.material.shares)


def begin_with(networks: MotionNetworks, model: FloatModel) -> None:
    """Takes the weights of a model's transformer and compact audio encoder; what the model lacks stays untrained."""
    given = {"transformer": model.transformer, "audio_encoder": model.audio_encoder}
    for name, part in (("transformer", networks.fmt), ("audio_encoder", networks.audio_encoder)):
        if (weights := given[name]) is None:
            continue
        if weights.config != part.config:
            raise OptionError(f"the {name} to begin with is {weights.config}; the configuration has {part.config}. They must be equal")
        part.load_state_dict(weights.state_dict())


def velocity_error(error: Tensor, seam: Tensor) -> Tensor:
    """The error of L_vel (paper section 3.2): first differences over time of the error (B, W, C), (B, W, C).

    It starts with the step from the preceding frames, multiplied by `seam` (B, 1, 1). These frames are given, so their error is zero."""
    return torch.cat([error[:, :1] * seam, error[:, 1:] - error[:, :-1]], dim=1)


def source_motion(windows: Windows, basis: Tensor, generator: torch.Generator) -> Tensor:
    """w_r (B, D) of a portrait for each window: the pose and the expression of its clip, with any mouth. If the rig is not known, that of a
    random frame."""
    spread = torch.tensor([_SOURCE_SPREAD.get(name, _SOURCE_ERROR) for name in RIG_NAMES])
    one_sided = torch.tensor([name in _ONE_SIDED for name in RIG_NAMES])
    sources = []
    for clip in windows.clips:
        frame = clip.motion[int(torch.randint(len(clip.motion), (1,), generator=generator))]
        if clip.rest is not None:
            draw = torch.randn(len(RIG_NAMES), generator=generator) * spread
            frame = (portrait_coefficients(clip.rest) + torch.where(one_sided, draw.abs(), draw)) @ basis.T.cpu()
        sources.append(frame)
    return torch.stack(sources).to(basis.device)

"""The data that passes between the parts of float_core: frozen dataclasses that state shapes, units and ranges.

B = batch, T = frames, D = latent size, M = basis size, S = image size. Those that hold tensors compare
by identity. Tensors are float32 on the model's device, whatever dtype the networks compute in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from .config import EMOTIONS, ModelConfig
from .errors import CheckpointError, OptionError

SolverName = Literal["euler", "midpoint", "heun", "rk4", "ab2"]
NoisePolicy = Literal["continuous", "same_each_window"]
TimeGridName = Literal["even", "fine_end"]
QualityName = Literal["fast", "balanced", "best"]
PartName = Literal["autoencoder", "transformer", "audio_encoder", "emotion"]
EasingName = Literal["linear", "smooth", "hold", "bezier"]
EVALUATIONS_PER_STEP: dict[str, int] = {"euler": 1, "midpoint": 2, "heun": 2, "rk4": 4, "ab2": 1}
SOLVERS: tuple[str, ...] = tuple(EVALUATIONS_PER_STEP)
NOISE_POLICIES: tuple[str, ...] = ("continuous", "same_each_window")
TIME_GRIDS: tuple[str, ...] = ("even", "fine_end")
# steps, solver, time grid and guidance interval of each quality: chosen from the table in docs/sampling_quality.md
_QUALITY_SETTINGS: dict[str, tuple[int, SolverName, TimeGridName, tuple[float, float]]] = {
    "fast": (4, "ab2", "fine_end", (0.0, 0.9)),
    "balanced": (8, "ab2", "fine_end", (0.05, 0.9)),
    "best": (20, "midpoint", "fine_end", (0.0, 1.0)),
}
QUALITIES: tuple[str, ...] = tuple(_QUALITY_SETTINGS)
LABEL_GROUPS: tuple[str, ...] = ("head", "jaw", "mouth", "eyes", "brows")  # what a direction can move
EASINGS: tuple[str, ...] = ("linear", "smooth", "hold", "bezier")


@dataclass(frozen=True)
class CropTransform:
    """Where a crop came from: `square` = (x1, y1, x2, y2) in pixels of the full image, may reach outside of it."""

    square: tuple[int, int, int, int]
    height: int
    width: int
    size: int


@dataclass(frozen=True, eq=False)
class FaceCrop:
    """An image ready for the encoder. `image` (1, 3, S, S) in [-1, 1], RGB; `notes` say what a user should know; `found`: how many
    faces there were, where they were looked for."""

    image: Tensor
    transform: CropTransform
    notes: tuple[str, ...] = ()
    found: int = 0


@dataclass(frozen=True, eq=False)
class SourceIdentity:
    """What the encoder reads off a source image. `latent` w_{S->r} (B, D); `coefficients` lambda (B, M); `motion` w_{r->S} =
    basis @ lambda (B, D); `skips`: feature maps (B, C, r, r), coarsest (8x8) first, finest (SxS) last."""

    latent: Tensor
    coefficients: Tensor
    motion: Tensor
    skips: tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class AudioClip:
    """Audio in memory. `waveform` (samples,) float32, about [-1, 1]; `sample_rate` in Hz. Only `write_video` takes (channels, samples) too,
    and keeps stereo: everything else listens to one channel, which `mix_to_mono` makes."""

    waveform: Tensor
    sample_rate: int

    @property
    def samples(self) -> int:
        """How many samples each channel has, at its own rate."""
        return self.waveform.shape[-1]


@dataclass(frozen=True)
class AudioFile:
    """The first audio track of a file, read in pieces whenever it is asked for, so that memory does not grow with its length: a mix of its
    `channels`, at its own `sample_rate` in Hz, `samples` long (counted by decoding it once). `open_audio` makes one; `write_video` reads
    the file's own channels."""

    path: Path
    sample_rate: int
    samples: int
    channels: int
    reader: Callable[[], Iterator[Tensor]] = field(repr=False, compare=False)

    def blocks(self) -> Iterator[Tensor]:
        """The audio from its beginning, as blocks (n,) of mono float32, n > 0, all finite. Raises AudioError if the file has changed."""
        return self.reader()


@dataclass(frozen=True, eq=False)
class AudioFeatures:
    """Audio features w_a (B, T, D_a), `fps` frames a second."""

    features: Tensor
    fps: float


@dataclass(frozen=True, eq=False)
class EmotionCondition:
    """w_e (B, 1 or T, 7): weights of angry, disgust, fear, happy, neutral, sad, surprise, which sum to 1."""

    probabilities: Tensor
    names: tuple[str, ...] = EMOTIONS


@dataclass(frozen=True, eq=False)
class MotionSequence:
    """Motion `latents` w_{r->D} (B, T, D), `fps` frames a second; frame i is at i / fps seconds. `source` (B, D): w_{r->S} of the portrait
    that the motion was sampled for, where that is known."""

    latents: Tensor
    fps: float
    source: Tensor | None = None


@dataclass(frozen=True)
class Keyframe:
    """A point of a curve: `time` in seconds, `value` in coefficient units. `easing` says how the curve goes from here to the next
    keyframe; `handles` = (x1, y1, x2, y2), the two inner control points of "bezier" as shares of the time and value in between (the x in
    0..1), as in CSS."""

    time: float
    value: float
    easing: EasingName = "smooth"
    handles: tuple[float, float, float, float] = (0.42, 0.0, 0.58, 1.0)


@dataclass(frozen=True)
class LambdaCurve:
    """A value over time, in coefficient units: by `keyframes` (held before the first and after the last), or by `values`, spread evenly
    over the clip, however many they are. One of the two is empty."""

    keyframes: tuple[Keyframe, ...] = ()
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class MotionEdit:
    """An edit along one direction of the basis, in coefficient (lambda) units. In every frame the coefficient c becomes
    c + weight * (clamp(base + offset + curve, low, high) - c), where base = mean + gain * (c - mean) with the clip's mean, or, if `freeze`,
    the value of the range's first frame. `weight` is 1 from `start` to `end` seconds (None: to the clip's end), 0 outside, and rises and
    falls over `ease` seconds inside the range, at those of its ends that are given; `easing` "linear" or "smooth"."""

    direction: int
    offset: float = 0.0
    gain: float = 1.0
    freeze: bool = False
    low: float | None = None
    high: float | None = None
    start: float = 0.0
    end: float | None = None
    ease: float = 0.0
    easing: EasingName = "smooth"
    curve: LambdaCurve | None = None


@dataclass(frozen=True)
class DirectionLabel:
    """One thing that a direction moves. `name` is a control of the synthetic rig ("yaw", "smile", ...), `group` head, jaw, mouth, eyes or
    brows; `strength` 0..1 = its share of all that the direction moves, each control counted in its typical spread; `per_unit` = how far
    one unit of the coefficient moves it, in the control's natural unit `unit`."""

    name: str
    group: str
    strength: float
    per_unit: float
    unit: str


@dataclass(frozen=True)
class DirectionCalibration:
    """What one direction does: `labels`, strongest first, those too weak to matter left out; `fit` 0..1 = how much of the motion in the
    image the labels explain; `low`, `high` = natural range of an offset (deviation from a clip's mean in sampled motion); `spread` = its
    standard deviation."""

    labels: tuple[DirectionLabel, ...]
    fit: float
    low: float
    high: float
    spread: float


@dataclass(frozen=True)
class Calibration:
    """What the M directions of a basis do. `fingerprint` of the basis it belongs to; `mirror` (M rows of M): coefficients of the mirrored
    face = mirror @ coefficients; `provenance`: how it was made, in plain words."""

    fingerprint: tuple[float, ...]
    directions: tuple[DirectionCalibration, ...]
    mirror: tuple[tuple[float, ...], ...]
    provenance: str


@dataclass(frozen=True, eq=False)
class FrameChunk:
    """Consecutive frames (n, 3, S, S) clamped to [-1, 1]; `start` = index of the first one in the clip."""

    frames: Tensor
    start: int


def _is(value: object, *kinds: type) -> bool:
    """Whether it is of one of these kinds of number; True and False are not numbers here."""
    return isinstance(value, kinds) and not isinstance(value, bool)


@dataclass(frozen=True)
class SamplingOptions:
    """How motion is sampled.

    steps: evaluations of the velocity for a window. A midpoint or heun step takes two, an rk4 step four.
    solver: "euler", "midpoint", "heun", "rk4" or "ab2" (Adams-Bashforth).
    audio_guidance: how strongly the motion follows the audio; 1 = plain conditioning.
    emotion_guidance: how strongly it follows the emotion; 1 = plain conditioning.
    seed: decides all noise.
    noise_policy: "continuous" draws new noise for every window, "same_each_window" the same noise (as the released script does).
    time_grid: how the steps lie between noise (time 0) and motion (time 1): "even", or "fine_end", which begins with long steps and ends
        with short ones.
    guidance_interval: (start, end), the times between which the guidance scales hold, the ends included. At other times they are 1, which
        takes one pass of the network instead of up to three.
    """

    steps: int = 10
    solver: SolverName = "euler"
    audio_guidance: float = 2.0
    emotion_guidance: float = 1.0
    seed: int = 0
    noise_policy: NoisePolicy = "continuous"
    time_grid: TimeGridName = "even"
    guidance_interval: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        for name, known in (("solver", SOLVERS), ("noise_policy", NOISE_POLICIES), ("time_grid", TIME_GRIDS)):
            if getattr(self, name) not in known:
                raise OptionError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(known)}")
        per_step = EVALUATIONS_PER_STEP[self.solver]
        if not _is(self.steps, int) or self.steps < per_step or self.steps % per_step:
            raise OptionError(
                f"steps is {self.steps!r}; {self.solver} takes {per_step} evaluation(s) a step: give a positive multiple of {per_step}"
            )
        for name in ("audio_guidance", "emotion_guidance"):
            value = getattr(self, name)
            if not _is(value, int, float) or not abs(value) < 1e4:
                raise OptionError(f"{name} is {value!r}; expected a finite number (useful: 0 to 10)")
        if not _is(self.seed, int) or not 0 <= self.seed < 2**64:
            raise OptionError(f"seed is {self.seed!r}; expected a whole number from 0 to 2**64 - 1")
        interval = self.guidance_interval
        if not (isinstance(interval, tuple) and len(interval) == 2 and all(_is(t, int, float) for t in interval)):
            raise OptionError(f"guidance_interval is {interval!r}; expected two times (start, end)")
        if not 0 <= interval[0] < interval[1] <= 1:
            raise OptionError(f"guidance_interval is {interval!r}; expected 0 <= start < end <= 1")

    @classmethod
    def of_quality(
        cls,
        quality: QualityName,
        *,
        seed: int = 0,
        audio_guidance: float = 2.0,
        emotion_guidance: float = 1.0,
        noise_policy: NoisePolicy = "continuous",
    ) -> SamplingOptions:
        """Steps, solver, time grid and guidance interval by what they give: "fast", "balanced" or "best". What each costs and how far it is
        from the exact solution was measured: docs/sampling_quality.md."""
        if quality not in QUALITIES:
            raise OptionError(f"quality is {quality!r}; expected one of {', '.join(QUALITIES)}")
        steps, solver, time_grid, interval = _QUALITY_SETTINGS[quality]
        return cls(steps, solver, audio_guidance, emotion_guidance, seed, noise_policy, time_grid, interval)

    @classmethod
    def released(cls, seed: int = 0) -> SamplingOptions:
        """The released script's run: 10 time points, which are 9 Euler evaluations, guidance 2 and 1, one noise for every window."""
        return cls(steps=9, solver="euler", audio_guidance=2.0, emotion_guidance=1.0, seed=seed, noise_policy="same_each_window")


@dataclass(frozen=True)
class Provenance:
    """Where weights came from: `file` or folder, its `sha256`, the `layout` that was recognized, the `license` in plain words, and all
    `files` that were read, those of the wav2vec2 folders included."""

    file: str
    sha256: str
    layout: str
    license: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class FloatModel:
    """Loaded networks with their configuration. `basis` (D, M) orthonormal; a part that the files did not hold is None. `calibration`:
    what the directions do, where a file beside the weights says it.
    The networks are plain modules, there for tests and training: autoencoder, transformer, audio_encoder, emotion."""

    config: ModelConfig
    provenance: Provenance
    autoencoder: nn.Module | None = None
    transformer: nn.Module | None = None
    audio_encoder: nn.Module | None = None
    emotion_loader: Callable[[], nn.Module] | None = None  # the largest network: loaded on first use
    basis_tensor: Tensor | None = None
    calibration: Calibration | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dtype: torch.dtype = torch.float32

    @property
    def basis(self) -> Tensor:
        """Orthonormal motion directions (D, M), float32 on the model's device."""
        if self.basis_tensor is None:
            raise CheckpointError(self._missing("autoencoder"))
        return self.basis_tensor

    def has(self, part: PartName) -> bool:
        """Whether the files held this part: "autoencoder", "transformer", "audio_encoder" or "emotion"."""
        return {
            "autoencoder": self.autoencoder,
            "transformer": self.transformer,
            "audio_encoder": self.audio_encoder,
            "emotion": self.emotion_loader,
        }[part] is not None

    def require(self, part: PartName) -> Any:
        """The network of that part. Raises CheckpointError, saying which file would have it, when it is not there."""
        if not self.has(part):
            raise CheckpointError(self._missing(part))
        if part == "emotion":
            assert self.emotion_loader is not None
            return self.emotion_loader()
        return getattr(self, part)

    def _missing(self, part: str) -> str:
        sources = {
            "autoencoder": "FLOAT.safetensors, float.pth, or an encoder and a decoder file in one folder (load the folder)",
            "transformer": "FLOAT.safetensors, float.pth, or a transformer file",
            "audio_encoder": "FLOAT.safetensors, or float.pth with the folder wav2vec2-base-960h beside it",
            "emotion": "FLOAT.safetensors, or the folder wav2vec-english-speech-emotion-recognition beside the file",
        }
        return f"{self.provenance.file} has no {part.replace('_', ' ')}. It is needed here; these have it: {sources[part]}."

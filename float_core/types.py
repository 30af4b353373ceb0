"""The data that passes between the parts of float_core: frozen dataclasses. Each field states its shape, unit and range.

B = batch, T = frames, D = latent size, M = basis size, S = image size. Classes that hold tensors compare by identity.
Tensors are float32 on the model's device, whatever dtype the networks compute in.
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
    """Where a crop came from.

    square: (x1, y1, x2, y2) in pixels of the full image; it may reach outside of the image.
    height: height of the full image, in pixels.
    width: width of the full image, in pixels.
    size: side S of the crop after resizing, in pixels.
    roll: by how many degrees the square is turned clockwise around its middle, so that a tilted head is upright in the crop.
    """

    square: tuple[int, int, int, int]
    height: int
    width: int
    size: int
    roll: float = 0.0


@dataclass(frozen=True, eq=False)
class FaceCrop:
    """An image that is ready for the encoder.

    image: (1, 3, S, S), RGB in [-1, 1].
    transform: where in the full image the crop was.
    notes: what a user should know about the crop, one sentence each.
    found: how many faces were detected; 0 if none were looked for.
    """

    image: Tensor
    transform: CropTransform
    notes: tuple[str, ...] = ()
    found: int = 0


@dataclass(frozen=True, eq=False)
class SourceIdentity:
    """What the encoder finds in a source image: w_S = w_{S->r} + w_{r->S} (paper section 3.1, equation 8).

    latent: identity latent w_{S->r}, (B, D).
    coefficients: motion coefficients lambda, (B, M).
    motion: motion latent w_{r->S} = sum_m lambda_m v_m = basis @ lambda, (B, D).
    skips: feature maps (B, C, r, r) from r = 8 (first) to r = S (last).
    """

    latent: Tensor
    coefficients: Tensor
    motion: Tensor
    skips: tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class AudioClip:
    """Audio in memory.

    waveform: (samples,) float32, about [-1, 1]. `write_video` also takes (channels, samples) and keeps stereo; all other functions
        need one channel, which `mix_to_mono` makes.
    sample_rate: in Hz, a positive whole number.
    """

    waveform: Tensor
    sample_rate: int

    @property
    def samples(self) -> int:
        """How many samples each channel has."""
        return self.waveform.shape[-1]


@dataclass(frozen=True)
class AudioFile:
    """The first audio track of a file, mixed to mono and read in pieces: memory does not grow with its length. Made by `open_audio`.

    path: the file.
    sample_rate: the file's own rate, in Hz.
    samples: samples in each channel, counted by decoding the file once.
    channels: channels in the file; `write_video` reads them from the file again.
    reader: called for each new reading; yields the blocks.
    """

    path: Path
    sample_rate: int
    samples: int
    channels: int
    reader: Callable[[], Iterator[Tensor]] = field(repr=False, compare=False)

    def blocks(self) -> Iterator[Tensor]:
        """The audio from its start, as blocks (n,) of mono float32 with n > 0, all finite. Raises AudioError if the file has changed."""
        return self.reader()


@dataclass(frozen=True, eq=False)
class AudioFeatures:
    """What the audio encoder makes of audio: one feature vector for each frame.

    features: w_a, (B, T, D_a).
    fps: frames per second, those of the model.
    """

    features: Tensor
    fps: float


@dataclass(frozen=True, eq=False)
class EmotionCondition:
    """The emotion that the motion shows, constant or one for each frame.

    probabilities: w_e, (B, 1 or T, 7); the seven weights are 0..1 and sum to 1.
    names: the seven emotions in the order of the weights: angry, disgust, fear, happy, neutral, sad, surprise.
    """

    probabilities: Tensor
    names: tuple[str, ...] = EMOTIONS


@dataclass(frozen=True, eq=False)
class MotionSequence:
    """Motion over time.

    latents: motion latents w_{r->D}, (B, T, D).
    fps: frames per second, 1 to 1000; frame i is at i / fps seconds.
    source: w_{r->S} of the portrait that the motion was sampled for, (B, D); None if it is not known.
    """

    latents: Tensor
    fps: float
    source: Tensor | None = None


@dataclass(frozen=True)
class Keyframe:
    """A point of a curve.

    time: in seconds.
    value: in coefficient units.
    easing: how the curve goes from here to the next keyframe: "linear", "smooth", "hold" or "bezier".
    handles: (x1, y1, x2, y2), the two inner control points of "bezier", as in CSS: fractions of the time (x, 0..1) and of the value (y)
        between the two keyframes.
    """

    time: float
    value: float
    easing: EasingName = "smooth"
    handles: tuple[float, float, float, float] = (0.42, 0.0, 0.58, 1.0)


@dataclass(frozen=True)
class LambdaCurve:
    """A value over time, in coefficient units. Give keyframes or values, not both.

    keyframes: points of the curve; the value is held before the first and after the last one.
    values: any number of values, spread evenly over the whole motion.
    """

    keyframes: tuple[Keyframe, ...] = ()
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class MotionEdit:
    """An edit along one direction of the basis, in coefficient (lambda) units.

    In every frame the coefficient c becomes c + weight * (clamp(base + offset + curve, low, high) - c). Here base is
    mean + gain * (c - mean), with the mean over the whole motion, or with `freeze` the value in the first frame of the range. The weight
    is 1 from `start` to `end` and 0 outside.

    direction: which direction, 0 to M - 1.
    offset: added to the coefficient.
    gain: scales the deviation from the mean; 1 changes nothing, 0 holds the mean.
    freeze: hold the value of the first frame of the range.
    low: lower limit of the coefficient, or None.
    high: upper limit of the coefficient, or None.
    start: first second of the range.
    end: last second of the range; None = the end of the motion.
    ease: seconds in which the weight rises after `start` and falls before `end`, inside the range. No ramp at a `start` of 0 or
        an `end` of None.
    easing: shape of the ramps, "linear" or "smooth".
    curve: added to the coefficient, over time.
    """

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
    """One thing that a direction moves.

    name: a control of the synthetic rig, such as "yaw" or "smile".
    group: "head", "jaw", "mouth", "eyes" or "brows".
    strength: 0..1, the share of this control in all that the direction moves, with each control measured in its typical spread.
    per_unit: how far one unit of the coefficient moves the control, in `unit`.
    unit: the natural unit of the control, such as "degrees".
    """

    name: str
    group: str
    strength: float
    per_unit: float
    unit: str


@dataclass(frozen=True)
class DirectionCalibration:
    """What one direction does.

    labels: what it moves, strongest first; what is too weak to matter is left out.
    fit: 0..1, how much of the motion in the image the labels explain.
    low: lower end of the natural range: percentile 1 of the deviation from the mean in sampled motion, in coefficient units.
    high: upper end of that range: percentile 99.
    spread: standard deviation of the same.
    """

    labels: tuple[DirectionLabel, ...]
    fit: float
    low: float
    high: float
    spread: float


@dataclass(frozen=True)
class Calibration:
    """What the M directions of a basis do.

    fingerprint: 16 numbers that identify the basis it belongs to (`calibration.basis_fingerprint`).
    directions: M entries, in the order of the basis.
    mirror: M rows of M numbers; coefficients of the mirrored face = mirror @ coefficients.
    provenance: how the calibration was made, in plain words.
    """

    fingerprint: tuple[float, ...]
    directions: tuple[DirectionCalibration, ...]
    mirror: tuple[tuple[float, ...], ...]
    provenance: str


@dataclass(frozen=True, eq=False)
class FrameChunk:
    """Consecutive frames of a video.

    frames: (n, 3, S, S), RGB, clamped to [-1, 1].
    start: number of the first of them in the whole video, from 0.
    """

    frames: Tensor
    start: int


def _is(value: object, *kinds: type) -> bool:
    """Whether the value is a number of one of these types; True and False are not numbers here."""
    return isinstance(value, kinds) and not isinstance(value, bool)


@dataclass(frozen=True)
class SamplingOptions:
    """How motion is sampled.

    steps: evaluations of the velocity for each window; a midpoint or heun step takes two, an rk4 step four.
    solver: "euler", "midpoint", "heun", "rk4" or "ab2" (Adams-Bashforth).
    audio_guidance: how strongly the motion follows the audio; 1 = plain conditioning, 0 to 10 are useful.
    emotion_guidance: how strongly the motion follows the emotion; 1 = plain conditioning, 0 to 10 are useful.
    seed: decides all noise, 0 to 2**64 - 1.
    noise_policy: "continuous" = new noise for every window; "same_each_window" = the same noise, as in the released script.
    time_grid: how the steps are spaced between noise (time 0) and motion (time 1): "even", or "fine_end" = long steps first, short
        steps last.
    guidance_interval: (start, end) with 0 <= start < end <= 1. Guidance is used at times from start to end; at other times its scales are
        1, which takes one pass of the network instead of up to three.
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
        """Steps, solver, time grid and guidance interval for a quality: "fast", "balanced" or "best". docs/sampling_quality.md has the cost
        and the error of each.

        >>> SamplingOptions.of_quality("fast", seed=7).solver
        'ab2'
        """
        if quality not in QUALITIES:
            raise OptionError(f"quality is {quality!r}; expected one of {', '.join(QUALITIES)}")
        steps, solver, time_grid, interval = _QUALITY_SETTINGS[quality]
        return cls(steps, solver, audio_guidance, emotion_guidance, seed, noise_policy, time_grid, interval)

    @classmethod
    def released(cls, seed: int = 0) -> SamplingOptions:
        """As the released script samples: 10 time points (9 Euler evaluations), guidance 2 and 1, the same noise for every window.

        >>> SamplingOptions.released().steps
        9
        """
        return cls(steps=9, solver="euler", audio_guidance=2.0, emotion_guidance=1.0, seed=seed, noise_policy="same_each_window")


@dataclass(frozen=True)
class Provenance:
    """Where weights came from.

    file: the weight file or folder that was loaded.
    sha256: its hash as 64 hexadecimal digits; for a folder, the hash of the list of its files' hashes.
    layout: name of the file layout that was recognized.
    license: the license of the weights, in plain words.
    files: all files that were read, including those of the wav2vec2 folders.
    """

    file: str
    sha256: str
    layout: str
    license: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class FloatModel:
    """Loaded networks with their configuration. A part that the files do not hold is None.

    config: the sizes of all parts.
    provenance: where the weights came from.
    autoencoder: motion auto-encoder (encoder and decoder), a plain module.
    transformer: flow matching transformer, a plain module.
    audio_encoder: audio to features, a plain module.
    emotion_loader: loads the speech emotion network when it is first used.
    basis_tensor: orthonormal motion directions (D, M); read it as `basis`.
    calibration: what the directions do, if a file beside the weights says so.
    device: where the networks are and compute.
    dtype: what the networks compute in; tensors at the public functions stay float32.
    """

    config: ModelConfig
    provenance: Provenance
    autoencoder: nn.Module | None = None
    transformer: nn.Module | None = None
    audio_encoder: nn.Module | None = None
    emotion_loader: Callable[[], nn.Module] | None = None
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
        """Whether the model has this part: "autoencoder", "transformer", "audio_encoder" or "emotion"."""
        return {
            "autoencoder": self.autoencoder,
            "transformer": self.transformer,
            "audio_encoder": self.audio_encoder,
            "emotion": self.emotion_loader,
        }[part] is not None

    def require(self, part: PartName) -> Any:
        """The network of this part. Raises CheckpointError if it is missing, and names the files that have it."""
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

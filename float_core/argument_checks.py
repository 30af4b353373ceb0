"""Checks of the arguments of public functions: shapes, ranges, finite values. Knows no network.

Each message says what was found, what was expected and, if that is not obvious, what to do.
"""

from __future__ import annotations

import math
from reprlib import repr as short  # what is found may be anything, of any length
from typing import TypeGuard, TypeVar

import torch
from torch import Tensor

from .errors import AudioError, FloatError, ImageError, OptionError
from .types import (
    AudioClip,
    AudioFeatures,
    AudioFile,
    EmotionCondition,
    FloatModel,
    MotionSequence,
    SourceIdentity,
)

T = TypeVar("T")
Shape = tuple[int | str, ...]  # a number must match, a letter names a free size
LARGEST = 1e6  # of any number here: far beyond what a face can do, far below where float32 ends


def is_number(value: object) -> TypeGuard[float]:
    """Whether this is an int or float that float32 can work with; True and False are not numbers here."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST


def is_whole(value: object) -> TypeGuard[int]:
    """Whether this is an int; True and False are not numbers here."""
    return isinstance(value, int) and not isinstance(value, bool)


def check_number(name: str, value: object, *, low: float = -LARGEST, high: float = LARGEST) -> float:
    """A finite number from `low` to `high`, or an OptionError that begins with `name`."""
    if is_number(value) and low <= value <= high:
        return float(value)
    allowed = f"from {low:g}" + ("" if high == LARGEST else f" to {high:g}") if low > -LARGEST else f"of at most {high:g}"
    raise OptionError(f"{name} is {short(value)}; expected a finite number {allowed}")


def check_whole(name: str, value: object, *, low: int, high: int | None = None) -> int:
    """A whole number from `low` to `high`, or an OptionError that begins with `name`."""
    if is_whole(value) and value >= low and (high is None or value <= high):
        return value
    raise OptionError(f"{name} is {short(value)}; expected a whole number from {low}" + ("" if high is None else f" to {high}"))


def check_type(name: str, value: object, kind: type[T], error: type[FloatError]) -> T:
    """A value of that type, or `error`."""
    if not isinstance(value, kind):
        raise error(f"{name} is {type(value).__name__}; expected {kind.__name__}")
    return value


def check_tensor(name: str, value: object, shape: Shape, error: type[FloatError]) -> Tensor:
    """A finite floating point tensor of that shape, or `error`."""
    expected = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
    if not isinstance(value, Tensor):
        raise error(f"{name} is {type(value).__name__}; expected a tensor {expected}")
    fits = value.dim() == len(shape) and all(isinstance(want, str) or want == size for want, size in zip(shape, value.shape, strict=True))
    if not fits or value.numel() == 0:
        raise error(f"{name} has shape {tuple(value.shape)}; expected {expected}" + (", not empty" if fits else ""))
    if not value.is_floating_point():
        raise error(f"{name} has dtype {value.dtype}; expected floating point")
    if not bool(torch.isfinite(value).all()):
        raise error(f"{name} has values that are not finite (nan or infinity)")
    return value


def check_images(model: FloatModel, images: object, *, batch: int | str = "B") -> Tensor:
    """(B, 3, S, S) in [-1, 1] at the model's image size."""
    size = model.config.autoencoder.size if model.config.autoencoder is not None else "S"
    value = check_tensor("images", images, (batch, 3, size, size), ImageError)
    low, high = value.min().item(), value.max().item()
    if low < -1.001 or high > 1.001:  # float noise of a resize is no reason to refuse
        raise ImageError(f"images have values from {low:.3g} to {high:.3g}; expected [-1, 1]: use pixels / 127.5 - 1, or prepare_image")
    return value


def check_audio(audio: object) -> AudioClip | AudioFile:
    """Mono audio with valid samples; those of a file were checked when it was opened."""
    if not isinstance(audio, AudioFile):
        check_samples(check_type("the audio", audio, AudioClip, AudioError))
    return audio  # type: ignore[return-value]


def check_samples(audio: AudioClip) -> Tensor:
    """The waveform (samples,) in float32. Raises AudioError for several channels, no samples, a bad rate, or values that are not finite."""
    waveform, rate = audio.waveform, audio.sample_rate
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 < rate < math.inf or rate != int(rate):
        raise AudioError(f"the sample rate is {rate!r}; expected a positive whole number of Hz")
    if not isinstance(waveform, Tensor):
        raise AudioError(f"the waveform is a {type(waveform).__name__}; expected a torch tensor of shape (samples,)")
    if waveform.ndim != 1:
        raise AudioError(
            f"the audio has shape {tuple(waveform.shape)}; expected one channel, (samples,): mix (channels, samples) with mix_to_mono first"
        )
    if waveform.numel() == 0:
        raise AudioError("the audio has no samples; expected at least one")
    if not waveform.is_floating_point():
        raise AudioError(f"the audio has dtype {waveform.dtype}; expected float in about [-1, 1] (divide 16-bit samples by 32768)")
    waveform = waveform.float()
    if not bool(torch.isfinite(waveform).all()):
        raise AudioError("the audio has values that are not finite (NaN or infinity); decode it again or repair it")
    return waveform


def check_emotion(model: FloatModel, emotion: object, frames: int, *, batch: int | str = "B") -> EmotionCondition:
    """(B, 1 or `frames`, 7)."""
    value = check_type("emotion", emotion, EmotionCondition, OptionError)
    size = model.require("transformer").config.emotion_size
    weights = check_tensor("emotion.probabilities", value.probabilities, (batch, "1 or T", size), OptionError)
    if weights.shape[1] not in (1, frames):
        raise OptionError(f"emotion.probabilities has {weights.shape[1]} frames; expected 1, or {frames} as the audio has")
    return value


def check_conditions(model: FloatModel, identity: object, audio: object, emotion: object) -> int:
    """The batch size of conditions that fit the transformer and each other. A batch of 1 fits every other batch."""
    config = model.require("transformer").config
    source = check_type("identity", identity, SourceIdentity, OptionError)
    heard = check_type("audio", audio, AudioFeatures, OptionError)
    motion = check_tensor("identity.motion", source.motion, ("B", config.latent_size), OptionError)
    features = check_tensor("audio.features", heard.features, ("B", "T", config.audio_size), OptionError)
    weights = check_emotion(model, emotion, features.shape[1]).probabilities
    batches = {"identity": len(motion), "audio": len(features), "emotion": len(weights)}
    if len(set(batches.values()) - {1}) > 1:
        found = ", ".join(f"{name} {size}" for name, size in batches.items())
        raise OptionError(f"the batch sizes do not fit together: {found}; expected the same size for all, or 1")
    return max(batches.values())


def check_noise(noise: object, shape: tuple[int, int, int, int]) -> Tensor:
    """x0 of every window: (windows, B, W, D)."""
    if isinstance(noise, Tensor) and noise.dim() == 4 and tuple(noise.shape) != shape:
        raise OptionError(f"noise has shape {tuple(noise.shape)}; expected (windows, B, W, D) = {shape} for this audio")
    return check_tensor("noise", noise, shape, OptionError)


def check_motion(model: FloatModel, motion: object, *, batch: int | str = "B") -> MotionSequence:
    """(B, T, D) motion latents of this model."""
    return check_sequence(motion, batch=batch, latent_size=model.basis.shape[0])


def check_sequence(motion: object, *, name: str = "motion", batch: int | str = "B", latent_size: int | str = "D") -> MotionSequence:
    """(B, T, D) motion latents and their frame rate, of any model."""
    value = check_type(name, motion, MotionSequence, OptionError)
    shape = check_tensor(f"{name}.latents", value.latents, (batch, "T", latent_size), OptionError).shape
    check_number(f"{name}.fps", value.fps, low=1, high=1000)
    if value.source is not None:
        check_tensor(f"{name}.source", value.source, (shape[0], shape[2]), OptionError)
    return value


def check_identity(model: FloatModel, identity: object) -> SourceIdentity:
    """One identity (B = 1) of this model, with its skip features."""
    value = check_type("identity", identity, SourceIdentity, OptionError)
    check_tensor("identity.latent", value.latent, (1, model.basis.shape[0]), OptionError)
    config = model.require("autoencoder").config
    sizes = [(channels, r) for channels, r in zip(config.channels, config.resolutions, strict=True) if r >= 8]
    if len(value.skips) != len(sizes):
        raise OptionError(f"identity.skips has {len(value.skips)} levels; expected {len(sizes)}: it comes from another model")
    for skip, (channels, r) in zip(value.skips, sizes, strict=True):
        check_tensor(f"identity.skips at {r}x{r}", skip, (1, channels, r, r), OptionError)
    return value


def check_source(model: FloatModel, identity: object, batch: int) -> Tensor:
    """The motion w_{r->S} of an identity of this model, (1, D) or (`batch`, D)."""
    value = check_type("identity", identity, SourceIdentity, OptionError)
    motion = check_tensor("identity.motion", value.motion, ("B", model.basis.shape[0]), OptionError)
    if len(motion) not in (1, batch):
        raise OptionError(f"the identity has a batch of {len(motion)}; expected 1, or {batch} as the motion has")
    return motion


def check_batch_size(batch_size: object) -> None:
    """None (automatic) or a positive whole number."""
    if batch_size is not None:
        check_whole("batch_size", batch_size, low=1)

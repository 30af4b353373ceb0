"""Checks of what users hand to the public functions: shapes, ranges, finite values. Knows no network.

Every message says what was found, what was expected and, where it is not plain, what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

from .errors import AudioError, FloatError, ImageError, OptionError
from .motion_editing.edit_checks import check_edit, check_number
from .motion_flow.window_velocity import asked_times
from .types import (
    AudioClip,
    AudioFeatures,
    AudioFile,
    EmotionCondition,
    FloatModel,
    MotionEdit,
    MotionSequence,
    SamplingOptions,
    SourceIdentity,
)

T = TypeVar("T")
Shape = tuple[int | str, ...]  # a number is binding, a letter names what is free


def _check_type(name: str, value: object, kind: type[T], error: type[FloatError]) -> T:
    if not isinstance(value, kind):
        raise error(f"{name} is {type(value).__name__}; expected {kind.__name__}")
    return value


def _check_tensor(name: str, value: object, shape: Shape, error: type[FloatError]) -> Tensor:
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
    value = _check_tensor("images", images, (batch, 3, size, size), ImageError)
    low, high = value.min().item(), value.max().item()
    if low < -1.001 or high > 1.001:  # float noise of a resize is no reason to refuse
        raise ImageError(f"images range from {low:.3g} to {high:.3g}; expected [-1, 1]: use pixels / 127.5 - 1, or prepare_image")
    return value


def check_audio(audio: object) -> AudioClip | AudioFile:
    """A sound; its samples and rate are checked where they are prepared (those of a file were when it was opened)."""
    return audio if isinstance(audio, AudioFile) else _check_type("the audio", audio, AudioClip, AudioError)


def check_options(options: object) -> SamplingOptions:
    """SamplingOptions, which check their own values; here, that guidance that is asked for acts at all."""
    value = _check_type("options", options, SamplingOptions, OptionError)
    times, (start, end) = asked_times(value), value.guidance_interval
    if (value.audio_guidance, value.emotion_guidance) != (1.0, 1.0) and not any(start <= t <= end for t in times):
        asked = ", ".join(f"{t:.2f}" for t in times[:4]) + (", ..." if len(times) > 4 else "")
        raise OptionError(
            f"guidance_interval is {start:g} to {end:g}, in which no step asks for the velocity ({value.steps} steps of {value.solver} do "
            f"so at {asked}): the guidance scales would do nothing. Make it wider, take more steps, or set both scales to 1"
        )
    return value


def check_emotion(model: FloatModel, emotion: object, frames: int, *, batch: int | str = "B") -> EmotionCondition:
    """(B, 1 or `frames`, 7)."""
    value = _check_type("emotion", emotion, EmotionCondition, OptionError)
    size = model.require("transformer").config.emotion_size
    weights = _check_tensor("emotion.probabilities", value.probabilities, (batch, "1 or T", size), OptionError)
    if weights.shape[1] not in (1, frames):
        raise OptionError(f"emotion.probabilities has {weights.shape[1]} frames; expected 1, or {frames} as the audio has")
    return value


def check_conditions(model: FloatModel, identity: object, audio: object, emotion: object) -> int:
    """Conditions of one clip that fit the transformer and one another; returns the batch. A batch of 1 goes with every other."""
    config = model.require("transformer").config
    source = _check_type("identity", identity, SourceIdentity, OptionError)
    sound = _check_type("audio", audio, AudioFeatures, OptionError)
    motion = _check_tensor("identity.motion", source.motion, ("B", config.latent_size), OptionError)
    features = _check_tensor("audio.features", sound.features, ("B", "T", config.audio_size), OptionError)
    weights = check_emotion(model, emotion, features.shape[1]).probabilities
    batches = {"identity": len(motion), "audio": len(features), "emotion": len(weights)}
    if len(set(batches.values()) - {1}) > 1:
        found = ", ".join(f"{name} {size}" for name, size in batches.items())
        raise OptionError(f"the batch sizes do not go together: {found}; expected the same for all, or 1")
    return max(batches.values())


def check_noise(noise: object, shape: tuple[int, int, int, int]) -> Tensor:
    """x0 of every window: (windows, B, W, D)."""
    if isinstance(noise, Tensor) and noise.dim() == 4 and tuple(noise.shape) != shape:
        raise OptionError(f"noise has shape {tuple(noise.shape)}; expected (windows, B, W, D) = {shape} for this clip")
    return _check_tensor("noise", noise, shape, OptionError)


def check_motion(model: FloatModel, motion: object, *, batch: int | str = "B") -> MotionSequence:
    """(B, T, D) motion latents of this model."""
    return check_sequence(motion, batch=batch, latent_size=model.basis.shape[0])


def check_sequence(motion: object, *, name: str = "motion", batch: int | str = "B", latent_size: int | str = "D") -> MotionSequence:
    """(B, T, D) motion latents and their rate, of whatever model."""
    value = _check_type(name, motion, MotionSequence, OptionError)
    shape = _check_tensor(f"{name}.latents", value.latents, (batch, "T", latent_size), OptionError).shape
    check_number(f"{name}.fps", value.fps, low=1, high=1000)
    if value.source is not None:
        _check_tensor(f"{name}.source", value.source, (shape[0], shape[2]), OptionError)
    return value


def check_identity(model: FloatModel, identity: object) -> SourceIdentity:
    """One identity (B = 1) of this model, with its skip features."""
    value = _check_type("identity", identity, SourceIdentity, OptionError)
    _check_tensor("identity.latent", value.latent, (1, model.basis.shape[0]), OptionError)
    config = model.require("autoencoder").config
    sizes = [(channels, r) for channels, r in zip(config.channels, config.resolutions, strict=True) if r >= 8]
    if len(value.skips) != len(sizes):
        raise OptionError(f"identity.skips has {len(value.skips)} levels; expected {len(sizes)}: it comes from another model")
    for skip, (channels, r) in zip(value.skips, sizes, strict=True):
        _check_tensor(f"identity.skips at {r}x{r}", skip, (1, channels, r, r), OptionError)
    return value


def check_source(model: FloatModel, identity: object, batch: int) -> Tensor:
    """The motion w_{r->S} of an identity of this model, (1, D) or (`batch`, D)."""
    value = _check_type("identity", identity, SourceIdentity, OptionError)
    motion = _check_tensor("identity.motion", value.motion, ("B", model.basis.shape[0]), OptionError)
    if len(motion) not in (1, batch):
        raise OptionError(f"the identity has a batch of {len(motion)}; expected 1, or {batch} as the motion has")
    return motion


def check_edits(model: FloatModel, edits: object) -> tuple[MotionEdit, ...]:
    """Edits along directions that the basis has."""
    directions = model.basis.shape[1]
    if not isinstance(edits, Sequence) or isinstance(edits, str):
        raise OptionError(f"edits is {type(edits).__name__}; expected a sequence of MotionEdit")
    return tuple(check_edit(edit, directions, f"edit {number}") for number, edit in enumerate(edits, 1))


def check_batch_size(batch_size: object) -> None:
    """None (automatic) or a positive whole number."""
    if batch_size is None:
        return
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise OptionError(f"batch_size is {batch_size!r}; expected a positive whole number, or None to let it be chosen")

"""From conditions to motion: one clip's latents, sampled window after window."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from ..argument_checks import check_conditions, check_noise, check_type
from ..errors import OptionError
from ..motion_flow.window_sampler import sample_windows, stream_windows, window_count
from ..motion_flow.window_velocity import asked_times
from ..progress import ProgressCallback
from ..types import AudioFeatures, EmotionCondition, FloatModel, MotionSequence, SamplingOptions, SourceIdentity


def sample_motion(
    model: FloatModel,
    identity: SourceIdentity,
    audio: AudioFeatures,
    emotion: EmotionCondition,
    options: SamplingOptions = SamplingOptions(),  # noqa: B008 (frozen)
    *,
    noise: Tensor | None = None,
    on_progress: ProgressCallback | None = None,
) -> MotionSequence:
    """Motion latents (B, T, D) of a clip. Conditions with B = 1 are broadcast; `noise` (windows, B, W, D) is used instead of the seed.
    An emotion in time that never changes gives the same bits as that emotion. Progress: stage "sample", in evaluations of the velocity."""
    windows = stream_motion(model, identity, audio, emotion, options, noise=noise, on_progress=on_progress)
    motion = torch.cat(list(windows), dim=1)
    return MotionSequence(motion, audio.fps, identity.motion.to(motion.device, motion.dtype).expand(len(motion), -1))


def stream_motion(
    model: FloatModel,
    identity: SourceIdentity,
    audio: AudioFeatures,
    emotion: EmotionCondition,
    options: SamplingOptions,
    *,
    noise: Tensor | None = None,
    on_progress: ProgressCallback | None = None,
) -> Iterator[Tensor]:
    """As `sample_motion`, but a window (B, up to W, D) at a time, each sampled when it is asked for. Checks its arguments at the call."""
    check_options(options)
    batch = check_conditions(model, identity, audio, emotion)
    transformer = model.require("transformer")
    config = transformer.config
    windows = window_count(audio.features.shape[1], config)
    if noise is not None:
        check_noise(noise, (windows, batch, config.window, config.latent_size))
    source, sound, emotions = (c.to(model.device, torch.float32) for c in (identity.motion, audio.features, emotion.probabilities))
    emotions = _said_once(emotions)
    on_evaluation = _counter(on_progress, windows * options.steps) if on_progress is not None else None
    return sample_windows(transformer, source, sound, emotions, options, noise=noise, on_evaluation=on_evaluation)


def stream_audio_motion(
    model: FloatModel,
    identity: SourceIdentity,
    pieces: Iterable[Tensor],
    frames: int,
    emotion: EmotionCondition,
    options: SamplingOptions,
    *,
    on_progress: ProgressCallback | None = None,
) -> Iterator[Tensor]:
    """As `stream_motion` for one clip (B = 1) of `frames` frames whose audio features come in pieces (1, n, Da), such as
    `stream_audio_features` gives. A piece is taken when the first window that needs it is sampled: neither all of the features nor all
    of the motion is held. The same bits as from the whole features. Checks nothing."""
    transformer = model.require("transformer")
    config = transformer.config
    emotions = _said_once(emotion.probabilities.to(model.device, torch.float32))
    feelings = itertools.repeat(emotions) if emotions.shape[1] == 1 else _windows([emotions], config.window)
    conditions = zip(_windows(pieces, config.window), feelings, strict=False)
    source = identity.motion.to(model.device, torch.float32)
    on_evaluation = _counter(on_progress, window_count(frames, config) * options.steps) if on_progress is not None else None
    return stream_windows(transformer, source, conditions, frames, options, on_evaluation=on_evaluation)


def check_options(options: object) -> SamplingOptions:
    """SamplingOptions, which check their own values; here, that guidance that is asked for acts at all."""
    value = check_type("options", options, SamplingOptions, OptionError)
    times, (start, end) = asked_times(value), value.guidance_interval
    if (value.audio_guidance, value.emotion_guidance) != (1.0, 1.0) and not any(start <= t <= end for t in times):
        asked = ", ".join(f"{t:.2f}" for t in times[:4]) + (", ..." if len(times) > 4 else "")
        raise OptionError(
            f"guidance_interval is {start:g} to {end:g}, in which no step asks for the velocity ({value.steps} steps of {value.solver} do "
            f"so at {asked}): the guidance scales would do nothing. Make it wider, take more steps, or set both scales to 1"
        )
    return value


def _windows(pieces: Iterable[Tensor], length: int) -> Iterator[Tensor]:
    """Pieces (B, n, C) as windows (B, length, C), the last one filled up with the last frame, as `cut_windows` cuts a whole sequence."""
    rest: Tensor | None = None
    for piece in pieces:
        rest = piece if rest is None else torch.cat([rest, piece], dim=1)
        while rest.shape[1] >= length:
            yield rest[:, :length]
            rest = rest[:, length:]
    if rest is not None and rest.shape[1]:
        yield torch.cat([rest, rest[:, -1:].expand(-1, length - rest.shape[1], -1)], dim=1)


def _said_once(emotions: Tensor) -> Tensor:
    """(B, T, 7) that never changes as (B, 1, 7): the network then rounds as for a constant one."""
    return emotions[:, :1] if bool((emotions == emotions[:, :1]).all()) else emotions


def _counter(on_progress: ProgressCallback, total: int) -> Callable[[], None]:
    done = itertools.count(1)
    return lambda: on_progress("sample", next(done), total)

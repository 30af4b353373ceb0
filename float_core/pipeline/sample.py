"""From conditions to motion: one clip's latents, sampled window after window."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ..motion_flow.window_sampler import sample_windows, window_count
from ..types import AudioFeatures, EmotionCondition, FloatModel, MotionSequence, ProgressCallback, SamplingOptions, SourceIdentity
from .argument_checks import check_conditions, check_noise, check_options


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
    if bool((emotions == emotions[:, :1]).all()):  # said once, not frame by frame: the network then rounds as for a constant one
        emotions = emotions[:, :1]
    on_evaluation = _counter(on_progress, windows * options.steps) if on_progress is not None else None
    return sample_windows(transformer, source, sound, emotions, options, noise=noise, on_evaluation=on_evaluation)


def _counter(on_progress: ProgressCallback, total: int) -> Callable[[], None]:
    done = itertools.count(1)
    return lambda: on_progress("sample", next(done), total)

"""From conditions to motion, sampled window by window."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from ..argument_checks import check_conditions, check_noise, check_type
from ..errors import OptionError
from ..motion_flow.ode_solvers import evaluation_times
from ..motion_flow.window_sampler import sample_windows, window_count
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
    """Motion latents (B, T, D) for audio features (B, T, D_a) (paper section 3.2). Where one batch is 1, it is used for all of the others.

    noise: (windows, B, W, D) for windows of W frames, used instead of the seed.
    on_progress: stage "sample", in evaluations of the velocity.

    An emotion over time that never changes gives the same bits as the constant emotion.

    >>> import float_core
    >>> model = float_core.load_model("mini")
    >>> identity = float_core.encode_identity(model, torch.zeros(1, 3, 256, 256))
    >>> audio = float_core.encode_audio(model, float_core.AudioClip(torch.randn(16000), 16000))
    >>> options = float_core.SamplingOptions.of_quality("fast", seed=7)
    >>> sample_motion(model, identity, audio, float_core.choose_emotion("happy"), options).latents.shape
    torch.Size([1, 25, 64])
    """
    check_options(options)
    batch = check_conditions(model, identity, audio, emotion)
    config, frames = model.require("transformer").config, audio.features.shape[1]
    if noise is not None:
        check_noise(noise, (window_count(frames, config), batch, config.window, config.latent_size))
    source = identity.motion.to(model.device, torch.float32).expand(batch, -1)
    counted = evaluation_counter(model, frames, options, on_progress) if on_progress is not None else None
    windows = stream_motion(model, replace(identity, motion=source), [audio.features], emotion, options, noise=noise, on_evaluation=counted)
    return MotionSequence(torch.cat(list(windows), dim=1), audio.fps, source)


def stream_motion(
    model: FloatModel,
    identity: SourceIdentity,
    pieces: Iterable[Tensor],
    emotion: EmotionCondition,
    options: SamplingOptions,
    *,
    noise: Tensor | None = None,
    on_evaluation: Callable[[], None] | None = None,
) -> Iterator[Tensor]:
    """As `sample_motion`, with the same bits, but window by window (B, up to W, D), each sampled when it is asked for.

    The audio features come in pieces (B or 1, n, D_a) of any length, as from `stream_audio_features`. A piece is taken when the first
    window that needs it is sampled, so that neither all features nor all motion are held. Checks nothing.
    """
    transformer = model.require("transformer")
    source, emotions = (c.to(model.device, torch.float32) for c in (identity.motion, emotion.probabilities))
    if bool((emotions == emotions[:, :1]).all()):
        emotions = emotions[:, :1]  # so that the network rounds as for a constant one
    audio = (piece.to(model.device, torch.float32) for piece in pieces)
    return sample_windows(transformer, source, audio, emotions, options, noise=noise, on_evaluation=on_evaluation)


def check_options(options: object) -> SamplingOptions:
    """Refuses options whose guidance has no effect because no step lies in its interval. All other checks are in SamplingOptions.

    >>> check_options(SamplingOptions()).steps
    10
    """
    value = check_type("options", options, SamplingOptions, OptionError)
    times, (start, end) = evaluation_times(value.solver, value.steps, value.time_grid), value.guidance_interval
    if (value.audio_guidance, value.emotion_guidance) != (1.0, 1.0) and not any(start <= t <= end for t in times):
        asked = ", ".join(f"{t:.2f}" for t in times[:4]) + (", ..." if len(times) > 4 else "")
        raise OptionError(
            f"guidance_interval is {start:g} to {end:g}, but {value.steps} steps of {value.solver} evaluate the velocity only at {asked}: "
            "the guidance scales would have no effect. Make the interval wider, use more steps, or set both scales to 1"
        )
    return value


def evaluation_counter(model: FloatModel, frames: int, options: SamplingOptions, on_progress: ProgressCallback) -> Callable[[], None]:
    """An `on_evaluation` that reports to `on_progress`: stage "sample", of all evaluations that so many frames take."""
    done, total = itertools.count(1), window_count(frames, model.require("transformer").config) * options.steps
    return lambda: on_progress("sample", next(done), total)

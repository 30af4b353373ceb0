"""From an image and audio to frames in one call: encode, sample, edit, resample, render. The command line uses the same function."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from ..argument_checks import check_audio, check_batch_size, check_emotion, check_images, check_motion
from ..audio.speech_emotion import choose_emotion
from ..frame_rate import check_rate, exact_rate, frame_count
from ..motion_editing.edit_checks import check_edits
from ..motion_editing.motion_edits import edit_pieces, needs_whole_clip
from ..motion_editing.motion_mixing import retarget_motion
from ..motion_editing.motion_timing import resample_pieces
from ..progress import ProgressCallback, silent
from ..types import (
    AudioClip,
    AudioFile,
    EmotionCondition,
    FloatModel,
    FrameChunk,
    MotionEdit,
    MotionSequence,
    SamplingOptions,
    SourceIdentity,
)
from .encode import encode_identity, predict_emotion
from .long_audio import audio_frames, stream_audio_features
from .render import render_pieces
from .sample import check_options, evaluation_counter, stream_motion

EmotionChoice = str | Mapping[str, float] | EmotionCondition | None


def animate(
    model: FloatModel,
    image: Tensor,
    audio: AudioClip | AudioFile,
    *,
    emotion: EmotionChoice = None,
    options: SamplingOptions = SamplingOptions(),  # noqa: B008 (frozen)
    edits: Sequence[MotionEdit] = (),
    motion: MotionSequence | None = None,
    fps: float | Fraction | None = None,
    on_motion: Callable[[MotionSequence], object] | None = None,
    batch_size: int | None = None,
    compile: bool = False,
    on_progress: ProgressCallback | None = None,
) -> Iterator[FrameChunk]:
    """Frames of the face in `image` (1, 3, S, S) speaking `audio`, as chunks in order: exactly as many frames as the audio lasts.

    Frames come while later motion still has to be sampled and later audio still has to be encoded. Memory does not grow with the length
    of an `AudioFile`, unless the whole motion is needed first: for an edit with a gain, or for `on_motion`.

    emotion: a name, a mix of names and weights, or a condition. None = what the voice sounds like, or neutral, with a warning, if the
        model has no speech emotion network.
    options: how motion is sampled.
    edits: applied to the motion in order.
    motion: used instead of sampling, so that `emotion` and `options` have no effect. It is moved to this face as `retarget_motion` does,
        and cut, or held at its last frame with a warning, to last as long as the audio.
    fps: frames per second of the result, 10 to 120; None = the rate of the model or of `motion`.
    on_motion: called once before the first frame, with the whole motion as it will be rendered.
    batch_size, compile: see `render_frames`.
    on_progress: stage "encode" in steps; "sample" in evaluations, if the whole motion is needed first; "render" in frames, also called
        while motion is sampled.

    >>> import float_core
    >>> model = float_core.load_model("mini")
    >>> image = torch.zeros(1, 3, 256, 256)  # prepare_image makes one from a photograph
    >>> audio = float_core.AudioClip(torch.zeros(8000), 16000)
    >>> options = float_core.SamplingOptions.of_quality("fast")
    >>> sum(len(chunk.frames) for chunk in animate(model, image, audio, emotion="happy", options=options))
    13
    """
    model.require("autoencoder")
    check_images(model, image, batch=1)
    check_batch_size(batch_size)
    chosen = check_edits(model, edits)
    if motion is None:
        source, own, length = _sampled(model, audio, emotion, options), model.config.fps, audio_frames(model, audio)
    else:
        source, own, length = _given(model, audio, motion), motion.fps, motion.latents.shape[1]
    rate = check_rate(own if fps is None else fps, own=own)
    timing = _Timing(length, exact_rate(own), rate, frame_count(audio.samples, int(audio.sample_rate), rate))
    return _frames(model, image, source, chosen, timing, on_motion, batch_size, compile, on_progress or silent)


# Gives the motion of an identity in pieces (1, n, D). Reports encoding; sampling too, unless it is given something to call instead, after
# each evaluation.
MotionSource = Callable[[SourceIdentity, ProgressCallback, Callable[[], None] | None], Iterable[Tensor]]


@dataclass(frozen=True)
class _Timing:
    """A motion of `length` frames at the rate `own` becomes `frames` frames at the rate `rate`."""

    length: int
    own: Fraction
    rate: Fraction
    frames: int


def _sampled(model: FloatModel, audio: AudioClip | AudioFile, emotion: EmotionChoice, options: SamplingOptions) -> MotionSource:
    """Motion sampled for the audio. Arguments are checked now; networks compute when pieces are asked for."""
    model.require("transformer")
    check_options(options)
    features, frames = stream_audio_features(model, audio), audio_frames(model, audio)
    chosen = _resolve_emotion(model, emotion, frames)

    def pieces(identity: SourceIdentity, on_progress: ProgressCallback, on_evaluation: Callable[[], None] | None) -> Iterator[Tensor]:
        encoded = itertools.chain([next(features)], features)
        on_progress("encode", 2, 3)
        condition = chosen if chosen is not None else predict_emotion(model, audio)
        on_progress("encode", 3, 3)
        counted = on_evaluation or evaluation_counter(model, frames, options, on_progress)
        return stream_motion(model, identity, encoded, condition, options, on_evaluation=counted)

    return pieces


def _given(model: FloatModel, audio: AudioClip | AudioFile, motion: MotionSequence) -> MotionSource:
    """A given motion, moved to the identity."""
    check_motion(model, motion, batch=1)
    check_audio(audio)
    needed, found = frame_count(audio.samples, int(audio.sample_rate), motion.fps), motion.latents.shape[1]
    if found < needed:
        lasts, seconds = found / motion.fps, audio.samples / audio.sample_rate
        warnings.warn(f"the audio lasts {seconds:.2f} s and the motion {lasts:.2f} s: the last frame is held to the end", stacklevel=3)

    def pieces(identity: SourceIdentity, on_progress: ProgressCallback, _on_evaluation: Callable[[], None] | None) -> Iterator[Tensor]:
        on_progress("encode", 3, 3)
        return iter([retarget_motion(model, motion, identity).latents.to(model.device, torch.float32)])

    return pieces


def _resolve_emotion(model: FloatModel, emotion: EmotionChoice, frames: int) -> EmotionCondition | None:
    """The user's choice as a condition; None = predict it, which this model can do."""
    if isinstance(emotion, EmotionCondition):
        return check_emotion(model, emotion, frames, batch=1)
    if emotion is not None:
        return choose_emotion(emotion)
    if model.has("emotion"):
        return None
    warnings.warn("the model has no speech emotion network: the emotion is neutral. Choose an emotion to avoid this warning.", stacklevel=4)
    return choose_emotion("neutral")


def _frames(
    model: FloatModel,
    image: Tensor,
    source: MotionSource,
    edits: tuple[MotionEdit, ...],
    timing: _Timing,
    on_motion: Callable[[MotionSequence], object] | None,
    batch_size: int | None,
    compile: bool,
    on_progress: ProgressCallback,
) -> Iterator[FrameChunk]:
    on_progress("encode", 0, 3)
    identity = encode_identity(model, image)
    on_progress("encode", 1, 3)
    rendered, motion_first = 0, on_motion is not None or needs_whole_clip(edits)

    def while_sampling() -> None:
        on_progress("render", rendered, timing.frames)

    def while_rendering(stage: str, done: int, frames: int) -> None:
        nonlocal rendered
        rendered = done
        on_progress(stage, done, frames)

    pieces = _edited(model, source(identity, on_progress, None if motion_first else while_sampling), edits, timing)
    if on_motion is not None:
        latents = torch.cat(list(pieces), dim=1)
        on_motion(MotionSequence(latents, float(timing.rate), identity.motion))
        pieces = iter([latents])
    yield from render_pieces(model, identity, pieces, timing.frames, batch_size=batch_size, compile=compile, on_progress=while_rendering)


def _edited(model: FloatModel, pieces: Iterable[Tensor], edits: tuple[MotionEdit, ...], timing: _Timing) -> Iterator[Tensor]:
    """The motion as it will be rendered: edited, at the wanted rate, as long as the audio."""
    if needs_whole_clip(edits):
        pieces = _joined(pieces)
    if edits:
        pieces = edit_pieces(model, pieces, edits, frames=timing.length, fps=float(timing.own))
    if timing.rate != timing.own or timing.frames != timing.length:
        pieces = resample_pieces(pieces, timing.length, timing.own, timing.rate, timing.frames)
    return iter(pieces)


def _joined(pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    """All pieces as one."""
    yield torch.cat(list(pieces), dim=1)

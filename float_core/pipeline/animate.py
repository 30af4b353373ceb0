"""An image and a voice to frames in one call. Everything it does, the other functions of this room do one at a time."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from ..argument_checks import check_batch_size, check_emotion, check_images
from ..audio.speech_emotion import choose_emotion
from ..motion_editing.edit_checks import check_edits
from ..motion_editing.motion_edits import edit_pieces, needs_whole_clip
from ..progress import ProgressCallback, silent
from ..types import AudioClip, AudioFile, EmotionCondition, FloatModel, FrameChunk, MotionEdit, SamplingOptions
from .encode import encode_identity, predict_emotion
from .long_audio import audio_frames, stream_audio_features
from .render import render_pieces
from .sample import check_options, stream_audio_motion

EmotionChoice = str | Mapping[str, float] | EmotionCondition | None


def animate(
    model: FloatModel,
    image: Tensor,
    audio: AudioClip | AudioFile,
    *,
    emotion: EmotionChoice = None,
    options: SamplingOptions = SamplingOptions(),  # noqa: B008 (frozen)
    edits: Sequence[MotionEdit] = (),
    batch_size: int | None = None,
    compile: bool = False,
    on_progress: ProgressCallback | None = None,
) -> Iterator[FrameChunk]:
    """Frames of the face in `image` (1, 3, S, S) speaking `audio`, as chunks in order.

    The first ones come while later motion is still to be sampled and, of a sound of more than 60 s, most of it still to be heard; unless
    an edit's gain needs the mean of all motion. Nothing that is held grows with the length of an `AudioFile` (but that motion, then).
    `emotion`: None = heard in all of the voice (neutral, with a warning, if that network is not there), a name, a mix of names and
    weights, or a condition. `compile`: see `render_frames`. Progress: stage "encode" in steps, then "render" in frames, also called while
    motion is sampled."""
    for part in ("autoencoder", "transformer", "audio_encoder"):
        model.require(part)
    check_images(model, image, batch=1)
    check_options(options)
    check_batch_size(batch_size)
    chosen = check_edits(model, edits)
    features = stream_audio_features(model, audio)
    condition = _resolve_emotion(model, emotion, audio_frames(model, audio))
    return _animate(model, image, audio, features, condition, options, chosen, batch_size, compile, on_progress or silent)


def _resolve_emotion(model: FloatModel, emotion: EmotionChoice, frames: int) -> EmotionCondition | None:
    """The user's choice as a condition; None = to be predicted, which the model can do."""
    if isinstance(emotion, EmotionCondition):
        return check_emotion(model, emotion, frames, batch=1)
    if emotion is not None:
        return choose_emotion(emotion)
    if model.has("emotion"):
        return None
    warnings.warn("the model has no speech emotion network: the emotion is neutral. Choose one to be without this warning.", stacklevel=3)
    return choose_emotion("neutral")


def _animate(
    model: FloatModel,
    image: Tensor,
    audio: AudioClip | AudioFile,
    features: Iterator[Tensor],
    emotion: EmotionCondition | None,
    options: SamplingOptions,
    edits: tuple[MotionEdit, ...],
    batch_size: int | None,
    compile: bool,
    on_progress: ProgressCallback,
) -> Iterator[FrameChunk]:
    on_progress("encode", 0, 3)
    identity = encode_identity(model, image)
    on_progress("encode", 1, 3)
    features = itertools.chain([next(features)], features)
    on_progress("encode", 2, 3)
    condition = emotion if emotion is not None else predict_emotion(model, audio)
    on_progress("encode", 3, 3)

    total, rendered = audio_frames(model, audio), 0

    def while_sampling(stage: str, done: int, evaluations: int) -> None:
        on_progress("render", rendered, total)

    def while_rendering(stage: str, done: int, frames: int) -> None:
        nonlocal rendered
        rendered = done
        on_progress(stage, done, frames)

    windows = stream_audio_motion(model, identity, features, total, condition, options, on_progress=while_sampling)
    pieces = _joined(windows) if needs_whole_clip(edits) else windows
    edited = edit_pieces(model, pieces, edits, frames=total, fps=model.config.fps)
    yield from render_pieces(model, identity, edited, total, batch_size=batch_size, compile=compile, on_progress=while_rendering)


def _joined(pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    """All pieces as one, when it is asked for."""
    yield torch.cat(list(pieces), dim=1)

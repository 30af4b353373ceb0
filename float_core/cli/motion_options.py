"""The part of `animate` that is about motion: how it is sampled or read, edited, brought to a frame rate and kept.

Reads the options and calls the public functions; does not know images or videos.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import torch

from ..config import EMOTIONS
from ..errors import OptionError
from ..frame_rate import frames_for
from ..progress import ProgressCallback
from ..types import (
    EVALUATIONS_PER_STEP,
    NOISE_POLICIES,
    QUALITIES,
    SOLVERS,
    TIME_GRIDS,
    AudioFile,
    EmotionCondition,
    FloatModel,
    MotionEdit,
    MotionSequence,
    SamplingOptions,
    SourceIdentity,
)
from .options import emotion, frame_rate, motion_edit

_DEFAULTS = SamplingOptions()
_SAMPLING = ("seed", "steps", "solver", "time_grid", "audio_guidance", "emotion_guidance", "guidance_interval", "noise_policy")


@dataclass(frozen=True)
class AnimateJob:
    """What the command has read before it samples: `emotion` None = heard in the voice."""

    options: argparse.Namespace
    model: FloatModel
    clip: AudioFile
    emotion: EmotionCondition | None
    edits: tuple[MotionEdit, ...]


def add_sampling_options(parser: argparse.ArgumentParser) -> None:
    """How motion is sampled."""
    group = parser.add_argument_group("motion")
    feeling = group.add_mutually_exclusive_group()
    feeling.add_argument(
        "--emotion",
        type=emotion,
        metavar="NAME|MIX",
        help=f"{', '.join(EMOTIONS)}, or a mix such as happy=0.7,surprise=0.3 "
        "(default: what the model hears in the voice, neutral if it cannot)",
    )
    feeling.add_argument(
        "--emotion-timeline",
        type=Path,
        metavar="FILE",
        help="an emotion that changes: a text file with lines such as `2.5 happy=0.7,surprise=0.3 x0.8` (seconds, mix, strength)",
    )
    group.add_argument("--seed", type=int, help=f"decides all randomness: same seed, same video (default: {_DEFAULTS.seed})")
    group.add_argument("--steps", type=int, help=f"evaluations of the network for each two seconds of motion (default: {_DEFAULTS.steps})")
    group.add_argument(
        "--solver",
        choices=SOLVERS,
        help=f"how the steps are taken (default: {_DEFAULTS.solver}); without --steps, the default is rounded up to what it can take",
    )
    group.add_argument(
        "--audio-guidance",
        type=float,
        metavar="SCALE",
        help=f"how strictly motion follows the voice; 1 is plain (default: {_DEFAULTS.audio_guidance})",
    )
    group.add_argument(
        "--emotion-guidance",
        type=float,
        metavar="SCALE",
        help=f"how strongly the emotion shows; 1 is plain (default: {_DEFAULTS.emotion_guidance})",
    )
    group.add_argument(
        "--noise-policy",
        choices=NOISE_POLICIES,
        help=f"new noise for every window of motion, or one for all (default: {_DEFAULTS.noise_policy})",
    )
    group.add_argument(
        "--time-grid",
        choices=TIME_GRIDS,
        help=f"steps of one length, or long at first and short at the end, where more changes (default: {_DEFAULTS.time_grid})",
    )
    group.add_argument(
        "--guidance-interval",
        type=float,
        nargs=2,
        metavar=("START", "END"),
        help="from and to which time, 0 = noise, 1 = motion, the guidance scales hold; elsewhere they are 1, which is quicker (0 1)",
    )
    start = group.add_mutually_exclusive_group()
    start.add_argument(
        "--quality",
        choices=QUALITIES,
        help="steps, solver, time grid and guidance interval by how good the motion is to be; other options given change them "
        "(docs/sampling_quality.md has what each costs)",
    )
    start.add_argument(
        "--released", action="store_true", help="start from the settings of the released FLOAT script; other options given change them"
    )


def add_edit_options(parser: argparse.ArgumentParser) -> None:
    """What is done with the motion: edits, rate, files."""
    from .. import EDIT_PRESETS

    group = parser.add_argument_group("edits of the motion, in this order")
    group.add_argument(
        "--preset",
        choices=EDIT_PRESETS,
        metavar="NAME",
        help=f"{', '.join(EDIT_PRESETS)}; needs a calibrated model",
    )
    group.add_argument("--edits", type=Path, metavar="FILE.json", help="edits as text, as the LambdaEdit node copies them")
    group.add_argument(
        "--edit",
        type=motion_edit,
        action="append",
        default=[],
        metavar="DIRECTION=OFFSET",
        help="move the whole clip along one of the model's motion directions, e.g. 0=+1.5; can be repeated",
    )
    group.add_argument(
        "--fps", type=frame_rate, metavar="RATE", help="frames a second, 10 to 120, e.g. 60 or 29.97 (default: the motion's own, 25)"
    )
    files = parser.add_argument_group("motion files")
    files.add_argument(
        "--motion",
        type=Path,
        metavar="FILE",
        help="use a motion that --save-motion has written instead of sampling one; it is put on this portrait's own pose, and cut or held "
        "at its last frame to last as long as the voice",
    )
    files.add_argument(
        "--save-motion", type=Path, metavar="FILE.safetensors", help="also keep the motion as it is rendered, edits included"
    )


def sampling_options(options: argparse.Namespace) -> SamplingOptions:
    """The settings of a quality, the released or the default ones, with what was given on the command line in their place."""
    given = {name: getattr(options, name) for name in _SAMPLING if getattr(options, name) is not None}
    start = SamplingOptions.released() if options.released else _DEFAULTS
    if options.quality is not None:
        start = SamplingOptions.of_quality(options.quality)
    if "guidance_interval" in given:
        given["guidance_interval"] = tuple(given["guidance_interval"])
    if "solver" in given and "steps" not in given:  # the nearest number from the default one up that the solver can take
        given["steps"] = start.steps + -start.steps % EVALUATIONS_PER_STEP[given["solver"]]
    return replace(start, **given)


def check_motion_options(options: argparse.Namespace) -> None:
    """Refuses what would be without effect, and what would fail only after a model is loaded or a clip is sampled."""
    from .. import choose_emotion, edits_from_text, emotion_keyframes_from_text

    sampling_options(options)
    if options.emotion is not None:
        choose_emotion(options.emotion)
    if options.emotion_timeline is not None:
        emotion_keyframes_from_text(_text_of(options.emotion_timeline))
    if options.edits is not None:
        edits_from_text(_text_of(options.edits))
    if options.motion is not None:
        given = [name for name in (*_SAMPLING, "quality", "emotion", "emotion_timeline") if getattr(options, name) is not None]
        given += ["released"] if options.released else []
        if given:
            names = ", ".join("--" + name.replace("_", "-") for name in given)
            raise OptionError(f"--motion takes the place of sampling, so that {names} would do nothing: leave out one or the other")
    if options.save_motion is not None and options.save_motion.suffix != ".safetensors":
        raise OptionError(f"--save-motion is {options.save_motion}; give a name that ends in .safetensors")


def chosen_emotion(options: argparse.Namespace, clip: AudioFile, fps: float) -> EmotionCondition | None:
    """The emotion, or the emotions over the clip's frames; None = what is heard in the voice."""
    from .. import choose_emotion, emotion_keyframes_from_text, emotion_timeline

    if options.emotion_timeline is not None:
        keyframes = emotion_keyframes_from_text(_text_of(options.emotion_timeline))
        return emotion_timeline(keyframes, frames_for(_seconds(clip), fps), fps)
    return None if options.emotion is None else choose_emotion(options.emotion)


def chosen_edits(options: argparse.Namespace, model: FloatModel) -> tuple[MotionEdit, ...]:
    """The preset's edits, those of the file, those of --edit. Says on stderr what the preset changes."""
    from .. import edits_from_text, preset_edits

    edits: tuple[MotionEdit, ...] = ()
    if options.preset is not None:
        edits, said = preset_edits(options.preset, model.calibration)
        print(f"note: {said}", file=sys.stderr)
    if options.edits is not None:
        edits += edits_from_text(_text_of(options.edits))
    return edits + tuple(options.edit)


def whole_motion(job: AnimateJob, identity: SourceIdentity, on_progress: ProgressCallback) -> MotionSequence:
    """The motion as it is rendered: sampled or read, edited, at the wanted rate, exactly as long as the voice; kept if that is wanted."""
    from .. import edit_motion, load_motion, resample_motion, retarget_motion, save_motion

    options, model = job.options, job.model
    if options.motion is None:
        motion = _sampled(job, identity, on_progress)
    else:
        motion = load_motion(options.motion, model)
        if motion.source is not None:
            motion = retarget_motion(model, motion, identity)
    motion = resample_motion(edit_motion(model, motion, job.edits), options.fps or motion.fps, seconds=_seconds(job.clip))
    if options.save_motion is not None:
        save_motion(options.save_motion, model, motion)
        print(f"note: the motion is in {options.save_motion}", file=sys.stderr)
    return motion


def _sampled(job: AnimateJob, identity: SourceIdentity, on_progress: ProgressCallback) -> MotionSequence:
    from .. import choose_emotion, predict_emotion
    from ..pipeline.long_audio import audio_frames, stream_audio_features
    from ..pipeline.sample import stream_motion

    model, emotion = job.model, job.emotion
    if emotion is None and not model.has("emotion"):
        print("note: the model has no speech emotion network: the emotion is neutral", file=sys.stderr)
        emotion = choose_emotion("neutral")
    condition = emotion if emotion is not None else predict_emotion(model, job.clip)
    pieces, frames = stream_audio_features(model, job.clip), audio_frames(model, job.clip)
    windows = stream_motion(model, identity, pieces, frames, condition, sampling_options(job.options), on_progress=on_progress)
    return MotionSequence(torch.cat(list(windows), dim=1), model.config.fps, identity.motion)


def _seconds(clip: AudioFile) -> Fraction:
    return Fraction(clip.samples, clip.sample_rate)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError as error:
        raise OptionError(f"{path} is not a text file (UTF-8)") from error

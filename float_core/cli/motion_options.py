"""The part of `animate` that is about motion: how it is sampled or read, edited, brought to a frame rate and kept.

Reads the options and calls the public functions; does not know images or videos.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..config import EMOTIONS
from ..errors import OptionError
from ..frame_rate import frame_count
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
)
from .files import check_inputs
from .options import frame_rate, motion_edit
from .program import say

_DEFAULTS = SamplingOptions()
_SAMPLING = ("seed", "steps", "solver", "time_grid", "audio_guidance", "emotion_guidance", "guidance_interval", "noise_policy")


def add_sampling_options(parser: argparse.ArgumentParser) -> None:
    """How motion is sampled."""
    group = parser.add_argument_group("motion")
    feeling = group.add_mutually_exclusive_group()
    feeling.add_argument(
        "--emotion",
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
    add_solver_options(group)


def add_solver_options(group: argparse._ActionsContainer) -> None:
    """What `sampling_options` reads."""
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
        help="move the whole motion along one of the model's motion directions, e.g. 0=+1.5; can be repeated",
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


def check_motion_options(options: argparse.Namespace) -> list[Path]:
    """Refuses what would be without effect, and all that can be known to fail before a model is loaded; returns the files to be read."""
    from .. import check_sampling, choose_emotion, edits_from_text, emotion_keyframes_from_text, read_motion_notes

    if options.motion is not None:
        given = [name for name in (*_SAMPLING, "quality", "emotion", "emotion_timeline") if getattr(options, name) is not None]
        given += ["released"] if options.released else []
        if given:
            names = ", ".join("--" + name.replace("_", "-") for name in given)
            raise OptionError(f"--motion takes the place of sampling, so that {names} would do nothing: leave out one or the other")
    check_sampling(sampling_options(options))
    if options.emotion is not None:
        choose_emotion(options.emotion)
    files = check_inputs(options.emotion_timeline, options.edits, options.motion)
    if options.emotion_timeline is not None:
        emotion_keyframes_from_text(_text_of(options.emotion_timeline))
    if options.edits is not None:
        edits_from_text(_text_of(options.edits))
    if options.motion is not None:
        read_motion_notes(options.motion)
    return files


def chosen_emotion(options: argparse.Namespace, audio: AudioFile, fps: float) -> EmotionCondition | None:
    """The emotion, or the emotions over the frames of the audio; None = what is heard in the voice."""
    from .. import choose_emotion, emotion_keyframes_from_text, emotion_timeline

    if options.emotion_timeline is not None:
        keyframes = emotion_keyframes_from_text(_text_of(options.emotion_timeline))
        return emotion_timeline(keyframes, frame_count(audio.samples, audio.sample_rate, fps), fps)
    return None if options.emotion is None else choose_emotion(options.emotion)


def chosen_edits(options: argparse.Namespace, model: FloatModel) -> tuple[MotionEdit, ...]:
    """The preset's edits, those of the file, those of --edit. Says on stderr what the preset changes."""
    from .. import edits_from_text, preset_edits

    edits: tuple[MotionEdit, ...] = ()
    if options.preset is not None:
        edits, said = preset_edits(options.preset, model.calibration)
        say(f"note: {said}")
    if options.edits is not None:
        edits += edits_from_text(_text_of(options.edits))
    return edits + tuple(options.edit)


def kept_motion(options: argparse.Namespace, model: FloatModel) -> Callable[[MotionSequence], None] | None:
    """What `animate` is to do with the motion: write it to the file of --save-motion, if there is one."""
    from .. import save_motion

    if options.save_motion is None:
        return None

    def keep(motion: MotionSequence) -> None:
        save_motion(options.save_motion, model, motion)
        say(f"note: the motion is in {options.save_motion}")

    return keep


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError as error:
        raise OptionError(f"{path} is not a text file (UTF-8)") from error

"""`animate`: a picture and a voice become a video file. Reads the options, calls the public functions, reports progress."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from .cli_options import add_model_options, box, emotion, motion_edit, open_model
from .cli_progress import ProgressReport, readable_seconds
from .config import EMOTIONS
from .errors import PictureError
from .types import EVALUATIONS_PER_STEP, NOISE_POLICIES, SOLVERS, FaceCrop, FloatModel, SamplingOptions

# The stages that `animate` reports and their usual part of the time.
STAGE_SHARES = {"encode": 0.05, "render": 0.95}
_DEFAULTS = SamplingOptions()


def add_animate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "animate",
        help="make a talking video from a picture and a voice",
        description="Make a talking video (H.264 and AAC, 25 frames per second) from a picture and a voice. "
        "Progress goes to stderr; the path of the video is the last line on stdout.",
    )
    parser.add_argument("image", type=Path, metavar="IMAGE", help="a portrait: any picture that Pillow reads")
    parser.add_argument("audio", type=Path, metavar="AUDIO", help="a voice: any sound that ffmpeg reads, or a video with sound")
    parser.add_argument(
        "-o", "--out", type=Path, default=Path("output/talking.mp4"), help="video to write; replaces an older one (default: %(default)s)"
    )
    add_model_options(parser)
    _add_motion_options(parser)
    _add_picture_options(parser)
    parser.add_argument(
        "--batch-size", type=int, metavar="N", help="frames decoded at a time: fewer need less memory (default: chosen for the device)"
    )
    parser.set_defaults(run=run_animate)


def _add_motion_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("motion")
    group.add_argument(
        "--emotion",
        type=emotion,
        metavar="NAME|MIX",
        help=f"{', '.join(EMOTIONS)}, or a mix such as happy=0.7,surprise=0.3 "
        "(default: what the model hears in the voice, neutral if it cannot)",
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
        "--released", action="store_true", help="start from the settings of the released FLOAT script; other options given change them"
    )
    group.add_argument(
        "--edit",
        type=motion_edit,
        action="append",
        default=[],
        metavar="DIRECTION=OFFSET",
        help="move the whole clip along one of the model's motion directions, e.g. 0=+1.5; can be repeated",
    )


def _add_picture_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("picture (default: crop to the largest face)").add_mutually_exclusive_group()
    group.add_argument("--face", type=int, metavar="N", help="crop to the N-th face, 0 being the largest")
    group.add_argument("--box", type=box, metavar="X1,Y1,X2,Y2", help="crop to the face in this box, forehead to chin, in pixels")
    group.add_argument("--no-crop", action="store_true", help="use the whole picture, padded to a square")


def run_animate(options: argparse.Namespace) -> None:
    """Runs the command: checks what is cheap to check first, then loads, samples, renders and writes."""
    from . import animate, choose_emotion, read_audio, write_video

    sampling = sampling_options(options)
    chosen = None if options.emotion is None else choose_emotion(options.emotion)
    started = time.monotonic()
    clip = read_audio(options.audio)
    model = open_model(options)
    crop = _crop(options, model)
    for note in crop.notes:
        print(f"note: {note}", file=sys.stderr)
    with ProgressReport(STAGE_SHARES) as report:
        frames = animate(
            model,
            crop.picture,
            clip,
            emotion=chosen,
            options=sampling,
            edits=tuple(options.edit),
            batch_size=options.batch_size,
            on_progress=report,
        )
        path = write_video(options.out, frames, fps=model.config.fps, clip=clip)
    print(f"done in {readable_seconds(time.monotonic() - started)}", file=sys.stderr)
    print(path)


def sampling_options(options: argparse.Namespace) -> SamplingOptions:
    """The released settings or the default ones, with what was given on the command line in their place."""
    names = ("seed", "steps", "solver", "audio_guidance", "emotion_guidance", "noise_policy")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    start = SamplingOptions.released() if options.released else _DEFAULTS
    if "solver" in given and "steps" not in given:  # the nearest number from the default one up that the solver can take
        given["steps"] = start.steps + -start.steps % EVALUATIONS_PER_STEP[given["solver"]]
    return replace(start, **given)


def _crop(options: argparse.Namespace, model: FloatModel) -> FaceCrop:
    from . import prepare_picture, read_picture

    model.require("autoencoder")
    assert model.config.autoencoder is not None
    crop = options.box or (None if options.no_crop else "detect")
    picture = read_picture(options.image)
    try:
        return prepare_picture(picture, model.config.autoencoder.size, crop=crop, face=options.face)
    except PictureError as error:
        raise type(error)(f"{options.image}: {error}") from error

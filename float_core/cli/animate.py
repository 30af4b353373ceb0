"""`animate`: an image and a voice become a video file. Reads the options, calls the public functions, reports progress."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from ..argument_checks import check_batch_size, check_whole
from ..errors import FaceNotFoundError
from .files import Portrait, check_inputs, check_output
from .motion_options import (
    add_edit_options,
    add_sampling_options,
    check_motion_options,
    chosen_edits,
    chosen_emotion,
    kept_motion,
    sampling_options,
)
from .options import add_model_options, box, device, image_size, model_inputs, open_model
from .program import say
from .progress_bar import ProgressReport, readable_seconds

# The stages that `animate` reports and their usual part of the time; "sample" is one of them where all motion is needed first.
STAGE_SHARES = {"encode": 0.02, "sample": 0.18, "render": 0.8}
ADVICE = "Give the face's box with --box x1,y1,x2,y2 (forehead to chin), or use the whole image with --no-crop."


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `animate`."""
    parser.description = (
        "Make a talking video (H.264 and AAC, 25 frames per second or --fps) from an image and a voice. "
        "Progress goes to stderr; the path of the video is the last line on stdout."
    )
    parser.add_argument("image", type=Path, metavar="IMAGE", help="a portrait: any image that Pillow reads")
    parser.add_argument("audio", type=Path, metavar="AUDIO", help="a voice: any audio file that PyAV reads, or a video with audio")
    parser.add_argument(
        "-o", "--out", type=Path, default=Path("output/talking.mp4"), help="video to write; replaces an older one (default: %(default)s)"
    )
    add_model_options(parser)
    add_sampling_options(parser)
    add_edit_options(parser)
    _add_image_options(parser)
    parser.add_argument(
        "--batch-size", type=int, metavar="N", help="frames decoded at a time: fewer need less memory (default: chosen for the device)"
    )
    parser.add_argument(
        "--compile", action="store_true", help="compile the decoder (a GPU, or half precision): a minute more at the start, faster frames"
    )
    parser.set_defaults(run=run_animate)


def _add_image_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("image (default: crop to the largest face)").add_mutually_exclusive_group()
    group.add_argument("--face", type=int, metavar="N", help="crop to the N-th face, 0 being the largest")
    group.add_argument("--box", type=box, metavar="X1,Y1,X2,Y2", help="crop to the face in this box, forehead to chin, in pixels")
    group.add_argument("--no-crop", action="store_true", help="use the whole image, padded to a square")


def run_animate(options: argparse.Namespace) -> None:
    """Runs the command: all that can fail without a model first, then load, animate and write."""
    from .. import animate, load_motion, open_audio, write_video

    check_animate(options)
    started = time.monotonic()
    audio = open_audio(options.audio)
    portrait = _portrait(options)
    model = open_model(options)
    motion = None if options.motion is None else load_motion(options.motion, model)
    with ProgressReport(STAGE_SHARES) as report:
        frames = animate(
            model,
            portrait.at_size(image_size(model)),
            audio,
            emotion=chosen_emotion(options, audio, model.config.fps),
            options=sampling_options(options),
            edits=chosen_edits(options, model),
            motion=motion,
            fps=options.fps,
            on_motion=kept_motion(options, model),
            batch_size=options.batch_size,
            compile=options.compile,
            on_progress=report,
        )
        fps = options.fps or (model.config.fps if motion is None else motion.fps)
        path = write_video(options.out, frames, fps=fps, audio=audio)
    say(f"done in {readable_seconds(time.monotonic() - started)}")
    print(path)


def check_animate(options: argparse.Namespace) -> None:
    """Refuses what can be known to fail, or to replace a file that is read, before anything is decoded or loaded."""
    from .. import VIDEO_SUFFIXES

    device(options.device)
    check_batch_size(options.batch_size)
    if options.face is not None:
        check_whole("--face", options.face, low=0)
    inputs = [*check_inputs(options.image, options.audio), *check_motion_options(options), *model_inputs(options)]
    check_output("--out", options.out, suffixes=VIDEO_SUFFIXES, inputs=inputs, any_case=True)
    if options.save_motion is not None:
        check_output("--save-motion", options.save_motion, suffixes=[".safetensors"], inputs=[*inputs, options.out])


def _portrait(options: argparse.Namespace) -> Portrait:
    crop = options.box or (None if options.no_crop else "detect")
    try:
        portrait = Portrait.open(options.image, crop=crop, face=options.face, device=device(options.device))
    except FaceNotFoundError as error:
        raise FaceNotFoundError(f"{error}. {ADVICE}") from error
    for note in portrait.crop.notes:
        say(f"note: {note}")
    if portrait.crop.found > 1 and options.face is None:
        say("note: --face N chooses another face")
    return portrait

"""`animate`: an image and a voice become a video file. Reads the options, calls the public functions, reports progress."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from ..errors import FaceNotFoundError, ImageError
from ..types import FaceCrop, FloatModel, FrameChunk
from .motion_options import (
    AnimateJob,
    add_edit_options,
    add_sampling_options,
    check_motion_options,
    chosen_edits,
    chosen_emotion,
    sampling_options,
    whole_motion,
)
from .options import add_model_options, box, open_model
from .progress_bar import ProgressReport, readable_seconds

# The stages that `animate` reports and their usual part of the time.
STAGE_SHARES = {"encode": 0.05, "render": 0.95}
# With --fps and motion files, all of the motion comes before the first frame.
WHOLE_SHARES = {"encode": 0.02, "sample": 0.18, "render": 0.8}


def add_animate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "animate",
        help="make a talking video from an image and a voice",
        description="Make a talking video (H.264 and AAC, 25 frames per second or --fps) from an image and a voice. "
        "Progress goes to stderr; the path of the video is the last line on stdout.",
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
    """Runs the command: checks what is cheap to check first, then loads, samples, renders and writes."""
    from .. import open_audio, write_video

    check_motion_options(options)
    started = time.monotonic()
    clip = open_audio(options.audio)
    model = open_model(options)
    emotion = chosen_emotion(options, clip, model.config.fps)
    edits = chosen_edits(options, model)
    crop = _crop(options, model)
    for note in (*crop.notes, *(["--face N chooses another face"] if crop.found > 1 and options.face is None else [])):
        print(f"note: {note}", file=sys.stderr)
    make = _frames_of_whole if options.fps or options.motion or options.save_motion else _frames
    with ProgressReport(WHOLE_SHARES if make is _frames_of_whole else STAGE_SHARES) as report:
        frames, fps = make(AnimateJob(options, model, clip, emotion, edits), crop.image, report)
        path = write_video(options.out, frames, fps=fps, audio=clip)
    print(f"done in {readable_seconds(time.monotonic() - started)}", file=sys.stderr)
    print(path)


def _frames(job: AnimateJob, image: Tensor, report: ProgressReport) -> tuple[Iterator[FrameChunk], float]:
    """Frames and their rate, the first frames while later motion is still to be sampled."""
    from .. import animate

    frames = animate(
        job.model,
        image,
        job.clip,
        emotion=job.emotion,
        options=sampling_options(job.options),
        edits=job.edits,
        batch_size=job.options.batch_size,
        compile=job.options.compile,
        on_progress=report,
    )
    return frames, job.model.config.fps


def _frames_of_whole(job: AnimateJob, image: Tensor, report: ProgressReport) -> tuple[Iterator[FrameChunk], float]:
    """Frames and their rate, from a motion that is needed as a whole."""
    from .. import encode_identity, render_frames

    report("encode", 0, 1)
    identity = encode_identity(job.model, image)
    report("encode", 1, 1)
    motion = whole_motion(job, identity, report)
    report("sample", 1, 1)
    chosen = job.options
    frames = render_frames(job.model, identity, motion, batch_size=chosen.batch_size, compile=chosen.compile, on_progress=report)
    return frames, motion.fps


def _crop(options: argparse.Namespace, model: FloatModel) -> FaceCrop:
    from .. import prepare_image, read_image

    model.require("autoencoder")
    assert model.config.autoencoder is not None
    crop = options.box or (None if options.no_crop else "detect")
    image = read_image(options.image)
    try:
        return prepare_image(image, model.config.autoencoder.size, crop=crop, face=options.face, device=model.device)
    except FaceNotFoundError as error:
        advice = "Give the face's box with --box x1,y1,x2,y2 (forehead to chin), or use the whole image with --no-crop."
        raise FaceNotFoundError(f"{options.image}: {error}. {advice}") from error
    except ImageError as error:
        raise type(error)(f"{options.image}: {error}") from error

"""`prepare`: a user's own photographs, videos and recordings become training material."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from ..argument_checks import check_whole
from ..errors import OptionError
from .files import check_folder, check_output
from .options import require_training
from .program import program_name
from .progress_bar import ProgressReport

VIDEO_LAYOUTS = ("folder", "hdtf", "ravdess", "vfhq", "crema-d", "grid")
SPEECH_LAYOUTS = ("folder", "librispeech", "emodb", "ravdess", "crema-d", "grid")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `prepare`."""
    parser.description = "Real data in."
    kinds = parser.add_subparsers(metavar="KIND", required=True)
    _add_kind(
        kinds,
        "portraits",
        "photographs of faces, for synthesize --portraits",
        "Find the face of every image, crop it, and write its mesh, pose and masks beside it. A folder inside of the folder is taken for "
        "one person.",
        run_prepare_portraits,
        size=True,
    )
    _add_kind(
        kinds,
        "videos",
        "videos of people who speak",
        "Cut every video into clips of one face in a fixed square, at 25 frames a second, with the face's mesh and motion and with the "
        "audio in step with the lips.",
        run_prepare_videos,
        size=True,
        layouts=VIDEO_LAYOUTS,
    )
    _add_kind(
        kinds,
        "speech",
        "recordings of speech, with transcripts or with the times of their phones",
        "Bring every recording to 16 kHz, with the times of its phones: from a TextGrid or JSON beside it, or found from its transcript.",
        run_prepare_speech,
        layouts=SPEECH_LAYOUTS,
    )
    _add_kind(
        kinds,
        "latents",
        "motion latents of prepared clips, by a trained encoder",
        "Encode every frame of the clips of prepare videos, so that train motion learns what the encoder sees.",
        run_prepare_latents,
        workers=False,
    ).add_argument("--model", required=True, metavar="FILE", help="a model with an auto-encoder")
    _add_kind(
        kinds,
        "coarticulation",
        "how mouths go through sounds, fitted to prepared clips",
        "Fit what prepare speech and synthesize move lips by to the clips of prepare videos. Only for English.",
        run_prepare_coarticulation,
        workers=False,
        result="FILE",
    )


def _add_kind(
    kinds: argparse._SubParsersAction[argparse.ArgumentParser],
    kind: str,
    help_text: str,
    description: str,
    run: Callable[[argparse.Namespace], None],
    *,
    size: bool = False,
    layouts: tuple[str, ...] = (),
    workers: bool = True,
    result: str = "FOLDER",
) -> argparse.ArgumentParser:
    parser = kinds.add_parser(kind, help=help_text, description=f"{description} An interrupted call goes on.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the files, in folders too")
    parser.add_argument("--out", type=Path, required=True, metavar=result, help="where the result is written")
    if layouts:
        parser.add_argument(
            "--layout", choices=layouts, default=layouts[0], help="how the files are named: says who speaks (default: %(default)s)"
        )
    if size:
        parser.add_argument("--size", type=int, default=512, metavar="PIXELS", help="size of the crops (default: %(default)s)")
    if workers:
        parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes at work (default: %(default)s)")
    parser.set_defaults(run=run)
    return parser


def run_prepare_portraits(options: argparse.Namespace) -> None:
    """Runs the command: the report on stdout."""
    _check(options, "images")
    from ..training.prepare_portraits import prepare_portraits

    with ProgressReport() as report:
        done = prepare_portraits(options.folder, options.out, size=options.size, workers=options.workers, on_progress=report)
    print(f"{done.kept} portraits of {done.people} people in {done.folder}")
    for reason, count in sorted(done.rejected.items(), key=lambda item: -item[1]):
        print(f"{count:>6} left out: {reason}")


def run_prepare_videos(options: argparse.Namespace) -> None:
    """Runs the command: the report on stdout."""
    _check(options, "videos")
    if options.size % 2:
        raise OptionError(f"--size is {options.size}; expected an even number of pixels")
    from ..training.prepare_videos import prepare_videos, report_text

    with ProgressReport() as report:
        done = prepare_videos(
            options.folder, options.out, layout=options.layout, size=options.size, workers=options.workers, on_progress=report
        )
    print(report_text(done))


def run_prepare_speech(options: argparse.Namespace) -> None:
    """Runs the command: the report on stdout."""
    _check(options, "recordings")
    from ..training.prepare_speech import prepare_speech, speech_report

    with ProgressReport() as report:
        done = prepare_speech(options.folder, options.out, layout=options.layout, workers=options.workers, on_progress=report)
    print(speech_report(done))


def run_prepare_latents(options: argparse.Namespace) -> None:
    """Runs the command: how many clips there are, on stdout."""
    _check(options, "prepared clips")
    from .. import load_model
    from ..training.prepare_latents import cache_latents

    with ProgressReport() as report:
        count = cache_latents(load_model(options.model), options.folder, options.out, on_progress=report)
    print(f"latents of {count} clips in {options.out}")


def run_prepare_coarticulation(options: argparse.Namespace) -> None:
    """Runs the command: how well the table fits speakers that it was not fitted to, on stdout."""
    require_training()
    check_output("--out", options.out, suffixes=(".json",))
    from ..synthetic.coarticulation import CURVES
    from ..training.fit_coarticulation import fit_coarticulation

    with ProgressReport() as report:
        table, fitted = fit_coarticulation(options.folder, f"{program_name()} prepare coarticulation", on_progress=report)
    table.save(options.out)
    found = ", ".join(f"{name} r = {r:.2f}" for name, r in zip(CURVES, fitted.r, strict=True))
    print(f"{fitted.clips} clips of {fitted.speakers} speakers; of others: {found}; lips touch at {fitted.closed:.0%} of p, b and m")


def _check(options: argparse.Namespace, what: str) -> None:
    require_training()
    for name, low in (("size", 16), ("workers", 1)):
        if hasattr(options, name):
            check_whole(f"--{name}", getattr(options, name), low=low)
    if not options.folder.is_dir():
        raise OptionError(f"{options.folder} is no folder; expected one with {what}")
    check_folder("--out", options.out)
    if options.out.resolve().is_relative_to(options.folder.resolve()):
        raise OptionError(f"--out is {options.out}, inside of {options.folder}: what is written would be taken for {what}")

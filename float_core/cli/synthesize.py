"""`synthesize`: training material without a data set."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..argument_checks import check_whole
from ..errors import OptionError
from .files import check_folder
from .options import check_seed, require_training
from .progress_bar import ProgressReport


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `synthesize`."""
    parser.description = (
        "Write synthetic faces (drawn heads, and photographs that move) and voices (by espeak-ng), with exact motion. "
        "Faces that are already there are kept: an interrupted call goes on, and two calls at once share the work."
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the folders faces and voices are written")
    parser.add_argument("--heads", type=int, default=1024, metavar="N", help="heads to draw; 0 for none (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=4, metavar="N", help="poses of each head (default: %(default)s)")
    parser.add_argument("--size", type=int, default=256, metavar="PIXELS", help="size of the images (default: %(default)s)")
    parser.add_argument("--portraits", type=Path, metavar="FOLDER", help="prepared portraits (prepare portraits), made to move")
    parser.add_argument("--portrait-heads", type=int, metavar="N", help="heads of them (default: each portrait once)")
    parser.add_argument("--clips", type=Path, metavar="FOLDER", help="prepared videos (prepare videos), whose frames become pairs")
    parser.add_argument(
        "--sheets", type=int, default=0, metavar="N", help="only show N of them at the extremes of every control, to look at"
    )
    parser.add_argument("--voices", type=int, default=1200, metavar="N", help="clips to speak; 0 for none (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="decides everything that is drawn (default: %(default)s)")
    parser.set_defaults(run=run_synthesize)


def run_synthesize(options: argparse.Namespace) -> None:
    """Runs the command."""
    from ..synthetic.synthesize import synthesize

    for name, low in (("heads", 0), ("frames", 2), ("size", 16), ("voices", 0), ("sheets", 0)):
        check_whole(f"--{name}", getattr(options, name), low=low)
    if options.portrait_heads is not None:
        check_whole("--portrait-heads", options.portrait_heads, low=1)
    for name in ("portraits", "clips"):
        if (given := getattr(options, name)) is not None and not given.is_dir():
            raise OptionError(f"--{name} is {given}, which is no folder")
    check_seed(options.seed)
    check_folder("--out", options.out)
    if options.sheets:
        _write_sheets(options)
        return
    with ProgressReport() as report:
        folder = synthesize(
            options.out,
            heads=options.heads,
            frames=options.frames,
            size=options.size,
            voices=options.voices,
            portraits=options.portraits,
            portrait_heads=options.portrait_heads,
            seed=options.seed,
            on_progress=report,
        )
        if options.clips is not None:
            require_training()
            from ..training.clip_faces import write_clip_faces

            write_clip_faces(folder / "faces", options.clips, size=options.size, on_progress=report)
    print(folder)


def _write_sheets(options: argparse.Namespace) -> None:
    require_training()
    from ..synthetic.photo_faces import control_sheets
    from ..training.contact_sheet import write_sheet

    if options.portraits is None:
        raise OptionError("--sheets shows portraits that move: give --portraits FOLDER too")
    for group, rows in control_sheets(options.portraits, options.sheets, options.size).items():
        print(write_sheet(options.out / f"{group}.jpg", rows))

"""`prepare`: a user's own photographs become training material."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..argument_checks import check_whole
from ..errors import OptionError
from .file_checks import check_folder
from .options import require_training
from .progress_bar import ProgressReport


def add_prepare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `prepare portraits` to the parser."""
    parser = commands.add_parser("prepare", help="make training material of one's own photographs", description="Real data in.")
    kinds = parser.add_subparsers(metavar="KIND", required=True)
    portraits = kinds.add_parser(
        "portraits",
        help="photographs of faces, for synthesize --portraits",
        description="Find the face of every image, crop it, and write its mesh, pose and masks beside it. An interrupted call goes on. "
        "A folder inside of the folder is taken for one person.",
    )
    portraits.add_argument("folder", type=Path, metavar="FOLDER", help="images, in folders too")
    portraits.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where prepared portraits and the report are written")
    portraits.add_argument("--size", type=int, default=512, metavar="PIXELS", help="size of the crops (default: %(default)s)")
    portraits.add_argument("--workers", type=int, default=1, metavar="N", help="processes at work (default: %(default)s)")
    portraits.set_defaults(run=run_prepare_portraits)


def run_prepare_portraits(options: argparse.Namespace) -> None:
    """Runs the command: the report on stdout."""
    require_training()
    from ..training.prepare_portraits import prepare_portraits

    for name, low in (("size", 16), ("workers", 1)):
        check_whole(f"--{name}", getattr(options, name), low=low)
    if not options.folder.is_dir():
        raise OptionError(f"{options.folder} is no folder; expected one with images")
    check_folder("--out", options.out)
    if options.out.resolve().is_relative_to(options.folder.resolve()):
        raise OptionError(f"--out is {options.out}, inside of {options.folder}: what is written would be taken for photographs")
    with ProgressReport() as report:
        done = prepare_portraits(options.folder, options.out, size=options.size, workers=options.workers, on_progress=report)
    print(f"{done.kept} portraits of {done.people} people in {done.folder}")
    for reason, count in sorted(done.rejected.items(), key=lambda item: -item[1]):
        print(f"{count:>6} left out: {reason}")

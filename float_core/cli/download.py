"""`download`: weights that are not bundled, on request only."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .files import check_folder
from .program import say
from .progress_bar import ProgressReport


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `download`."""
    from .. import DOWNLOADS

    parser.description = (
        "Fetch weights that are not bundled. Nothing is ever fetched without this command. Interrupted downloads go on "
        "where they stopped. Files are checked when they arrive and when they are there already."
    )
    parser.epilog = "names: " + "; ".join(f"{item.name}: {item.about}, license: {item.license}" for item in DOWNLOADS.values())
    parser.add_argument("name", choices=tuple(DOWNLOADS), metavar="NAME", help=f"one of {', '.join(DOWNLOADS)}")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="where the files go (default: FLOAT_MODELS_DIR, or models/float)")
    parser.set_defaults(run=run_download)


def run_download(options: argparse.Namespace) -> None:
    """Says the license, fetches, prints the paths."""
    from .. import DOWNLOADS, download

    item = DOWNLOADS[options.name]
    folder = options.to or os.environ.get("FLOAT_MODELS_DIR") or Path("models") / "float"  # where face detection looks, too
    check_folder("--to", Path(folder))
    say(f"note: license of {item.name}: {item.license}")
    with ProgressReport() as report:
        paths = download(item.name, folder, on_progress=report)
    for path in paths:
        print(path)

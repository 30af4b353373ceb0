"""`convert` and `download`: weight files in and out."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import torch

from .options import DTYPES, add_part_options
from .progress_bar import ProgressReport


def add_convert(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `convert` to the parser."""
    parser = commands.add_parser(
        "convert",
        help="write a model as one safetensors file",
        description="Read weights in any layout that is understood (float.pth with its folders, single parts, ...) and write them as one "
        "safetensors file that says what it holds. A license that comes with weights also holds for the converted file.",
    )
    parser.add_argument("source", metavar="IN", help="a weight file, or a bundled model's name")
    parser.add_argument("target", type=Path, metavar="OUT", help="the .safetensors file to write")
    add_part_options(parser)
    parser.add_argument("--dtype", choices=DTYPES, default="float16", help="precision of the stored numbers (default: %(default)s)")
    parser.set_defaults(run=run_convert)


def run_convert(options: argparse.Namespace) -> None:
    """Converts, and prints the path."""
    from .. import convert_model

    parts = {"audio_encoder": options.audio_encoder, "emotion_model": options.emotion_model}
    print(convert_model(options.source, options.target, dtype=getattr(torch, options.dtype), **parts))


def add_download(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `download` to the parser."""
    from .. import DOWNLOADS

    parser = commands.add_parser(
        "download",
        help="fetch weights that are not bundled",
        description="Fetch weights that are not bundled. Nothing is ever fetched without this command. Interrupted downloads go on "
        "where they stopped. Files are checked when they arrive and when they are there already.",
        epilog="names: " + "; ".join(f"{item.name}: {item.about}, license: {item.license}" for item in DOWNLOADS.values()),
    )
    parser.add_argument("name", choices=tuple(DOWNLOADS), metavar="NAME", help=f"one of {', '.join(DOWNLOADS)}")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="where the files go (default: FLOAT_MODELS_DIR, or models/float)")
    parser.set_defaults(run=run_download)


def run_download(options: argparse.Namespace) -> None:
    """Says the license, fetches, prints the paths."""
    from .. import DOWNLOADS, download

    item = DOWNLOADS[options.name]
    print(f"note: license of {item.name}: {item.license}", file=sys.stderr)
    folder = options.to or os.environ.get("FLOAT_MODELS_DIR") or Path("models") / "float"  # where face detection looks, too
    with ProgressReport() as report:
        paths = download(item.name, folder, on_progress=report)
    for path in paths:
        print(path)

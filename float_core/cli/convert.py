"""`convert`: weights of any layout become one safetensors file."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from .files import check_output
from .options import DTYPES, add_weights, model_inputs


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `convert`."""
    parser.description = (
        "Read weights in any layout that is understood (float.pth with its folders, single parts, ...) and write them as one "
        "safetensors file that says what it holds. A license that comes with weights also holds for the converted file."
    )
    add_weights(parser, "IN")
    parser.add_argument("target", type=Path, metavar="OUT", help="the .safetensors file to write")
    parser.add_argument("--dtype", choices=DTYPES, default="float16", help="precision of the stored numbers (default: %(default)s)")
    parser.set_defaults(run=run_convert)


def run_convert(options: argparse.Namespace) -> None:
    """Converts, and prints the path."""
    from .. import convert_model

    check_output("OUT", options.target, suffixes=(".safetensors",), inputs=model_inputs(options))
    parts = {"audio_encoder": options.audio_encoder, "emotion_model": options.emotion_model}
    print(convert_model(options.model, options.target, dtype=getattr(torch, options.dtype), **parts))

"""`evaluate`: the measures of a model whose directions are the rig's, on a portrait and on held-out synthetic voices and heads."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ..atomic_file import write_beside
from ..errors import OptionError
from .options import add_model_options, open_model
from .progress_bar import ProgressReport

_PORTRAIT = Path(__file__).parents[2] / "assets" / "portrait.jpg"  # a clone has it, an installed package does not


def add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `evaluate` to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="measure a model",
        description="Measure a model. portrait: how well an image is rebuilt from its own motion. speech: how sampled motion follows "
        "held-out synthetic voices on held-out synthetic heads (needs espeak-ng, and a model whose directions are the synthetic rig's).",
    )
    add_model_options(parser)
    parser.add_argument("--what", choices=("portrait", "speech", "all"), default="all", help="(default: %(default)s)")
    parser.add_argument("--image", type=Path, default=_PORTRAIT, help="portrait to rebuild (default: the sample portrait)")
    parser.add_argument("--clips", type=int, default=8, metavar="N", help="held-out voices to sample (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the sampled motion (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.set_defaults(run=run_evaluate)


def run_evaluate(options: argparse.Namespace) -> None:
    """Runs the command and prints one line a figure."""
    from .. import prepare_image, read_image
    from ..evaluation.held_out import measure_portrait, measure_speech

    if options.clips < 2:
        raise OptionError(f"--clips is {options.clips}; the wrong voice is the next clip's, so give 2 or more")
    if options.what != "speech" and options.image == _PORTRAIT and not _PORTRAIT.is_file():
        raise OptionError("this installation comes without the sample portrait: give --image FILE, or --what speech")
    model = open_model(options)
    figures: dict[str, float] = {}
    with ProgressReport() as report:
        if options.what in ("portrait", "all"):
            figures |= measure_portrait(model, prepare_image(read_image(options.image), model.require("autoencoder").config.size).image)
        if options.what in ("speech", "all"):
            figures |= measure_speech(model, options.clips, options.seed, report)
    for name, value in figures.items():
        print(f"{name:34s} {value:8.3f}")
    if options.json is not None:
        with write_beside(options.json) as unfinished:
            unfinished.write_text(json.dumps(figures, indent=1) + "\n")
        print(options.json, file=sys.stderr)

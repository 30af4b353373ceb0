"""`evaluate`: the measures of a model whose directions are the rig's, on a portrait and on held-out synthetic voices and heads."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..argument_checks import check_whole
from ..atomic_file import write_beside
from ..errors import OptionError
from .files import Portrait, check_inputs, check_output
from .options import add_model_options, check_seed, device, image_size, model_inputs, open_model
from .program import say
from .progress_bar import ProgressReport

_PORTRAIT = Path(__file__).parents[2] / "assets" / "portrait.jpg"  # a clone has it, an installed package does not


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `evaluate`."""
    parser.description = (
        "Measure a model. portrait: how well an image is rebuilt from its own motion. speech: how sampled motion follows "
        "held-out synthetic voices on held-out synthetic heads (needs espeak-ng, and a model whose directions are the synthetic rig's)."
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
    from ..evaluation.held_out import measure_portrait, measure_speech

    portrait = _check(options)
    model = open_model(options)
    figures: dict[str, float] = {}
    with ProgressReport() as report:
        if portrait is not None:
            figures |= measure_portrait(model, portrait.at_size(image_size(model)))
        if options.what in ("speech", "all"):
            figures |= measure_speech(model, options.clips, options.seed, report)
    for name, value in figures.items():
        print(f"{name:34s} {value:8.3f}")
    if options.json is not None:
        with write_beside(options.json) as unfinished:
            unfinished.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        say(str(options.json))


def _check(options: argparse.Namespace) -> Portrait | None:
    """Refuses what can be known to fail before a model is loaded; returns the portrait, if one is to be measured."""
    device(options.device)
    check_whole("--clips", options.clips, low=2)  # the wrong voice is the next clip's
    check_seed(options.seed)
    measured = options.what in ("portrait", "all")
    if measured and options.image == _PORTRAIT and not _PORTRAIT.is_file():
        raise OptionError("this installation comes without the sample portrait: give --image FILE, or --what speech")
    inputs = [*check_inputs(options.image if measured else None), *model_inputs(options)]
    if options.json is not None:
        check_output("--json", options.json, inputs=inputs)
    return Portrait.open(options.image) if measured else None

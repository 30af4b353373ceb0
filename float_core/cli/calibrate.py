"""`calibrate`: what the directions of a model do, into the file beside its weights."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..argument_checks import check_whole
from ..atomic_file import write_beside
from ..pixels import to_rows
from ..progress import ProgressCallback
from ..types import AudioClip, Calibration, FloatModel, SourceIdentity
from .files import Portrait, check_inputs, check_output
from .options import add_device_options, add_weights, check_seed, device, image_size, model_inputs, open_model
from .program import say
from .progress_bar import ProgressReport

_ASSETS = Path(__file__).parents[2] / "assets"
_PORTRAIT, _VOICE = _ASSETS / "portrait.jpg", _ASSETS / "voice.wav"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `calibrate`."""
    parser.description = (
        "Measure what every direction of a model's basis moves (head, jaw, mouth, eyes, brows), how a mirror changes the "
        "coefficients, and how far they go in sampled speech. The result goes beside the weights, where load_model finds it."
    )
    add_weights(parser, "MODEL")
    parser.add_argument("--heads", type=int, default=12, metavar="N", help="rendered heads to measure on (default: %(default)s)")
    parser.add_argument(
        "--image",
        type=Path,
        nargs="+",
        default=[_PORTRAIT] if _PORTRAIT.exists() else [],  # an installed package has none
        metavar="FILE",
        help="portraits to sample motion for and to show (default: the sample portrait, or a rendered head)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write (default: MODEL.calibration.json beside the weights)")
    parser.add_argument("--sheet", type=Path, metavar="FILE.png", help="also draw a row of images for every direction")
    parser.add_argument("--seed", type=int, default=0, help="of heads, voices and motion (default: %(default)s)")
    parser.add_argument("--no-range", action="store_true", help="sample no motion: ranges are guessed from how far the face moves")
    add_device_options(parser)
    parser.set_defaults(run=run_calibrate)


def run_calibrate(options: argparse.Namespace) -> None:
    """Runs the command: a table on stdout, the path of the file on stderr."""
    from ..calibration import calibrate, sampled_range, save_calibration

    out = _check(options)
    needed = not options.no_range or options.sheet is not None
    portraits = [Portrait.open(image) for image in options.image] if needed else []
    model = open_model(options)
    model.require("autoencoder")
    identities = _identities(model, portraits) if needed else []
    with ProgressReport() as report:
        voices = [] if options.no_range else _voices(options.seed)
        ranges = None if options.no_range else sampled_range(model, identities, voices, seed=options.seed, on_progress=report)
        calibration = calibrate(model, heads=options.heads, seed=options.seed, ranges=ranges, on_progress=report)
        path = save_calibration(calibration, out)
        if options.sheet is not None:
            _write_sheet(replace(model, calibration=calibration), identities[0], options.sheet, report)
    print(table(calibration))
    say(str(path))


def _check(options: argparse.Namespace) -> Path:
    """Refuses what can be known to fail before a model is loaded; returns the file to write, of which an older one may be there."""
    from .. import model_files
    from ..calibration import calibration_path

    device(options.device)
    check_whole("--heads", options.heads, low=1)
    check_seed(options.seed)
    weights, *_ = model_files(options.model)
    older = calibration_path(weights.parent if Path(options.model).is_dir() else weights)
    inputs = [path for path in (*check_inputs(*options.image), *model_inputs(options)) if path != older]
    out: Path = options.out or older
    check_output("--out", out, suffixes=[".json"], inputs=inputs)
    if options.sheet is not None:
        check_output("--sheet", options.sheet, suffixes=[".png"], any_case=True, inputs=[*inputs, out])
    return out


def table(calibration: Calibration) -> str:
    """A line for every direction: its labels with strength and movement per unit, the fit, the natural range."""
    moves = [
        ", ".join(f"{one.name} ({one.strength:.0%}; {one.per_unit:+.3g} {one.unit})" for one in direction.labels)
        for direction in calibration.directions
    ]
    moves = [text or "nothing that has a name" for text in moves]
    width = max(map(len, moves))
    lines = [f"     {'moves (share; per unit)':{width}s}  fit     low    high"]
    for k, (text, one) in enumerate(zip(moves, calibration.directions, strict=True)):
        lines.append(f"{k:>3}  {text:{width}s} {one.fit:4.2f} {one.low:+7.2f} {one.high:+7.2f}")
    return "\n".join(lines)


def _identities(model: FloatModel, portraits: Sequence[Portrait]) -> list[SourceIdentity]:
    from .. import encode_identity
    from ..calibration.rig_fields import KnownHeads

    size = image_size(model)
    images = [portrait.at_size(size) for portrait in portraits] or [KnownHeads.sample(1, size).images]
    return [encode_identity(model, image.to(model.device)) for image in images]


def _voices(seed: int) -> list[AudioClip]:
    """The sample voice, where it is there, and synthetic ones."""
    from .. import read_audio
    from ..calibration import synthetic_voices

    return ([read_audio(_VOICE)] if _VOICE.exists() else []) + synthetic_voices(seed)


def _write_sheet(model: FloatModel, identity: SourceIdentity, path: Path, on_progress: ProgressCallback) -> None:
    from PIL import Image

    from .. import basis_sheet

    sheet = basis_sheet(model, identity, on_progress=on_progress)
    with write_beside(path) as unfinished:
        Image.fromarray(to_rows(sheet)).save(unfinished, "PNG")
    say(str(path))

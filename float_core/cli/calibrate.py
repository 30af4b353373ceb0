"""`calibrate`: what the directions of a model do, into the file beside its weights."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..atomic_file import write_beside
from ..errors import OptionError
from ..pixels import to_rows
from ..progress import ProgressCallback
from ..types import AudioClip, Calibration, FloatModel, SourceIdentity
from .options import DTYPES, add_part_options, open_model
from .progress_bar import ProgressReport

_ASSETS = Path(__file__).parents[2] / "assets"
_PORTRAIT, _VOICE = _ASSETS / "portrait.jpg", _ASSETS / "voice.wav"


def add_calibrate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `calibrate` to the parser."""
    parser = commands.add_parser(
        "calibrate",
        help="measure what the motion directions of a model do",
        description="Measure what every direction of a model's basis moves (head, jaw, mouth, eyes, brows), how a mirror changes the "
        "coefficients, and how far they go in sampled speech. The result goes beside the weights, where load_model finds it.",
    )
    parser.add_argument("model", metavar="MODEL", help="a weight file, a folder of parts, or a bundled model's name")
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
    add_part_options(parser)
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, mps ... (default: auto, a GPU if there is one)")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="precision that the networks compute in (default: %(default)s)")
    parser.set_defaults(run=run_calibrate)


def run_calibrate(options: argparse.Namespace) -> None:
    """Runs the command: a table on stdout, the path of the file on stderr."""
    from ..calibration import calibrate, calibration_path, sampled_range, save_calibration

    if options.out is not None and options.out.suffix != ".json":
        raise OptionError(f"--out is {options.out}; expected a file that ends in .json")
    if options.sheet is not None and options.sheet.suffix.lower() != ".png":
        raise OptionError(f"--sheet is {options.sheet}; expected a file that ends in .png")
    if not 0 <= options.seed < 2**31:
        raise OptionError(f"--seed is {options.seed}; expected 0 to 2**31 - 1")
    model = open_model(options)
    model.require("autoencoder")
    needed = not options.no_range or options.sheet is not None
    identities = _identities(model, options.image) if needed else []
    with ProgressReport() as report:
        voices = [] if options.no_range else _voices(options.seed)
        ranges = None if options.no_range else sampled_range(model, identities, voices, seed=options.seed, on_progress=report)
        calibration = calibrate(model, heads=options.heads, seed=options.seed, ranges=ranges, on_progress=report)
        path = save_calibration(calibration, options.out or calibration_path(model.provenance.file))
        if options.sheet is not None:
            _write_sheet(replace(model, calibration=calibration), identities[0], options.sheet, report)
    print(table(calibration))
    print(path, file=sys.stderr)


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


def _identities(model: FloatModel, images: Sequence[Path]) -> list[SourceIdentity]:
    from .. import encode_identity, prepare_image, read_image
    from ..calibration.rig_fields import KnownHeads

    assert model.config.autoencoder is not None
    size = model.config.autoencoder.size
    if not images:
        return [encode_identity(model, KnownHeads.sample(1, size).images.to(model.device))]
    return [encode_identity(model, prepare_image(read_image(image), size).image.to(model.device)) for image in images]


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
    print(path, file=sys.stderr)

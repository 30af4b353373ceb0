"""`calibrate`: what the directions of a model do, into the file beside its weights. Samples the motion that the ranges are taken from; the
measuring is `training/calibrate`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..atomic_file import write_beside
from ..config import EMOTIONS
from ..errors import AudioError, OptionError
from ..pixels import to_rows
from ..progress import ProgressCallback, counted
from ..types import AudioClip, Calibration, FloatModel, SamplingOptions, SourceIdentity
from .options import DTYPES, add_part_options, open_model
from .progress_bar import ProgressReport

if TYPE_CHECKING:
    from ..calibration.measure_directions import NaturalRange

_ASSETS = Path(__file__).parents[2] / "assets"
_PORTRAIT, _VOICE = _ASSETS / "portrait.jpg", _ASSETS / "voice.wav"
_SYNTHETIC_VOICES = 3
_VOICE_SEED = 24_681_357  # far from the seeds of training


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
    from ..calibration import calibration_path, save_calibration
    from ..calibration.measure_directions import calibrate

    if options.sheet is not None and options.sheet.suffix.lower() != ".png":
        raise OptionError(f"--sheet is {options.sheet}; expected a file that ends in .png")
    if not 0 <= options.seed < 2**31:
        raise OptionError(f"--seed is {options.seed}; expected 0 to 2**31 - 1")
    model = open_model(options)
    model.require("autoencoder")
    needed = not options.no_range or options.sheet is not None
    identities = _identities(model, options.image) if needed else []
    with ProgressReport() as report:
        ranges = None if options.no_range else _sampled_range(model, identities, options.seed, report)
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


def _sampled_range(
    model: FloatModel, identities: Sequence[SourceIdentity], seed: int, on_progress: ProgressCallback
) -> NaturalRange | None:
    """Motion of every voice in every emotion, each with its own seed, for the portraits in turn. None for a model that samples none."""
    from .. import choose_emotion, encode_audio, sample_motion
    from ..calibration.measure_directions import NaturalRange

    if not (model.has("transformer") and model.has("audio_encoder")):
        print("note: the model has no transformer or no audio encoder: ranges are guessed from how far the face moves", file=sys.stderr)
        return None
    voices = _voices(seed)
    if not voices:
        print("note: no voice to sample motion for: ranges are guessed from how far the face moves", file=sys.stderr)
        return None
    features = [encode_audio(model, voice) for voice in voices]
    clips = []
    total = len(features) * len(EMOTIONS)
    for number in counted(range(total), "motion", on_progress):
        audio, emotion = features[number // len(EMOTIONS)], choose_emotion(EMOTIONS[number % len(EMOTIONS)])
        identity = identities[number % len(identities)]
        motion = sample_motion(model, identity, audio, emotion, SamplingOptions(seed=seed * 1000 + number))
        clips.append(motion.latents[0] @ model.basis)
    seconds = sum(len(clip) for clip in clips) / model.config.fps
    source = f"percentiles 1 and 99 of {seconds:.0f} s of sampled motion, {len(voices)} voices in {len(EMOTIONS)} emotions, {total} seeds"
    return NaturalRange.of_clips(clips, source)


def _voices(seed: int) -> list[AudioClip]:
    """The sample voice, and synthetic ones where espeak-ng is installed."""
    from .. import read_audio
    from ..synthetic.synthetic_voices import SAMPLE_RATE, make_clip

    voices = [read_audio(_VOICE)] if _VOICE.exists() else []
    try:
        made = [make_clip(_VOICE_SEED + seed, number, held_out=True) for number in range(_SYNTHETIC_VOICES)]
    except AudioError as error:
        print(f"note: {error}", file=sys.stderr)
        return voices
    return voices + [AudioClip(torch.from_numpy(clip.waveform), SAMPLE_RATE) for clip in made]


def _write_sheet(model: FloatModel, identity: SourceIdentity, path: Path, on_progress: ProgressCallback) -> None:
    from PIL import Image

    from .. import basis_sheet

    sheet = basis_sheet(model, identity, on_progress=on_progress)
    with write_beside(path) as unfinished:
        Image.fromarray(to_rows(sheet)).save(unfinished, "PNG")
    print(path, file=sys.stderr)

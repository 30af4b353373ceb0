"""`evaluate`: a model measured on real videos, on a portrait, and on held-out synthetic voices and heads."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..argument_checks import check_whole
from ..atomic_file import refuse_input, write_beside
from ..errors import OptionError
from .files import Portrait, check_folder, check_inputs
from .motion_options import add_solver_options, sampling_options
from .options import add_model_options, check_seed, device, image_size, model_inputs, open_model
from .program import say
from .progress_bar import ProgressReport

if TYPE_CHECKING:
    from ..evaluation.evaluate_clips import SpeechResult
    from ..evaluation.network_metric import NetworkMetric
    from ..evaluation.sweep import Sweep
    from ..types import FloatModel

_PORTRAIT = Path(__file__).parents[2] / "assets" / "portrait.jpg"  # a clone has it, an installed package does not
_JSON, _MARKDOWN = "evaluation.json", "evaluation.md"
_WEIGHTS = ("fid", "fvd", "csim", "lse")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `evaluate`."""
    parser.description = (
        "Measure a model. real: against real videos, with intervals over clips (--real). portrait: how well an image is rebuilt from its "
        "own motion. speech: how sampled motion follows held-out synthetic voices on held-out synthetic heads (needs espeak-ng, and a "
        "model whose directions are the synthetic rig's)."
    )
    add_model_options(parser)
    parser.add_argument("--what", choices=("real", "portrait", "speech", "all"), help="(default: real with --real, else all)")
    parser.add_argument("--image", type=Path, default=_PORTRAIT, help="portrait to rebuild (default: the sample portrait)")
    parser.add_argument("--clips", type=int, default=8, metavar="N", help="real clips, held-out voices (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help=f"also write {_JSON}, {_MARKDOWN} and plots of sweeps here")
    _add_real_options(parser.add_argument_group("real videos"))
    add_solver_options(parser.add_argument_group("motion"))
    parser.set_defaults(run=run_evaluate)


def _add_real_options(group: argparse._ActionsContainer) -> None:
    group.add_argument("--real", type=Path, metavar="FOLDER", help="videos that `prepare videos` has written")
    group.add_argument("--split", choices=("train", "valid", "test", "all"), default="test", help="of its speakers (default: %(default)s)")
    group.add_argument("--portraits", type=Path, metavar="FOLDER", help="prepared portraits to drive, in place of each clip's first frame")
    group.add_argument("--voices-from", type=Path, metavar="FOLDER", help="other prepared videos: their voices are the wrong ones")
    group.add_argument("--tracker", choices=("landmarks", "mediapipe"), default="landmarks", help="what reads faces (default: %(default)s)")
    group.add_argument(
        "--codec", type=int, default=18, metavar="CRF", help="quality of H.264, 0 to 51, that all frames pass; -1: none (default: 18)"
    )
    group.add_argument("--seeds", type=int, default=3, metavar="N", help="to measure the diversity; 0: not (default: %(default)s)")
    group.add_argument(
        "--weights",
        nargs="+",
        default=[],
        metavar="NAME",
        help="measures by networks: fid (package pytorch-fid), fvd (cd-fvd), csim (facenet-pytorch), which download their weights, and "
        "lse=FILE (syncnet-python and python-speech-features, with syncnet_v2.model)",
    )
    group.add_argument(
        "--sweep",
        type=_sweep,
        action="append",
        default=[],
        metavar="SETTING=A,B",
        help="also at these values of steps, audio_guidance or emotion_guidance: rows and a plot; can be repeated",
    )


def run_evaluate(options: argparse.Namespace) -> None:
    """Runs the command: figures and tables on stdout."""
    what = options.what or ("real" if options.real else "all")
    portrait = _check(options, what)
    run_real = _real_run(options) if what == "real" or (what == "all" and options.real) else None
    model = open_model(options)
    file = model.provenance
    found: dict[str, Any] = {"model": {"name": model.config.name, "file": Path(file.file).name, "sha256": file.sha256}}
    if run_real is not None:
        found["real"] = run_real(model)
    if what != "real":
        found["synthetic"] = _synthetic(model, portrait, what, options)
    if options.out is not None:
        _write(options.out / _JSON, json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def _synthetic(model: FloatModel, portrait: Portrait | None, what: str, options: argparse.Namespace) -> dict[str, float]:
    """What needs no data, printed one line a figure."""
    from ..evaluation.held_out import measure_portrait, measure_speech

    figures: dict[str, float] = {}
    with ProgressReport() as report:
        if portrait is not None:
            figures |= measure_portrait(model, portrait.at_size(image_size(model)))
        if what != "portrait":
            figures |= measure_speech(model, options.clips, options.seed or 0, report)
    for name, value in figures.items():
        print(f"{name:34s} {value:8.3f}")
    return figures


def _real_run(options: argparse.Namespace) -> Callable[[FloatModel], dict[str, Any]]:
    """All of it that needs no model, done; what is left."""
    from ..evaluation.speech_runs import RunSettings
    from .real_cases import TRACKERS, chosen_clips, read_cases

    sampling = sampling_options(options)
    variants = {name: value for sweep in options.sweep for name, value in sweep.variants(sampling).items()}
    settings = RunSettings(sampling, None if options.codec < 0 else options.codec, options.seeds, variants)
    metrics = _metrics(options.weights, device(options.device))
    chosen = chosen_clips(options.real, options.split, options.clips)
    cases = read_cases(options.real, chosen, portraits=options.portraits, voices=options.voices_from)
    track = TRACKERS[options.tracker](device(options.device))

    def run(model: FloatModel) -> dict[str, Any]:
        from ..evaluation.evaluate_clips import evaluate_clips
        from ..evaluation.report import to_json, to_markdown
        from ..evaluation.sweep import sweep_rows

        with ProgressReport() as report:
            result = evaluate_clips(model, cases, track, settings, metrics=metrics, count=len(chosen), on_progress=report)
        table = to_markdown(result)
        print(table)
        if options.out is not None:
            _write(options.out / _MARKDOWN, table)
            _write_plots(options.out, options.sweep, result)
        asked = {name: getattr(options, name) for name in ("split", "tracker", "codec", "seeds")}
        own = {"settings": {**asked, "sampling": vars(sampling)}, "sweeps": [sweep_rows(sweep, result) for sweep in options.sweep]}
        return own | to_json(result)

    return run


def _write_plots(folder: Path, sweeps: list[Sweep], result: SpeechResult) -> None:
    from ..evaluation.sweep import plot_sweep

    for sweep in sweeps:
        path = folder / f"sweep_{sweep.setting}.png"
        try:
            image = plot_sweep(sweep, result)
        except ImportError as error:
            say(f"note: no plot of {sweep.setting}: {error}")
            continue
        with write_beside(path) as unfinished:
            image.save(unfinished, "PNG")
        say(str(path))


def _metrics(weights: list[str], place: torch.device) -> list[Callable[[], NetworkMetric]]:
    """Makers of the measures that --weights names; every network is loaded once."""
    from ..evaluation.csim import IdentitySimilarity, facenet_descriptor
    from ..evaluation.fid import FrameDistance, inception_features
    from ..evaluation.fvd import VideoDistance, i3d_features
    from ..evaluation.lip_sync_error import LipSyncError, syncnet_features

    found: list[Callable[[], NetworkMetric]] = []
    for text in weights:
        name, _, file = text.partition("=")
        if name not in _WEIGHTS or bool(file) != (name == "lse"):
            raise OptionError(f"--weights has {text!r}; expected fid, fvd, csim or lse=FILE")
        if name == "fid":
            found.append(partial(FrameDistance, "FID", inception_features(place)))
        elif name == "fvd":
            found.append(partial(VideoDistance, i3d_features(place)))
        elif name == "csim":
            found.append(partial(IdentitySimilarity, facenet_descriptor(place)))
        else:
            found.append(partial(LipSyncError, syncnet_features(check_inputs(Path(file))[0], place)))
    return found


def _sweep(text: str) -> Sweep:
    from ..evaluation.sweep import Sweep

    setting, _, values = text.partition("=")
    try:
        return Sweep(setting.strip().replace("-", "_"), tuple(float(value) for value in values.split(",")))
    except ValueError as error:  # an OptionError is one
        raise argparse.ArgumentTypeError(f"{text!r} is no sweep: {error}; expected e.g. steps=2,5,10,20") from error


def _check(options: argparse.Namespace, what: str) -> Portrait | None:
    """Refuses what can be known to fail before a model is loaded; returns the portrait, if one is to be measured."""
    from .. import check_sampling

    device(options.device)
    check_whole("--clips", options.clips, low=2)  # the wrong voice is another clip's
    check_whole("--codec", options.codec, low=-1, high=51)
    check_whole("--seeds", options.seeds, low=0)
    check_seed(options.seed or 0)
    for sweep in options.sweep:
        sweep.variants(sampling_options(options))
    check_sampling(sampling_options(options))
    if options.seeds == 1:
        raise OptionError("--seeds is 1; expected 0, or 2 and more to compare")
    if what == "real" and options.real is None:
        raise OptionError("--what real needs --real FOLDER, with videos that `prepare videos` has written")
    given = [name for name in ("portraits", "voices_from", "sweep", "weights") if getattr(options, name)]
    if given and options.real is None:
        raise OptionError(f"--{given[0].replace('_', '-')} does nothing without --real FOLDER")
    measured = what in ("portrait", "all")
    if measured and options.image == _PORTRAIT and not _PORTRAIT.is_file():
        raise OptionError("this installation comes without the sample portrait: give --image FILE, or --what speech")
    inputs = [*check_inputs(options.image if measured else None), *model_inputs(options)]
    if options.out is not None:
        check_folder("--out", options.out)
        for name in (_JSON, _MARKDOWN):
            refuse_input(options.out / name, inputs)
    return Portrait.open(options.image) if measured else None


def _write(path: Path, text: str) -> None:
    with write_beside(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    say(str(path))

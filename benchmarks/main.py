"""The program `python -m benchmarks`: plain references and fast paths measured in one run, as one table and as JSON."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from float_core.cli.options import device
from float_core.cli.progress_bar import readable_seconds
from float_core.errors import FloatError, OptionError

from .audio import measure_audio
from .clip import measure_clip
from .decode import measure_decode
from .first_frame import measure_first
from .gpu import measure_gpu, require_gpu
from .load import measure_load
from .machine import machine_facts
from .measurements import Measurement
from .report import Report, write_report
from .sampling import measure_sampling
from .settings import DTYPES, SUITES, BenchSettings, suites_of

Say = Callable[[str], None]  # told what begins
MEASURES: dict[str, Callable[[BenchSettings, Say], list[Measurement]]] = {
    "decode": measure_decode,
    "sampling": measure_sampling,
    "audio": measure_audio,
    "clip": measure_clip,
    "load": measure_load,
    "first": measure_first,
    "gpu": measure_gpu,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the suites. Exit status 2 after a mistake that the message explains."""
    options = build_parser().parse_args(arguments)
    try:
        run_bench(options)
    except FloatError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The parser with all options."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure speed and memory: plain references and fast paths in turn, each in a process of its own, as a user would "
        "start them. cpu: decode, sampling, audio, clip (from file to file), load and first (time to the first frame). gpu: decoding in "
        "every precision and batch size, eager and compiled. One table goes to stdout, progress to stderr, JSON (and a plot of clips) to "
        "--out.",
    )
    parser.add_argument("--suite", choices=SUITES, default="cpu", help="what is measured (default: %(default)s, all but gpu)")
    parser.add_argument(
        "-o", "--out", type=Path, default=Path("output/bench"), metavar="FOLDER", help="for JSON and plot (default: %(default)s)"
    )
    parser.add_argument("--markdown", action="store_true", help="the table as markdown")
    _add_what(parser)
    _add_gpu(parser)
    return parser


def _add_what(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is measured")
    group.add_argument(
        "--model",
        metavar="NAME|FILE",
        help="mini, a weight file, or float-512: the released architecture with random weights (default: float-512 and mini where a suite "
        "needs no file, else mini; gpu: float-512)",
    )
    group.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, mps (default: auto, a GPU for the suite gpu, else cpu)")
    group.add_argument("--runs", type=int, metavar="N", help="measurements of each case (default: 10 of a frame, 3 of what takes longer)")
    group.add_argument("--lengths", type=_numbers, metavar="S,S", help="seconds of audio of whole clips (default: 10,60,600)")
    group.add_argument("--plain-lengths", type=_numbers, metavar="S,S", help="those that the plain path makes as well (default: 10)")
    group.add_argument("--image", type=Path, help="portrait (default: the sample portrait)")
    group.add_argument("--audio", type=Path, help="voice, repeated to the lengths that are needed (default: the sample voice)")


def _add_gpu(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("suite gpu")
    group.add_argument("--dtypes", metavar="NAME,NAME", help=f"precisions (default: {','.join(DTYPES)})")
    group.add_argument("--batches", type=_whole_numbers, metavar="N,N", help="batch sizes (default: 1,4,8,16,32)")
    group.add_argument("--no-compile", action="store_true", help="leave out the compiled rows")


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of seconds; expected for example 10,60,600") from None


def _whole_numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of whole numbers; expected for example 1,4,16") from None


def run_bench(options: argparse.Namespace) -> None:
    """Runs the command."""
    _check_out(options.out)
    report = run_suites(options.suite, bench_settings(options), _say)
    print(report.table(markdown=options.markdown))
    for line in report.remarks():
        print(f"\n{line}" if options.markdown else line)
    for path in write_report(report, options.out):
        _say(f"written: {path}")
    _say(f"done in {readable_seconds(report.took)}")


def run_suites(name: str, settings: BenchSettings, say: Say) -> Report:
    """One suite, or with "cpu" all but gpu's, one after the other. Raises OptionError, BenchmarkError."""
    names = suites_of(name)
    if {"clip", "load", "first"} & set(names):
        _ = settings.file_model  # says at once that it is missing
    machine, started = machine_facts(), time.perf_counter()
    found = [measurement for suite in names for measurement in MEASURES[suite](settings, say)]
    plain_settings = {key: str(value) if key in ("image", "audio") else value for key, value in asdict(settings).items()}
    return Report(name, machine, plain_settings, tuple(found), time.perf_counter() - started)


def bench_settings(options: argparse.Namespace) -> BenchSettings:
    """The settings that the options stand for; what was not given stays as it is by default."""
    name = require_gpu(options.device) if options.suite == "gpu" else "cpu" if options.device == "auto" else options.device
    given: dict[str, Any] = {
        "models": None if options.model is None else (options.model,),
        "device": str(device(name)),
        "runs": options.runs,
        "long_runs": options.runs,
        "lengths": options.lengths,
        "plain_lengths": options.plain_lengths,
        "image": options.image,
        "audio": options.audio,
        "dtypes": None if options.dtypes is None else tuple(options.dtypes.split(",")),
        "batches": options.batches,
        "compiled": (False,) if options.no_compile else None,
    }
    return replace(BenchSettings(), **{field: value for field, value in given.items() if value is not None})


def _check_out(folder: Path) -> None:
    """Before minutes of measuring, not after."""
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"--out {folder} is a file; expected a folder")
    folder.mkdir(parents=True, exist_ok=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)

"""Suite "load": how long importing takes, and `load_model`, the first time in a process and again. Has no plain path."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from float_core import load_model

from .child import Run
from .child_process import BenchmarkError, Job, child_environment, measure
from .machine import synchronize
from .measurements import FAST, Measurement
from .settings import ROOT, BenchSettings

ONLY = "-"  # there is one path
_IMPORTS = ("torch", "float_core")


def measure_load(settings: BenchSettings, say: Callable[[str], None]) -> list[Measurement]:
    """Imports in new processes; loading in one, first and again."""
    say("load: imports in new processes")
    found = _measure_imports(settings.long_runs)
    model = settings.file_model
    say(f"load: {model}, first and again")
    job = Job("load:load", {"model": model, "device": settings.device}, keep_memory=True)
    timings = measure({FAST: job}, runs=1 + settings.long_runs, warmups=0)[FAST]
    for case, seconds in (("first in a process", timings.seconds[:1]), ("again", timings.seconds[1:])):
        found.append(Measurement.of("load", f"load_model, {model}, {case}", ONLY, replace(timings, seconds=seconds)))
    return found


def _measure_imports(runs: int) -> list[Measurement]:
    """Whole processes, Python's own start included, in turn; the first of each is a warm-up: it fills the system's file cache."""
    seconds: dict[str, list[float]] = {name: [] for name in _IMPORTS}
    for run in range(1 + runs):
        for name in _IMPORTS:
            taken = _import_seconds(name)
            if run:
                seconds[name].append(taken)
    return [Measurement("load", f"python -c 'import {name}'", ONLY, tuple(seconds[name])) for name in _IMPORTS]


def _import_seconds(name: str) -> float:
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", f"import {name}"], env=child_environment(), cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise BenchmarkError(f"`import {name}` failed in a new process: {done.stderr.strip().splitlines()[-1:]}")
    return time.perf_counter() - started


def load(*, model: str, device: str) -> Run:
    """A run is one load_model. Files are in the system's cache after the first process that read them: a disk is not measured."""

    def run() -> dict[str, float]:
        synchronize(load_model(model, device=device).device)
        return {}

    return run

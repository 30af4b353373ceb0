"""All suites by name, and one run of some of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict

from .audio import measure_audio
from .clip import measure_clip
from .decode import measure_decode
from .first_frame import measure_first
from .gpu import measure_gpu
from .load import measure_load
from .machine import machine_facts
from .measurements import Measurement
from .report import Report
from .sampling import measure_sampling
from .settings import BenchSettings, suites_of

Measure = Callable[[BenchSettings, Callable[[str], None]], list[Measurement]]
MEASURES: dict[str, Measure] = {
    "decode": measure_decode,
    "sampling": measure_sampling,
    "audio": measure_audio,
    "clip": measure_clip,
    "load": measure_load,
    "first": measure_first,
    "gpu": measure_gpu,
}


def run_suites(name: str, settings: BenchSettings, say: Callable[[str], None]) -> Report:
    """One suite, or with "cpu" all but gpu's, one after the other. `say` is told what begins. Raises OptionError, BenchmarkError."""
    names = suites_of(name)
    if {"clip", "load", "first"} & set(names):
        _ = settings.file_model  # says at once that it is missing
    machine, started = machine_facts(), time.perf_counter()
    found = [measurement for suite in names for measurement in MEASURES[suite](settings, say)]
    plain_settings = {key: str(value) if key in ("image", "audio") else value for key, value in asdict(settings).items()}
    return Report(name, machine, plain_settings, tuple(found), time.perf_counter() - started)

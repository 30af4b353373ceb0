"""The measuring side: starts processes of `child`, has them run in turn, and collects what they say.

Alternating the paths run by run, each in a process of its own that waits meanwhile, gives both the same machine: other load, heat and
clocks change slowly. Knows nothing of the tasks.
"""

from __future__ import annotations

import collections
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Any

from float_core.errors import FloatError

from .settings import ROOT

_KEPT_LINES = 12
_GRACE_SECONDS = 5.0
LineListener = Callable[[str], None]


class BenchmarkError(FloatError):
    """A measurement did not come to an end."""


@dataclass(frozen=True)
class Job:
    """One task for one process. `task` is MODULE:FUNCTION of this folder, `options` its arguments, all of which JSON can hold;
    `keep_memory`: with the allocator's settings that the command line makes, or with the system's."""

    task: str
    options: Mapping[str, Any] = field(default_factory=dict)
    keep_memory: bool = False


@dataclass(frozen=True)
class Timings:
    """What one process measured. `seconds` of every run after the warm-ups; `figures` that the last run reported; `since_start`: seconds
    from the start of the program to the end of its first run; peaks in bytes, None where not known; `notes`: its warnings."""

    seconds: tuple[float, ...]
    figures: Mapping[str, Any]
    since_start: float
    peak_bytes: int | None
    peak_device_bytes: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def median(self) -> float:
        """Of the runs, in seconds."""
        return statistics.median(self.seconds)


class Worker:
    """One process of `child`. Leaving the context ends it, whatever it is doing."""

    def __init__(self, job: Job, on_line: LineListener | None = None) -> None:
        self._job = job
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.child", json.dumps(_as_json(job))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=child_environment(),
            cwd=ROOT,
        )
        self._last_lines: collections.deque[str] = collections.deque(maxlen=_KEPT_LINES)
        assert self._process.stderr is not None
        self._reader = threading.Thread(target=self._read_lines, args=(self._process.stderr, on_line), daemon=True)
        self._reader.start()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._reader.join(_GRACE_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def wait_ready(self) -> None:
        """Returns when the task is prepared."""
        self._answer()

    def run(self) -> tuple[float, dict[str, Any]]:
        """Seconds of one run, and the figures that it reports."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("run\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._failure() from error
        answer = self._answer()
        return answer["seconds"], answer["figures"]

    def finish(self) -> dict[str, Any]:
        """Ends the process in good order; its peaks and notes."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._failure()
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            said = self._said()
            last = f" ({said[-1]})" if said and said[-1].startswith("error:") else ""  # of a command that ran in there
            raise BenchmarkError(f"{self._job.task}: {answer['error']}{last}")
        return answer

    def _failure(self) -> BenchmarkError:
        code = self._process.wait()
        last = " / ".join(self._said()[-3:]) or "it said nothing"
        why = f"status {code}"
        if code < 0:
            why = f"{signal.Signals(-code).name}, which is what a system does that is out of memory" if code == -9 else f"signal {-code}"
        return BenchmarkError(f"the process of {self._job.task} ended early with {why}: {last}")

    def _said(self) -> list[str]:
        """The last lines on its stderr."""
        self._reader.join(_GRACE_SECONDS if self._process.poll() is not None else 0.2)
        return list(self._last_lines)

    def _read_lines(self, pipe: IO[str], on_line: LineListener | None) -> None:
        for line in pipe:
            if text := line.strip():
                self._last_lines.append(text)
                if on_line is not None:
                    on_line(text)


class _Series:
    """The runs of one process, as they are made."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._seconds: list[float] = []
        self._figures: dict[str, Any] = {}
        self._since_start = 0.0

    def run(self, *, keep: bool) -> None:
        """Once; a warm-up is not kept."""
        seconds, self._figures = self._worker.run()
        self._since_start = self._since_start or time.perf_counter() - self._worker.started
        if keep:
            self._seconds.append(seconds)

    def timings(self) -> Timings:
        """Ends the process."""
        end = self._worker.finish()
        return Timings(
            tuple(self._seconds), self._figures, self._since_start, end["peak_bytes"], end["peak_device_bytes"], tuple(end["notes"])
        )


def measure(jobs: Mapping[str, Job], *, runs: int, warmups: int = 1, on_line: LineListener | None = None) -> dict[str, Timings]:
    """Each job `warmups` times, then all of them in turn, `runs` times. Raises BenchmarkError.

    A process is started when the one before it has warmed up, so that neither is timed while another prepares. `on_line`: called with
    every line that the processes write to stderr."""
    with ExitStack() as stack:
        series: dict[str, _Series] = {}
        for name, job in jobs.items():
            worker = stack.enter_context(Worker(job, on_line))
            worker.wait_ready()
            series[name] = _Series(worker)
            for _ in range(warmups):
                series[name].run(keep=False)
        for _ in range(runs):
            for one in series.values():
                one.run(keep=True)
        return {name: one.timings() for name, one in series.items()}


def _as_json(job: Job) -> dict[str, Any]:
    return {"task": job.task, "options": dict(job.options), "keep_memory": job.keep_memory}


def child_environment() -> dict[str, str]:
    """This process's, with the repository in front: it is found however this process came to it."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}

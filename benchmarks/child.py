"""The measured side: a process that prepares one task, then runs it once for every line on stdin and answers in JSON.

    python -m benchmarks.child '{"task": "decode:plain_decode", "options": {...}, "keep_memory": false}'

Answers are lines of JSON on stdout: {"ready": true}, then {"seconds": s, "figures": {...}} for every run, and at the end of stdin
{"peak_bytes": ...}; {"error": message} instead of any of them. What libraries print goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import IO, Any

from float_core.allocator import keep_freed_memory
from float_core.errors import FloatError, OptionError

from .machine import peak_device_bytes, peak_resident_bytes

Run = Callable[[], dict[str, Any]]  # a prepared task: does the work once; what it says is reported with the time


def main(arguments: Sequence[str]) -> int:
    """Serves one job. Exit status 2 after an error that its message explains."""
    job = json.loads(arguments[0])
    with _own_stdout() as answers, warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=UserWarning, module=r".*float_core\b.*")
        try:
            _serve(job, answers)
        except FloatError as error:
            _answer(answers, {"error": str(error)})
            return 2
        texts = list(dict.fromkeys(str(note.message) for note in notes))
        _answer(answers, {"peak_bytes": peak_resident_bytes(), "peak_device_bytes": peak_device_bytes(), "notes": texts})
    return 0


def find_task(name: str) -> Callable[..., Run]:
    """`MODULE:FUNCTION` of this folder: called with its options it prepares everything, and returns what is timed. Raises OptionError."""
    module, _, function = name.partition(":")
    try:
        task: Callable[..., Run] = getattr(import_module(f".{module}", __package__), function)
    except (ImportError, AttributeError) as error:
        raise OptionError(f"there is no task {name!r}: {error}") from error
    return task


def _serve(job: dict[str, Any], answers: IO[str]) -> None:
    if job["keep_memory"]:  # as the command line does before it computes
        keep_freed_memory()
    run = find_task(job["task"])(**job["options"])
    _answer(answers, {"ready": True})
    for _ in sys.stdin:
        started = time.perf_counter()
        figures = run()
        _answer(answers, {"seconds": time.perf_counter() - started, "figures": figures})


def _own_stdout() -> IO[str]:
    """Stdout for the answers alone: whatever else prints from now on, C libraries included, goes to stderr."""
    sys.stdout.flush()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _answer(answers: IO[str], answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Progress on stderr: one bar for the whole run with an estimate of the time left; plain lines when stderr is no terminal.

Knows the names of a run's stages and their usual shares of it; does not know what happens in a stage.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TextIO

_BAR_WIDTH = 24
_TERMINAL_SECONDS = 0.1  # between two drawings of the bar
_PLAIN_SECONDS = 5.0  # between two lines of a log


class ProgressReport:
    """An `on_progress` callback; stages may take turns. `shares`: stage name -> its usual part of the run's time, in order; one that is
    passed over counts for nothing; none: each stage is a bar of its own."""

    def __init__(
        self, shares: Mapping[str, float] | None = None, *, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._shares = dict(shares or {})
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._stage = ""
        self._parts: dict[str, float] = {}  # how much of a stage is behind us, 0 to 1
        self._spent: dict[str, float] = {}  # seconds in a stage
        self._last_call = clock()
        self._last_shown = float("-inf")
        self._drawn = 0  # characters of the bar that stand on the terminal's line

    def __enter__(self) -> ProgressReport:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._wipe()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """`done` of `total` steps of `stage` are behind us; the time since the last call went into them."""
        now = self._clock()
        self._stage = stage
        self._parts[stage] = min(1.0, done / total) if total else 1.0
        self._spent[stage] = self._spent.get(stage, 0.0) + now - self._last_call
        self._last_call = now
        interval = _TERMINAL_SECONDS if self._stream.isatty() else _PLAIN_SECONDS
        if now - self._last_shown >= interval or self.fraction() == 1.0:
            self._last_shown = now
            self._show(f"{stage} {_count(done, total)}")

    def fraction(self) -> float:
        """How much of the run is behind us, 0 to 1."""
        if not self._shares:
            return self._parts.get(self._stage, 0.0)
        shares = {stage: self._shares[stage] for stage in self._expected()}
        return sum(share * self._parts.get(stage, 0.0) for stage, share in shares.items()) / sum(shares.values())

    def seconds_left(self) -> float | None:
        """Every stage goes on at its own pace. None while one of them has no pace yet."""
        if not all(self._parts.get(stage) for stage in self._expected()):
            return None
        return sum(self._spent[stage] * (1.0 - part) / part for stage, part in self._parts.items() if part > 0)

    def _expected(self) -> list[str]:
        """The stages that have begun, and those after the last of them."""
        order = list(self._shares)
        begun = max((order.index(stage) for stage in self._parts if stage in self._shares), default=-1)
        return [stage for number, stage in enumerate(order) if number > begun or stage in self._parts]

    def _show(self, text: str) -> None:
        left = self.seconds_left()
        if left is not None:
            text += f", about {readable_seconds(left)} left"
        percent = f"{100 * self.fraction():3.0f}%"
        if not self._stream.isatty():
            self._print(f"{percent} {text}\n")
            return
        filled = round(_BAR_WIDTH * self.fraction())
        line = f"{percent} [{'=' * filled}{' ' * (_BAR_WIDTH - filled)}] {text}"
        self._print("\r" + line.ljust(self._drawn))
        self._drawn = len(line)

    def _wipe(self) -> None:
        if self._drawn:
            self._print("\r" + " " * self._drawn + "\r")
        self._drawn = 0

    def _print(self, text: str) -> None:
        with contextlib.suppress(OSError):  # a terminal that has gone away ends no run
            print(text, end="", file=self._stream, flush=True)


def _count(done: int, total: int) -> str:
    return f"{done}/{total}" if total < 10**7 else f"{done / 1e6:.0f}/{total / 1e6:.0f} MB"  # so many can only be bytes


def readable_seconds(seconds: float) -> str:
    """0:07, 12:30 or 1:05:00."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"

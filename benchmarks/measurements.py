"""What a measurement came to, and the figures that follow from it. Knows nothing of how it was made or shown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .child_process import Timings

PLAIN, FAST = "plain", "fast"


@dataclass(frozen=True)
class Measurement:
    """One path of one case. `seconds` of every run; `frames` that a run makes, 0 where it makes none; `media_fps`: how many of them are
    a second of video; peaks in bytes; `figures`: what else was found out; `notes`: warnings, or why there is nothing."""

    suite: str
    case: str
    path: str
    seconds: tuple[float, ...]
    frames: int = 0
    media_fps: float = 25.0
    peak_bytes: int | None = None
    peak_device_bytes: int | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, suite: str, case: str, path: str, timings: Timings, *, media_fps: float = 25.0) -> Measurement:
        """From what a process measured; its figure "frames" says how many a run makes."""
        figures = dict(timings.figures)
        frames = int(figures.pop("frames", 0))
        return cls(
            suite, case, path, timings.seconds, frames, media_fps, timings.peak_bytes, timings.peak_device_bytes, figures, timings.notes
        )

    @property
    def median(self) -> float:
        """Wall time of a run in seconds."""
        return statistics.median(self.seconds)

    @property
    def per_frame(self) -> float | None:
        """Seconds."""
        return self.median / self.frames if self.frames else None

    @property
    def fps(self) -> float | None:
        """Frames made per second."""
        return self.frames / self.median if self.frames else None

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of video made per second of work: above 1 it is faster than it plays."""
        return None if self.fps is None else self.fps / self.media_fps

    @property
    def cost(self) -> float:
        """What two paths of a case are compared by: seconds a frame, or a run where there are no frames."""
        return self.median if self.per_frame is None else self.per_frame


def times_plain(measurement: Measurement, others: Sequence[Measurement]) -> float | None:
    """How many times faster than the plain path of the same case in the same run; None where there is none."""
    for other in others:
        if (other.suite, other.case, other.path) == (measurement.suite, measurement.case, PLAIN):
            return other.cost / measurement.cost
    return None

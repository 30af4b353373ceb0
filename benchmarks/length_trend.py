"""How time and memory of whole clips go with their length: a straight line, sentences and a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .measurements import FAST, PLAIN, Measurement

_MIB = 2**20


@dataclass(frozen=True)
class LineFit:
    """y = `start` + `slope` * x; `r_squared` = share of y's variance that the line explains."""

    start: float
    slope: float
    r_squared: float


def fit_line(x: Sequence[float], y: Sequence[float]) -> LineFit | None:
    """Least squares; None where no line is determined: fewer than two different x. A constant y is explained in full."""
    if len(set(x)) < 2:
        return None
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)
    start = mean_y - slope * mean_x
    total = sum((b - mean_y) ** 2 for b in y)
    rest = sum((b - start - slope * a) ** 2 for a, b in zip(x, y, strict=True))
    return LineFit(start, slope, 1.0 - rest / total if total else 1.0)


@dataclass(frozen=True)
class LengthTrend:
    """Of the fast clips: `time` = line of wall seconds over seconds of audio; `growth` = peak memory of the longest clip over that of
    `base` seconds (one minute where it was measured, else the shortest), minus one; None where memory is not known."""

    lengths: tuple[float, ...]
    time: LineFit
    base: float
    growth: float | None

    def sentences(self) -> list[str]:
        """For people."""
        lines = [
            f"clip: wall time = {self.time.start:.2f} s + {self.time.slope:.4f} s per second of audio, R² = {self.time.r_squared:.5f} "
            f"over {', '.join(f'{length:g}' for length in self.lengths)} s"
        ]
        if self.growth is not None:
            lines.append(f"clip: peak memory at {max(self.lengths):g} s is {100 * self.growth:+.1f} % against {self.base:g} s")
        return lines


def length_trend(clips: Sequence[Measurement]) -> LengthTrend | None:
    """None with fewer than two lengths."""
    fast = sorted((row for row in clips if row.path == FAST), key=_length)
    lengths = [_length(row) for row in fast]
    time = fit_line(lengths, [row.median for row in fast])
    if time is None:
        return None
    base = fast[lengths.index(60.0)] if 60.0 in lengths[:-1] else fast[0]
    memory, longest = _memory(base), _memory(fast[-1])
    growth = None if memory is None or longest is None else longest / memory - 1
    return LengthTrend(tuple(lengths), time, _length(base), growth)


def plot_lengths(clips: Sequence[Measurement], trend: LengthTrend | None, path: Path) -> Path:
    """Time, and peak memory, over length, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    time_axis, memory_axis = figure.subplots(1, 2)
    for name, marker in ((FAST, "o"), (PLAIN, "s")):
        rows = sorted((row for row in clips if row.path == name), key=_length)
        if not rows:
            continue
        lengths = [_length(row) for row in rows]
        time_axis.plot(lengths, [row.median for row in rows], marker, label=name)
        memory_axis.plot(lengths, [(_memory(row) or 0) / _MIB for row in rows], f"{marker}-", label=name)
    if trend is not None:
        ends = [0.0, max(trend.lengths)]
        label = f"{trend.time.start:.1f} s + {trend.time.slope:.3f} x length, R² = {trend.time.r_squared:.4f}"
        time_axis.plot(ends, [trend.time.start + trend.time.slope * x for x in ends], "-", color="gray", label=label)
    for axis, title, unit in ((time_axis, "wall time, from file to file", "seconds"), (memory_axis, "peak memory", "MB")):
        axis.set_title(title, loc="left", fontsize=10)
        axis.set_xlabel("seconds of audio")
        axis.set_ylabel(unit)
        axis.set_ylim(0, 1.1 * axis.dataLim.y1)
        axis.grid(alpha=0.3)
        axis.legend(frameon=False, fontsize=9, loc="upper left" if axis is time_axis else "lower right")
    figure.savefig(path)
    return path


def _length(row: Measurement) -> float:
    return float(row.figures["length"])


def _memory(row: Measurement) -> int | None:
    return row.peak_device_bytes or row.peak_bytes

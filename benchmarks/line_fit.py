"""A straight line through points, by least squares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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

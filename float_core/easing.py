"""How a value changes from one to another: from a fraction 0..1 of the time to a fraction of the way."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

Values = TypeVar("Values", Tensor, np.ndarray)

_BISECTIONS = 60  # halvings of [0, 1]: as close as float64 gets


def smooth(x: Values) -> Values:
    """3 x^2 - 2 x^3: from 0 to 1 for x in 0..1, with a slope of 0 at both ends."""
    return x * x * (3 - 2 * x)


def smoother(x: Tensor) -> Tensor:
    """6 x^5 - 15 x^4 + 10 x^3: as `smooth`, but acceleration is also 0 at both ends, so that a fade between motions has no kink."""
    return x**3 * (x * (6 * x - 15) + 10)


def bezier(x: Tensor, handles: tuple[float, float, float, float]) -> Tensor:
    """The y of a cubic Bezier curve from (0, 0) to (1, 1) with two handles, at each x in 0..1 (float64), as in CSS."""
    x1, y1, x2, y2 = handles

    def at(parameter: Tensor, first: float, second: float) -> Tensor:
        rest = 1 - parameter
        return 3 * rest * rest * parameter * first + 3 * rest * parameter * parameter * second + parameter**3

    low, high = torch.zeros_like(x), torch.ones_like(x)
    for _ in range(_BISECTIONS):  # x grows with the parameter, because the x of both handles is in 0..1
        middle = (low + high) / 2
        below = at(middle, x1, x2) < x
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return at((low + high) / 2, y1, y2)

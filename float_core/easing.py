"""How a value goes from one to another: shares 0..1 of the time to shares of the way."""

from __future__ import annotations

import torch
from torch import Tensor

_BISECTIONS = 60  # halvings of [0, 1]: as close as float64 gets


def smooth(x: Tensor) -> Tensor:
    """3 x^2 - 2 x^3: from 0 to 1 with level ends, for x in 0..1."""
    return x * x * (3 - 2 * x)


def smoother(x: Tensor) -> Tensor:
    """6 x^5 - 15 x^4 + 10 x^3: as `smooth`, but its acceleration too begins and ends at 0, so that a fade between motions has no kink."""
    return x**3 * (x * (6 * x - 15) + 10)


def bezier(x: Tensor, handles: tuple[float, float, float, float]) -> Tensor:
    """The y of a cubic Bezier curve from (0, 0) over two handles to (1, 1), at each x in 0..1 (float64), as in CSS."""
    x1, y1, x2, y2 = handles

    def at(parameter: Tensor, first: float, second: float) -> Tensor:
        rest = 1 - parameter
        return 3 * rest * rest * parameter * first + 3 * rest * parameter * parameter * second + parameter**3

    low, high = torch.zeros_like(x), torch.ones_like(x)
    for _ in range(_BISECTIONS):  # x grows with the parameter, since both handles' x are in 0..1
        middle = (low + high) / 2
        below = at(middle, x1, x2) < x
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return at((low + high) / 2, y1, y2)

"""The straight path from noise to data, whose velocity the transformer learns: the optimal transport path of flow matching (FLOAT, arXiv
2412.01064, section 3.2; it is equations 22 and 23 of arXiv 2210.02747 with sigma_min = 0)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class PathSample:
    """A point on the path.

    x_t: (B, ...).
    t: its time, (B,) in [0, 1].
    velocity: the velocity u of the path there, (B, ...).
    """

    x_t: Tensor
    t: Tensor
    velocity: Tensor


def straight_path(x0: Tensor, x1: Tensor, t: Tensor) -> PathSample:
    """The optimal transport path from noise `x0` (t = 0) to data `x1` (t = 1), both (B, ...), at `t` (B,)."""
    weight = t.reshape(-1, *[1] * (x1.dim() - 1)).to(x1.dtype)
    return PathSample(x_t=torch.lerp(x0, x1, weight), t=t, velocity=x1 - x0)  # (22): x_t = (1-t) x0 + t x1, (23): u = x1 - x0

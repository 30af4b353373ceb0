"""Filters over time that shift nothing: odd extension at the ends, symmetric kernels, and cubic interpolation between frames.

Knows only tensors (B, T, D).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

_POLE = math.sqrt(3) - 2  # of the interpolation filter of a cubic B-spline
_SPLINE_TAPS = 24  # 0.268^24 is far below float32's resolution
AROUND = _SPLINE_TAPS + 2  # frames on each side of a position that `at_positions` uses


def extend(frames: Tensor, count: int) -> Tensor:
    """`count` more frames at both ends of (B, T, D): the motion mirrored through its end points, 2 x_0 - x_i, so that value and slope
    continue. A single frame is repeated."""
    while count > 0 and frames.shape[1] > 1:
        part = min(count, frames.shape[1] - 1)
        first, last = frames[:, :1], frames[:, -1:]
        before = 2 * first - frames[:, 1 : part + 1].flip(1)
        after = 2 * last - frames[:, -part - 1 : -1].flip(1)
        frames, count = torch.cat([before, frames, after], dim=1), count - part
    if count > 0:
        frames = frames.expand(-1, 2 * count + 1, -1)
    return frames


def filter_symmetric(frames: Tensor, half: Sequence[float]) -> Tensor:
    """(B, T, D), weighted with half[0] in the middle and half[i] at distance i on both sides: no shift in time, the ends stay."""
    reach, length = len(half) - 1, frames.shape[1]
    extended = extend(frames, reach)
    result = half[0] * frames
    for distance, weight in enumerate(half[1:], 1):
        left, right = reach - distance, reach + distance
        result = result + weight * (extended[:, left : left + length] + extended[:, right : right + length])
    return result


def gaussian_half(sigma: float) -> list[float]:
    """The middle and one side of a Gaussian with a standard deviation of `sigma` frames, cut off at 4 sigma; the whole sums to 1."""
    weights = [math.exp(-0.5 * (i / sigma) ** 2) for i in range(math.ceil(4 * sigma) + 1)]
    total = weights[0] + 2 * math.fsum(weights[1:])
    return [weight / total for weight in weights]


def at_positions(frames: Tensor, positions: Sequence[Fraction]) -> Tensor:
    """(B, T, D) at any positions between frames, (B, len(positions), D): the cubic spline through all frames, held at the ends.

    Its speed and acceleration are continuous. Whole positions give the frames themselves, with the same bits."""
    last = frames.shape[1] - 1
    held = [min(max(position, Fraction(0)), Fraction(last)) for position in positions]
    index = torch.tensor([math.floor(position) for position in held], device=frames.device)
    share = torch.tensor([float(position - math.floor(position)) for position in held], dtype=torch.float64)
    if last == 0 or not bool(share.any()):
        return frames[:, index]
    gain = -6 * _POLE / (1 - _POLE**2)
    coefficients = filter_symmetric(extend(frames, 2), [gain * _POLE**i for i in range(_SPLINE_TAPS)])
    between = torch.zeros_like(frames[:, :1])
    for offset, weight in enumerate(_spline_weights(share)):
        between = between + weight.to(frames.device, frames.dtype)[:, None] * coefficients[:, index + 1 + offset]
    return torch.where((share > 0).to(frames.device)[:, None], between, frames[:, index])


def _spline_weights(share: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weights of the B-spline coefficients at floor - 1, floor, floor + 1 and floor + 2."""
    rest = 1 - share
    return rest**3 / 6, (4 - 6 * share**2 + 3 * share**3) / 6, (4 - 6 * rest**2 + 3 * rest**3) / 6, share**3 / 6

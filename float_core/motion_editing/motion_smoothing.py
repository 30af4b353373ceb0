"""Smoothing of motion without a shift in time, and repair of the seams between sampling windows. Neither happens unless asked for.

Needs only a basis and latents, no network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

from ..argument_checks import check_motion, check_number, check_sequence, check_whole
from ..types import FloatModel, MotionSequence
from .edit_checks import check_directions
from .motion_edits import basis_like, outside_basis
from .time_filters import filter_symmetric, gaussian_half

_LONGEST = 10.0  # seconds of smoothing
_CONTEXT = 3  # frames on each side of a seam that show how large its step is


def smooth_motion(
    model: FloatModel, motion: MotionSequence, seconds: float | Mapping[int, float], *, outside_seconds: float = 0.0
) -> MotionSequence:
    """The motion, smoothed by a Gaussian with a standard deviation of `seconds`: one value for all directions, or one for each direction
    in a mapping (directions that are not in it stay).

    Nothing moves in time; the first and the last frame stay. `outside_seconds` smooths the part of the motion outside the basis. 0 = off;
    if everything is off, the result is the motion itself.

    >>> import float_core
    >>> model = float_core.load_model("mini")
    >>> rough = MotionSequence(torch.randn(1, 50, 64), fps=25.0)
    >>> smoothed = smooth_motion(model, rough, 0.1, outside_seconds=0.1)
    >>> bool(smoothed.latents.std() < rough.latents.std())
    True
    """
    check_motion(model, motion)
    wanted = _seconds_of_directions(model, seconds)
    check_number("outside_seconds", outside_seconds, low=0, high=_LONGEST)
    w = motion.latents
    basis = basis_like(model, w)
    result = w
    for value in sorted(set(wanted.values()) - {0.0}):  # all directions with the same seconds at once
        axes = basis[:, [k for k, own in wanted.items() if own == value]]
        coefficients = w @ axes
        result = result + (_gaussian(coefficients, value * motion.fps) - coefficients) @ axes.T
    if outside_seconds > 0:
        outside = outside_basis(model, w)
        result = result + _gaussian(outside, outside_seconds * motion.fps) - outside
    return motion if result is w else replace(motion, latents=result)


def _seconds_of_directions(model: FloatModel, seconds: float | Mapping[int, float]) -> dict[int, float]:
    if not isinstance(seconds, Mapping):
        value = check_number("seconds", seconds, low=0, high=_LONGEST)
        return dict.fromkeys(range(model.basis.shape[1]), value)
    check_directions(model, seconds)
    return {k: check_number(f"the seconds of direction {k}", value, low=0, high=_LONGEST) for k, value in seconds.items()}


def _gaussian(frames: Tensor, sigma: float) -> Tensor:
    return filter_symmetric(frames, gaussian_half(sigma))


def repair_seams(motion: MotionSequence, window: int = 50, *, width: int = 3, strength: float = 1.0) -> MotionSequence:
    """The motion with smaller steps at frames window, 2 window, ... The part of a step that is above the usual unevenness of the motion is
    spread over `width` frames on each side. All other frames keep their bits, and so do seams that do not stand out.

    Repair before resampling: afterwards the seams are elsewhere. `strength` is 0..1; 0 = off.

    >>> motion = MotionSequence(torch.randn(1, 100, 64).cumsum(1), fps=25.0)
    >>> motion.latents[:, 50:] += 10  # a jump where the second window begins
    >>> repaired = repair_seams(motion)
    >>> bool(repaired.latents.diff(dim=1)[0, 49].norm() < motion.latents.diff(dim=1)[0, 49].norm())
    True
    """
    check_sequence(motion)
    check_whole("width", width, low=1)
    check_whole("window", window, low=2 * (width + _CONTEXT) + 1)
    check_number("strength", strength, low=0, high=1)
    w, margin = motion.latents, max(width, _CONTEXT)
    seams = list(range(window, w.shape[1] - margin + 1, window))
    if not seams or strength == 0:
        return motion
    steps = _steps(w)
    share = strength * _excess(steps.norm(dim=-1), torch.tensor(seams, device=w.device))
    shape = _spread_step(width).to(w.device, w.dtype)
    repaired = w.clone()
    for number, seam in enumerate(seams):
        zone = slice(seam - width, seam + width)
        change = shape[:, None] * (share[:, number, None] * steps[:, seam])[:, None]
        repaired[:, zone] = torch.where(change != 0, w[:, zone] + change, w[:, zone])
    return replace(motion, latents=repaired)


def _steps(motion: Tensor) -> Tensor:
    """(B, T, D): how far the change from frame s - 1 to s differs from the cubic through the two changes before and the two after it. 0 if
    one of them is missing."""
    ways = motion.diff(dim=1)
    steps = torch.zeros_like(motion)
    if ways.shape[1] >= 5:
        usual = (4 * (ways[:, 1:-3] + ways[:, 3:-1]) - ways[:, :-4] - ways[:, 4:]) / 6
        steps[:, _CONTEXT : 1 - _CONTEXT] = ways[:, 2:-2] - usual
    return steps


def _excess(sizes: Tensor, seams: Tensor) -> Tensor:
    """The share of each seam's step that is above the median step of all other frames: (B, T), (n,) to (B, n) in 0..1."""
    frames = torch.arange(sizes.shape[1], device=sizes.device)
    elsewhere = ((frames[:, None] - seams).abs() > _CONTEXT).all(1)
    elsewhere[:_CONTEXT] = elsewhere[1 - _CONTEXT :] = False
    usual = sizes[:, elsewhere].median(dim=1, keepdim=True).values
    return (1 - usual / sizes[:, seams].clamp(min=1e-12)).clamp(min=0)


@lru_cache(maxsize=16)
def _spread_step(width: int) -> Tensor:
    """(2 width,): what turns a step of 1 between the two middle frames into the smoothest path from 0 to 1.

    This is Whittaker's smoother: `_CONTEXT` frames on each side are fixed, and the sum of squared third differences is minimal."""
    length = 2 * (width + _CONTEXT)
    step = (torch.arange(length) >= length // 2).double()
    third = torch.eye(length, dtype=torch.float64).diff(n=3, dim=0)
    penalty, free = third.T @ third, slice(_CONTEXT, length - _CONTEXT)
    fixed = step.clone()
    fixed[free] = 0
    way = torch.linalg.solve(penalty[free, free], -(penalty @ fixed)[free])
    return way - step[free]

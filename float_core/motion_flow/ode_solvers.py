"""Solvers of dx/dt = velocity(x, t) as flat functions. They know the velocity and a time grid, and nothing else.

Each takes `x` at `times[0]` along the increasing, not necessarily even grid `times` and returns x at `times[-1]`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from ..types import EVALUATIONS_PER_STEP

Velocity = Callable[[Tensor, float], Tensor]
Solver = Callable[[Velocity, Tensor, Sequence[float]], Tensor]


def euler(velocity: Velocity, x: Tensor, times: Sequence[float]) -> Tensor:
    """First order, one evaluation a step."""
    for t, t_next in pairwise(times):
        x = x + (t_next - t) * velocity(x, t)
    return x


def midpoint(velocity: Velocity, x: Tensor, times: Sequence[float]) -> Tensor:
    """Second order, two evaluations a step."""
    for t, t_next in pairwise(times):
        h = t_next - t
        x = x + h * velocity(x + 0.5 * h * velocity(x, t), t + 0.5 * h)
    return x


def heun(velocity: Velocity, x: Tensor, times: Sequence[float]) -> Tensor:
    """Second order (the explicit trapezoid), two evaluations a step."""
    for t, t_next in pairwise(times):
        h = t_next - t
        first = velocity(x, t)
        x = x + 0.5 * h * (first + velocity(x + h * first, t_next))
    return x


def rk4(velocity: Velocity, x: Tensor, times: Sequence[float]) -> Tensor:
    """Fourth order (the classical Runge-Kutta method), four evaluations a step."""
    for t, t_next in pairwise(times):
        h = t_next - t
        k1 = velocity(x, t)
        k2 = velocity(x + 0.5 * h * k1, t + 0.5 * h)
        k3 = velocity(x + 0.5 * h * k2, t + 0.5 * h)
        k4 = velocity(x + h * k3, t_next)
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x


def ab2(velocity: Velocity, x: Tensor, times: Sequence[float]) -> Tensor:
    """Second-order Adams-Bashforth for any grid, one evaluation a step.

    The first step is Heun's; its second slope then stands for the velocity at times[1], so that the start costs no evaluation of its own
    and its error, O(h^3), stays below that of the method. A grid of one step has one evaluation: Euler.
    """
    if len(times) < 3:
        return euler(velocity, x, times)
    h_before = times[1] - times[0]
    before = velocity(x, times[0])
    now = velocity(x + h_before * before, times[1])
    x = x + 0.5 * h_before * (before + now)
    for n in range(1, len(times) - 1):
        if n > 1:
            before, now = now, velocity(x, times[n])
        h = times[n + 1] - times[n]
        ratio = 0.5 * h / h_before
        x = x + h * ((1 + ratio) * now - ratio * before)  # the line through both slopes, integrated over the step
        h_before = h
    return x


SOLVERS: dict[str, Solver] = {"euler": euler, "midpoint": midpoint, "heun": heun, "rk4": rk4, "ab2": ab2}


def time_grid(solver: str, evaluations: int, spacing: str = "even") -> list[float]:
    """The grid from 0 to 1 on which `solver` evaluates the velocity `evaluations` times.

    "even", or "fine_end": t = 1 - (1 - u)^2 for even u. Near t = 1 the velocity pulls what is left of the noise, x - E[x1 | x], in
    within the time that is left, 1 - t, and so changes ever faster there: steps that shorten with it keep the error of each alike.
    """
    steps = evaluations // EVALUATIONS_PER_STEP[solver]
    even = [n / steps for n in range(steps + 1)]
    return even if spacing == "even" else [u * (2 - u) for u in even]


def evaluation_times(solver: str, evaluations: int, spacing: str = "even") -> list[float]:
    """When `solver` evaluates the velocity along that `time_grid`, in order: it is run on a velocity that only takes notes."""
    noted: list[float] = []

    def velocity(x: Tensor, t: float) -> Tensor:
        noted.append(t)
        return x

    SOLVERS[solver](velocity, torch.zeros(1), time_grid(solver, evaluations, spacing))
    return noted

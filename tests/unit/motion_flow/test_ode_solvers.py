"""The solvers against a closed-form solution, at their order of convergence."""

from __future__ import annotations

import math

import pytest
import torch

from float_core.motion_flow.ode_solvers import SOLVERS, Velocity, euler, time_grid
from float_core.types import EVALUATIONS_PER_STEP
from float_core.types import SOLVERS as SOLVER_NAMES

ORDERS = {"euler": 1, "midpoint": 2, "heun": 2, "rk4": 4, "ab2": 2}


def velocity(x: torch.Tensor, t: float) -> torch.Tensor:
    """dx/dt = -(1 + t) x^2: linear in neither."""
    return -(1 + t) * x**2


def solution(x0: torch.Tensor, t: float) -> torch.Tensor:
    return x0 / (1 + x0 * (t + t**2 / 2))


def counted(calls: list[float]) -> Velocity:
    def v(x: torch.Tensor, t: float) -> torch.Tensor:
        calls.append(t)
        return velocity(x, t)

    return v


def uneven(steps: int) -> list[float]:
    """Steps of 2, 1, 2, 1, ...: the ratio of neighbours stays as the grid is refined."""
    lengths = [2.0 - n % 2 for n in range(steps)]
    return [sum(lengths[:n]) / sum(lengths) for n in range(steps + 1)]


@pytest.mark.parametrize("grid", [lambda n: [i / n for i in range(n + 1)], uneven], ids=["even", "uneven"])
@pytest.mark.parametrize("name", SOLVER_NAMES)
def test_order_of_convergence(name, grid):
    x0 = torch.tensor([1.0, 2.0], dtype=torch.float64)

    def error(steps: int) -> float:
        return float((SOLVERS[name](velocity, x0, grid(steps)) - solution(x0, 1.0)).abs().max())

    measured = math.log2(error(64) / error(128))
    assert measured == pytest.approx(ORDERS[name], abs=0.15)


@pytest.mark.parametrize("name", SOLVER_NAMES)
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_evaluations_are_what_the_grid_was_made_for(name, steps):
    evaluations = steps * EVALUATIONS_PER_STEP[name]
    calls: list[float] = []
    SOLVERS[name](counted(calls), torch.ones(1), time_grid(name, evaluations))
    assert len(calls) == evaluations
    assert all(0 <= t <= 1 for t in calls)


@pytest.mark.parametrize("name", SOLVER_NAMES)
def test_a_constant_velocity_is_solved_exactly(name):
    u = torch.tensor([1.5, -0.25])
    result = SOLVERS[name](lambda x, t: u, torch.zeros(2), [0.0, 0.1, 0.7, 1.0])
    torch.testing.assert_close(result, u)


def test_ab2_is_exact_for_a_velocity_linear_in_time_on_an_uneven_grid():
    result = SOLVERS["ab2"](lambda x, t: torch.full_like(x, 2 * t), torch.zeros(1, dtype=torch.float64), [0.0, 0.3, 0.35, 0.9, 1.0])
    assert float(result) == pytest.approx(1.0, abs=1e-12)


def test_ab2_with_one_evaluation_is_euler():
    x = torch.tensor([0.3])
    assert torch.equal(SOLVERS["ab2"](velocity, x, [0.0, 1.0]), euler(velocity, x, [0.0, 1.0]))


def test_names_are_those_of_the_options():
    assert set(SOLVERS) == set(EVALUATIONS_PER_STEP) == set(SOLVER_NAMES)


def test_ten_euler_evaluations_are_eleven_points():
    assert time_grid("euler", 10) == [n / 10 for n in range(11)]
    assert time_grid("rk4", 8) == [0.0, 0.5, 1.0]

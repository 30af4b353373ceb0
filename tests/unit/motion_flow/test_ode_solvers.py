"""The solvers against a closed-form solution, at their order of convergence."""

from __future__ import annotations

import math

import pytest
import torch

from float_core.motion_flow.ode_solvers import SOLVERS, Velocity, euler, evaluation_times, time_grid
from float_core.types import EVALUATIONS_PER_STEP, TIME_GRIDS
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
    """Steps of 2, 1, 2, 1, ...: the ratio of neighbors stays as the grid is refined."""
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
@pytest.mark.parametrize("spacing", TIME_GRIDS)
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_evaluations_are_what_the_grid_was_made_for(name, steps, spacing):
    evaluations = steps * EVALUATIONS_PER_STEP[name]
    calls: list[float] = []
    SOLVERS[name](counted(calls), torch.ones(1), time_grid(name, evaluations, spacing))
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


def test_times_of_a_solver():
    assert evaluation_times("heun", 4) == [0.0, 0.5, 0.5, 1.0]
    assert evaluation_times("ab2", 4, "fine_end") == [0.0, 0.4375, 0.75, 0.9375]


def test_fine_end_shortens_step_by_step():
    assert time_grid("ab2", 4, "fine_end") == [0.0, 0.4375, 0.75, 0.9375, 1.0]
    assert time_grid("euler", 1, "fine_end") == [0.0, 1.0]
    for steps in (7, 10, 200):
        grid = time_grid("ab2", steps, "fine_end")
        assert (grid[0], grid[-1], len(grid)) == (0.0, 1.0, steps + 1)
        lengths = [b - a for a, b in zip(grid, grid[1:], strict=False)]
        assert lengths == sorted(lengths, reverse=True) and lengths[-1] > 0


def test_fine_end_is_closer_where_noise_is_pulled_in_at_the_end():
    """dx/dt of the optimal velocity for data N(m, s^2) from noise N(0, 1): solved exactly by x = t m + sqrt((1-t)^2 + t^2 s^2) x0."""
    m, s, x0 = 2.0, 0.02, torch.tensor([0.7, -1.3], dtype=torch.float64)

    def optimal(x: torch.Tensor, t: float) -> torch.Tensor:
        variance = (1 - t) ** 2 + t**2 * s**2
        return m + (t * s**2 - (1 - t)) / variance * (x - t * m)

    def error(spacing: str) -> float:
        return float((SOLVERS["ab2"](optimal, x0, time_grid("ab2", 10, spacing)) - (m + s * x0)).abs().max())

    assert error("fine_end") < 0.5 * error("even")

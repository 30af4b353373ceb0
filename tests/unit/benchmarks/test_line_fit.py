"""The straight line through points."""

import pytest

from benchmarks.line_fit import fit_line


def test_a_line_is_found():
    fit = fit_line([10, 60, 600], [3 + 0.5 * x for x in (10, 60, 600)])
    assert (fit.start, fit.slope, fit.r_squared) == pytest.approx((3, 0.5, 1))


def test_what_the_line_does_not_explain():
    # y = 0, 3, 0 over x = 0, 1, 2: the best line is flat at 1 and explains nothing
    fit = fit_line([0, 1, 2], [0, 3, 0])
    assert (fit.start, fit.slope, fit.r_squared) == pytest.approx((1, 0, 0))


def test_constant_values():
    assert fit_line([1, 2], [5, 5]).r_squared == 1


@pytest.mark.parametrize("points", [[], [4.0], [4.0, 4.0]])
def test_no_line_through_less_than_two_points(points):
    assert fit_line(points, [1.0] * len(points)) is None

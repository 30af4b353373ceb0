"""Plots: the numbers that are drawn, titles and legends that stay inside, and the images' sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from float_core import (
    Calibration,
    DirectionCalibration,
    DirectionLabel,
    Keyframe,
    LambdaCurve,
    MotionEdit,
    MotionSequence,
    OptionError,
    plot_curves,
    plot_motion,
)
from float_core.plots import motion_plots

TIME = torch.arange(60) / 25


@pytest.fixture
def motion(model):
    """Four coefficients: a line, a wave, rest, and a jerk at the seam of windows of 20 frames."""
    coefficients = torch.stack((TIME, torch.sin(TIME), torch.zeros(60), (torch.arange(60) >= 20).float()), 1)
    return MotionSequence(coefficients[None] @ model.basis.T, 25.0)


@pytest.fixture
def figures(monkeypatch):
    """The figures in place of their images."""
    made = []

    def keep(figure):
        made.append(figure)
        figure.canvas.draw()
        return figure

    monkeypatch.setattr(motion_plots, "_drawn", keep)
    return made


def calibrated(model):
    names = (("yaw", "head"), ("smile", "mouth"), ("jaw_open", "jaw"))
    directions = [DirectionCalibration((DirectionLabel(name, group, 0.9, 1.0, ""),), 0.8, -1, 1, 0.5) for name, group in names]
    return replace(model, calibration=Calibration((), (*directions, DirectionCalibration((), 0.0, -1, 1, 0.5)), (), ""))


def legend(axis):
    return [text.get_text() for text in axis.get_legend().get_texts()]


def inside(figure):
    """Whether every title, label and legend lies within the figure, and no legend over its own panel."""
    for axis in figure.axes:
        box = axis.get_tightbbox()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height
        if axis.get_legend() is not None:
            assert axis.get_legend().get_window_extent().x0 >= axis.bbox.x1 - 1
    tops = [axis.get_tightbbox() for axis in figure.axes]
    assert all(upper.y0 >= lower.y1 - 1 for upper, lower in zip(tops, tops[1:], strict=False))


def test_directions_stand_in_panels_by_what_they_move(model, motion, figures):
    plot_motion(calibrated(model), motion, window=20)
    (figure,) = figures
    assert [axis.get_title(loc="left") for axis in figure.axes][:4] == ["head", "mouth and jaw", "other", "speed"]
    assert legend(figure.axes[1]) == ["smile (λ1)", "jaw_open (λ2)"]
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), TIME, atol=1e-5)
    np.testing.assert_allclose(figure.axes[0].lines[0].get_xdata(), TIME, atol=1e-6)
    inside(figure)


def test_speed_acceleration_and_seams(model, motion, figures):
    plot_motion(model, motion, window=20)
    speed, acceleration = figures[0].axes[-2:]
    assert figures[0].axes[0].get_title(loc="left") == "directions"
    drawn = speed.lines[0].get_ydata()
    assert drawn[50] == pytest.approx((1 + abs(np.cos(50.5 / 25))) / 4, rel=1e-3)  # the line's slope 1, the wave's cosine
    assert drawn[19] == pytest.approx((25 + 1 + np.cos(19.5 / 25)) / 4, rel=1e-3)  # and the jerk, between frames 19 and 20
    assert [line.get_xdata()[0] for line in acceleration.lines[1:]] == [19.5 / 25, 39.5 / 25]
    title = acceleration.get_title(loc="left")
    assert title.startswith("acceleration: seam ratio") and float(title.split()[-1]) > 20
    inside(figures[0])


def test_many_directions_are_shared_out(model, figures):
    wide = replace(model, basis_tensor=torch.eye(20))
    plot_motion(wide, MotionSequence(torch.randn(2, 10, 20, generator=torch.Generator().manual_seed(0)), 25.0))
    assert [len(axis.lines) for axis in figures[0].axes[:3]] == [6, 7, 7]
    assert figures[0].axes[2].get_title(loc="left") == "directions 3"
    inside(figures[0])


@pytest.mark.parametrize("frames", [1, 2, 3, 21])
def test_short_and_still_clips(model, frames, recwarn):
    image = plot_motion(model, MotionSequence(torch.zeros(1, frames, 12), 25.0), window=20)
    assert image.mode == "RGB" and image.width == 1300
    assert not recwarn.list


def test_curves_show_what_edits_add(figures):
    ramp = LambdaCurve((Keyframe(0, 0, "linear"), Keyframe(2, 4)))
    edits = [MotionEdit(0, offset=1.0, curve=ramp), MotionEdit(3, offset=2.0, gain=0.5, low=-1, start=1.0), MotionEdit(2, freeze=True)]
    plot_curves(edits, 51, 25.0)
    (axis,) = figures[0].axes
    assert legend(axis) == ["λ0", "λ3 (gain 0.5, ≥ -1)", "λ2 (freeze)"]
    np.testing.assert_allclose(axis.lines[0].get_ydata(), 1 + 4 * np.arange(51) / 50, atol=1e-5)
    np.testing.assert_allclose(axis.lines[1].get_ydata(), np.where(np.arange(51) >= 25, 2.0, 0.0))
    inside(figures[0])


def test_the_image_of_curves():
    empty, full = plot_curves([], 50, 25.0), plot_curves([MotionEdit(0, offset=1.0)], 50, 25.0)
    assert empty.size == full.size == (1300, 360)
    assert np.any(np.asarray(empty) != np.asarray(full))


def test_what_is_refused(model, motion):
    with pytest.raises(OptionError, match="window is 0"):
        plot_motion(model, motion, window=0)
    with pytest.raises(OptionError, match="frames is 0"):
        plot_curves([], 0, 25.0)
    with pytest.raises(OptionError, match="edit 0"):
        plot_curves([MotionEdit(-1)], 5, 25.0)

"""Curves: easing against values known by hand, keyframes, lists of values, and a curve that follows loudness."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from float_core.easing import bezier, smooth
from float_core.errors import AudioError, OptionError
from float_core.motion_editing import evaluate_curve, loudness_curve, scale_curves
from float_core.types import AudioClip, Keyframe, LambdaCurve, MotionEdit


def values(*keyframes: Keyframe, frames: int = 11, fps: float = 10.0) -> list[float]:
    return evaluate_curve(LambdaCurve(keyframes), frames, fps).tolist()


def test_smooth():
    x = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0])
    assert smooth(x).tolist() == [0.0, 0.15625, 0.5, 0.84375, 1.0]


def test_linear_and_held_outside():
    assert values(Keyframe(0.2, 1.0, "linear"), Keyframe(0.6, 3.0, "linear"), frames=9) == pytest.approx(
        [1.0, 1.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.0, 3.0]
    )


def test_hold_jumps_at_the_next_keyframe():
    assert values(Keyframe(0.0, 1.0, "hold"), Keyframe(0.3, 5.0), frames=5) == [1.0, 1.0, 1.0, 5.0, 5.0]


def test_smooth_is_the_default():
    assert values(Keyframe(0.0, 0.0), Keyframe(0.4, 2.0), frames=5) == pytest.approx([0.0, 0.3125, 1.0, 1.6875, 2.0])


def test_bezier_with_handles_on_the_diagonal_is_a_straight_line():
    x = torch.linspace(0, 1, 21, dtype=torch.float64)
    torch.testing.assert_close(bezier(x, (1 / 3, 1 / 3, 2 / 3, 2 / 3)), x)
    torch.testing.assert_close(bezier(x, (0.0, 0.0, 1.0, 1.0)), x)


def test_bezier_against_points_of_the_curve():
    """At parameter p the curve is at x(p), y(p): x in, y out, handles that overshoot included."""
    for x1, y1, x2, y2 in ((0.42, 0.0, 0.58, 1.0), (0.0, 1.6, 1.0, -0.8), (1.0, 0.0, 0.0, 1.0)):
        for p in (0.0, 0.1, 0.25, 0.6, 0.9, 1.0):
            at = [3 * (1 - p) ** 2 * p * a + 3 * (1 - p) * p * p * b + p**3 for a, b in ((x1, x2), (y1, y2))]
            assert float(bezier(torch.tensor([at[0]], dtype=torch.float64), (x1, y1, x2, y2))) == pytest.approx(at[1], abs=1e-6)


def test_the_css_ease_in_out_at_half_the_time_and_a_quarter():
    keyframes = Keyframe(0.0, 0.0, "bezier"), Keyframe(1.0, 10.0)
    found = values(*keyframes, frames=5, fps=4.0)
    assert found[2] == pytest.approx(5.0)
    assert found[1] == pytest.approx(1.2916, abs=1e-3)  # cubic-bezier(0.42, 0, 0.58, 1) at 0.25
    assert found[1] + found[3] == pytest.approx(10.0)


def test_the_easing_is_that_of_the_keyframe_before():
    both = values(Keyframe(0.0, 0.0, "linear"), Keyframe(0.2, 1.0, "hold"), Keyframe(0.4, 2.0), frames=5)
    assert both == pytest.approx([0.0, 0.5, 1.0, 1.0, 2.0])


def test_order_does_not_matter_and_the_later_of_two_at_one_time_holds_on():
    keyframes = [Keyframe(0.4, 2.0), Keyframe(0.0, 0.0, "linear"), Keyframe(0.2, 1.0, "linear"), Keyframe(0.2, 5.0, "hold")]
    assert values(*keyframes, frames=5) == pytest.approx([0.0, 0.5, 5.0, 5.0, 2.0])


def test_one_keyframe_is_a_constant_and_none_is_zero():
    assert values(Keyframe(3.0, 1.5), frames=3) == [1.5] * 3
    assert evaluate_curve(LambdaCurve(), 3, 25.0).tolist() == [0.0] * 3
    assert evaluate_curve(LambdaCurve((Keyframe(0, 1),)), 0, 25.0).shape == (0,)


@pytest.mark.parametrize(
    ("given", "frames", "expected"),
    [
        ((1.0, 2.0, 4.0), 3, [1.0, 2.0, 4.0]),
        ((1.0, 2.0, 4.0), 5, [1.0, 1.5, 2.0, 3.0, 4.0]),
        ((0.0, 1.0, 2.0, 3.0, 4.0), 3, [0.0, 2.0, 4.0]),
        ((0.0, 1.0, 2.0, 3.0, 4.0), 2, [0.0, 4.0]),
        ((3.0,), 4, [3.0] * 4),
        ((3.0, 5.0), 1, [3.0]),
    ],
)
def test_values_are_spread_over_the_clip(given, frames, expected):
    assert evaluate_curve(LambdaCurve(values=given), frames, 25.0).tolist() == expected


def test_as_many_values_as_frames_are_taken_as_they_are():
    given = torch.randn(997, generator=torch.Generator().manual_seed(0))
    assert torch.equal(evaluate_curve(LambdaCurve(values=tuple(given.tolist())), 997, 25.0), given)


@pytest.mark.parametrize(("frames", "fps", "says"), [(-1, 25.0, "frames is -1"), (2.0, 25.0, "frames is 2.0"), (3, 0.0, "fps is 0.0")])
def test_refused(frames, fps, says):
    with pytest.raises(OptionError, match=says):
        evaluate_curve(LambdaCurve((Keyframe(0, 0),)), frames, fps)


RATE = 1000


def bursts(*levels: float) -> AudioClip:
    """A tone of those levels (root mean square), 40 ms (one frame at 25 fps) each."""
    tone = math.sqrt(2) * torch.sin(2 * torch.pi * 100 * torch.arange(40) / RATE)  # whole periods
    return AudioClip(torch.cat([level * tone for level in levels]), RATE)


def test_loudness_without_attack_and_release_is_the_level_of_each_frame():
    curve = loudness_curve(bursts(0.1, 0.4, 0.2, 0.0), 25.0, attack=0, release=0, amount=3.0)
    assert curve.keyframes == () and curve.values == pytest.approx((0.75, 3.0, 1.5, 0.0), abs=1e-6)


def test_attack_and_release_in_one_time_constant():
    up = loudness_curve(bursts(0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0), 25.0, attack=0.04, release=0.0).values
    assert up[:2] == pytest.approx((0.0, 1 - math.exp(-1)), abs=1e-3)
    down = loudness_curve(bursts(1.0, 0.0, 0.0), 25.0, attack=0.0, release=0.08).values
    assert down == pytest.approx((1.0, math.exp(-0.5), math.exp(-1.0)), abs=1e-6)


def test_loudness_has_the_frames_of_the_clip_and_the_chosen_extent():
    clip = bursts(*[0.1, 0.5, 0.3] * 9)
    for fps, frames in ((25.0, 27), (24.0, 26), (30000 / 1001, 33), (60.0, 65)):
        curve = loudness_curve(clip, fps, amount=-2.0)
        assert len(curve.values) == frames and min(curve.values) == pytest.approx(-2.0) and max(curve.values) <= 0
    assert set(loudness_curve(AudioClip(torch.zeros(100), RATE), 25.0).values) == {0.0}


def test_loudness_refuses():
    with pytest.raises(AudioError, match="no samples"):
        loudness_curve(AudioClip(torch.zeros(0), RATE), 25.0)
    with pytest.raises(AudioError, match="sample rate"):
        loudness_curve(replace(bursts(1.0), sample_rate=0), 25.0)
    for name in ("attack", "release"):
        with pytest.raises(OptionError, match=name):
            loudness_curve(bursts(1.0), 25.0, **{name: -1.0})
    with pytest.raises(OptionError, match="amount"):
        loudness_curve(bursts(1.0), 25.0, amount=math.nan)


def test_the_amount_scales_curves_and_nothing_else() -> None:
    key = Keyframe(1.0, 2.0, "bezier", (0.1, 0.2, 0.3, 0.4))
    edits = (
        MotionEdit(0, offset=1.0, low=-1.0),
        MotionEdit(1, start=0.5, curve=LambdaCurve((key,))),
        MotionEdit(2, curve=LambdaCurve(values=(1.0, -2.0))),
    )
    plain, keyed, valued = scale_curves(edits, -0.5)
    assert plain is edits[0]
    assert keyed == MotionEdit(1, start=0.5, curve=LambdaCurve((Keyframe(1.0, -1.0, "bezier", (0.1, 0.2, 0.3, 0.4)),)))
    assert valued.curve.values == (-0.5, 1.0)

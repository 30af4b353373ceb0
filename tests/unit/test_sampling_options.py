"""SamplingOptions: what is refused, and the qualities."""

from __future__ import annotations

from dataclasses import replace

import pytest

from float_core import OptionError, SamplingOptions
from float_core.motion_flow.guidance import branch_weights
from float_core.motion_flow.window_velocity import asked_times, scales_at
from float_core.types import QUALITIES


def passes(options: SamplingOptions) -> int:
    return sum(len(branch_weights(*scales_at(options, t))) for t in asked_times(options))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"time_grid": "fine"}, "time_grid is 'fine'; expected one of even, fine_end"),
        ({"solver": "dopri"}, "solver is 'dopri'; expected one of euler"),
        ({"noise_policy": ""}, "noise_policy is ''; expected one of continuous"),
        ({"guidance_interval": (0.5, 0.5)}, "expected 0 <= start < end <= 1"),
        ({"guidance_interval": (-0.1, 1.0)}, "expected 0 <= start < end <= 1"),
        ({"guidance_interval": (0.0, 1.1)}, "expected 0 <= start < end <= 1"),
        ({"guidance_interval": (float("nan"), 1.0)}, "expected 0 <= start < end <= 1"),
        ({"guidance_interval": (0.0,)}, r"expected two times \(start, end\)"),
        ({"guidance_interval": ("0", "1")}, r"expected two times \(start, end\)"),
        ({"guidance_interval": 0.5}, r"expected two times \(start, end\)"),
        ({"steps": 3, "solver": "midpoint"}, "positive multiple of 2"),
    ],
)
def test_what_is_refused(given, says):
    with pytest.raises(OptionError, match=says):
        SamplingOptions(**given)


def test_new_options_leave_the_defaults_as_they_were():
    options = SamplingOptions(10, "euler", 2.0, 1.0, 0, "continuous")
    assert options == SamplingOptions() and options.time_grid == "even" and options.guidance_interval == (0.0, 1.0)
    assert passes(options) == 30


def test_qualities_cost_more_from_one_to_the_next():
    options = [SamplingOptions.of_quality(quality) for quality in QUALITIES]
    assert QUALITIES == ("fast", "balanced", "best")
    assert [passes(one) for one in options] == [10, 18, 60]
    assert passes(SamplingOptions.of_quality("fast", audio_guidance=1.0)) == 4


@pytest.mark.parametrize("quality", QUALITIES)
def test_a_quality_leaves_the_rest_to_the_user(quality):
    options = SamplingOptions.of_quality(quality, seed=3, audio_guidance=1.5, emotion_guidance=2.0, noise_policy="same_each_window")
    expected = replace(SamplingOptions.of_quality(quality), seed=3, audio_guidance=1.5, emotion_guidance=2.0)
    assert options == replace(expected, noise_policy="same_each_window")


def test_no_such_quality():
    with pytest.raises(OptionError, match="quality is 'good'; expected one of fast, balanced, best"):
        SamplingOptions.of_quality("good")

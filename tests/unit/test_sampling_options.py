"""SamplingOptions: what is refused, and the qualities."""

from __future__ import annotations

from dataclasses import replace

import pytest

from float_core import OptionError, SamplingOptions
from float_core.motion_flow.guidance import branch_weights, scales_at
from float_core.motion_flow.ode_solvers import evaluation_times
from float_core.types import QUALITIES


def passes(options: SamplingOptions) -> int:
    times = evaluation_times(options.solver, options.steps, options.time_grid)
    return sum(len(branch_weights(*scales_at(options, t))) for t in times)


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
        ({"guidance_interval": [0.0, 1.0]}, r"expected two times \(start, end\)"),
        ({"guidance_interval": (False, True)}, r"expected two times \(start, end\)"),
        ({"steps": 3, "solver": "midpoint"}, "positive multiple of 2"),
        ({"steps": 10.0}, "steps is 10.0"),
        ({"steps": True}, "steps is True"),
        ({"seed": True}, "seed is True; expected a whole number"),
        ({"seed": False}, "seed is False; expected a whole number"),
        ({"seed": -1}, "seed is -1; expected a whole number"),
        ({"audio_guidance": True}, "audio_guidance is True; expected a finite number"),
        ({"emotion_guidance": False}, "emotion_guidance is False; expected a finite number"),
        ({"emotion_guidance": float("inf")}, "emotion_guidance is inf; expected a finite number"),
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

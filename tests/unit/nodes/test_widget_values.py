"""Widget values as options, edits, curves and directions."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import numpy as np
import pytest
import torch

SAMPLING = {"steps": 8, "solver": "rk4", "audio_guidance": 3.0, "emotion_guidance": 0.5, "seed": 9, "noise_policy": "same_each_window"}


@pytest.fixture(scope="module")
def core(pack: ModuleType) -> ModuleType:
    return import_module(f"{pack.__name__}.float_core")


@pytest.fixture(scope="module")
def values(pack: ModuleType) -> ModuleType:
    return import_module(f"{pack.__name__}.nodes.widget_values")


def test_untouched_widgets_are_no_edit(values: ModuleType) -> None:
    defaults = {name: default for name, (default, _, _) in values.RANGES.items()} | values.TEXTS
    for given in ({}, defaults):
        found = values.LambdaSettings.of(given, None)
        assert (found.edits, found.outside_scale, found.note) == ((), 1.0, "")


def test_sliders_share_the_range_of_seconds(values: ModuleType, core: ModuleType) -> None:
    found = values.LambdaSettings.of({"lambda_03": 1.5, "lambda_19": -2, "start": 1.0, "end": 3.0, "ease": 0.5}, None)
    assert found.edits == (
        core.MotionEdit(3, 1.5, start=1.0, end=3.0, ease=0.5),
        core.MotionEdit(19, -2.0, start=1.0, end=3.0, ease=0.5),
    )
    assert values.LambdaSettings.of({"lambda_03": 1.5, "end": 0.0}, None).edits[0].end is None


def test_text_comes_before_the_sliders(values: ModuleType, core: ModuleType) -> None:
    found = values.LambdaSettings.of({"lambda_03": 1.5, "edit": '[{"direction": 4, "gain": 0.5}]', "outside_scale": 0.25}, None)
    assert [edit.direction for edit in found.edits] == [4, 3]
    assert found.edits[0] == core.MotionEdit(4, gain=0.5)
    assert found.outside_scale == 0.25


def test_a_preset_needs_a_calibration_and_comes_first(values: ModuleType, core: ModuleType) -> None:
    with pytest.raises(core.CalibrationError, match="has no calibration"):
        values.LambdaSettings.of({"preset": "still head"}, None)
    yaw = core.DirectionCalibration((core.DirectionLabel("yaw", "head", 1.0, 10.0, "degrees"),), 0.9, -2.0, 2.0, 1.0)
    calibration = core.Calibration((0.0,) * 16, (yaw,), ((1.0,),), "by hand")
    found = values.LambdaSettings.of({"preset": "still head", "lambda_00": 1.0}, calibration)
    assert [edit.direction for edit in found.edits] == [0, 0]
    assert found.edits[0].freeze or found.edits[0].gain == 0
    assert found.edits[1] == core.MotionEdit(0, 1.0, ease=0.2)
    assert found.note
    none = values.LambdaSettings.of({"preset": "still head", "preset_strength": 0.0}, calibration)
    assert all(edit == core.MotionEdit(edit.direction) for edit in none.edits)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"lambda_20": 1.0}, "lambda_20"),
        ({"lambda_00": "1"}, "lambda_00"),
        ({"lambda_00": True}, "lambda_00"),
        ({"lambda_00": float("nan")}, "lambda_00"),
        ({"lambda_00": 10.5}, "lambda_00"),
        ({"lambda_00": 10**400}, "lambda_00"),
        ({"start": -1.0}, "start"),
        ({"outside_scale": 3.0}, "outside_scale"),
        ({"edit": 5}, "edit"),
        ({"edit": " " * 1_000_001}, "edit"),
        ({"edit": "{"}, "edit"),
        ({"edit": "[" + ", ".join(['{"direction": 0}'] * 1001) + "]"}, "1001 edits"),
        ({"preset": "dance"}, "preset"),
        ({"x" * 5000: 1}, "no such widget"),
    ],
)
def test_wrong_values_are_named(values: ModuleType, core: ModuleType, given: dict[str, object], named: str) -> None:
    with pytest.raises(core.OptionError, match=named) as caught:
        values.LambdaSettings.of(given, None)
    assert len(str(caught.value)) < 700


def test_a_prompt_from_before_there_was_a_quality(values: ModuleType, core: ModuleType) -> None:
    assert values.sampling_options(**SAMPLING) == values.sampling_options("as set above", **SAMPLING) == core.SamplingOptions(**SAMPLING)


def test_a_quality_decides_how_and_the_widgets_what(values: ModuleType, core: ModuleType) -> None:
    assert values.QUALITY_CHOICES == ("as set above", "fast", "balanced", "best")
    for quality in values.QUALITY_CHOICES[1:]:
        expected = core.SamplingOptions.of_quality(
            quality, seed=9, audio_guidance=3.0, emotion_guidance=0.5, noise_policy="same_each_window"
        )
        assert values.sampling_options(quality, **SAMPLING) == expected
        assert values.sampling_options(quality) == core.SamplingOptions.of_quality(quality)


def test_what_is_no_quality(values: ModuleType, core: ModuleType) -> None:
    with pytest.raises(core.OptionError, match="quality is 'good'; expected one of fast, balanced, best"):
        values.sampling_options("good", **SAMPLING)
    with pytest.raises(core.OptionError, match="multiple of 4"):
        values.sampling_options("as set above", **{**SAMPLING, "steps": 10})


def curve_edit(core: ModuleType, *keyframes: tuple[float, float]) -> object:
    return core.MotionEdit(3, curve=core.LambdaCurve(tuple(core.Keyframe(*key) for key in keyframes)))


def test_numbers_become_a_curve(values: ModuleType, core: ModuleType) -> None:
    assert values.curve_of_values([[0.0, 1.5], [2.0]]) == core.LambdaCurve(values=(0.0, 1.5, 2.0))
    with pytest.raises(core.OptionError, match="no number came"):
        values.curve_of_values([])


def test_the_motion_gives_the_length_before_the_sound_and_the_sound_before_the_curves(values: ModuleType, core: ModuleType) -> None:
    edits = [curve_edit(core, (0.0, 0.0), (3.1, 1.0))]
    motion = core.MotionSequence(torch.zeros(1, 17, 4), 30.0)
    clip = core.AudioClip(torch.zeros(16001), 16000)
    assert values.plot_frames(edits, 30.0, motion, clip) == 17
    assert values.plot_frames(edits, 30.0, None, clip) == 31  # one sample beyond a second is one frame more
    assert values.plot_frames(edits, 30.0, None, None) == 93
    assert values.plot_frames([curve_edit(core, (0.0, 1.0))], 25.0, None, None) == 25
    assert values.plot_frames([core.MotionEdit(0, curve=core.LambdaCurve(values=(0.0,) * 40))], 25.0, None, None) == 40


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (2, (2.0,)),
        ([1, 2.5], (1.0, 2.5)),
        ([[1.0, 2.0], [3.0]], (1.0, 2.0, 3.0)),
        ([(1.0,), 4.0], (1.0, 4.0)),
        (np.array([0.5, -1.0]), (0.5, -1.0)),
        ([np.float32(0.5)], (0.5,)),
        ([torch.tensor([0.25, 8.0])], (0.25, 8.0)),
        (torch.tensor(3.0), (3.0,)),
        ([], ()),
    ],
)
def test_numbers_of_other_packs(values: ModuleType, given: object, expected: tuple[float, ...]) -> None:
    assert values.floats_of(given) == expected


@pytest.mark.parametrize("given", [["1"], [None], [True], [float("nan")], [[1.0, float("inf")]], {"a": 1.0}])
def test_what_is_no_number_is_refused(values: ModuleType, core: ModuleType, given: object) -> None:
    with pytest.raises(core.OptionError, match="finite numbers"):
        values.floats_of(given)


@pytest.mark.parametrize(("text", "expected"), [("0, 2, 5-7", (0, 2, 5, 6, 7)), ("3 1;3", (3, 1)), (" ", ()), ("4-4", (4,))])
def test_directions_as_text(values: ModuleType, text: str, expected: tuple[int, ...]) -> None:
    assert values.directions_of_text(text) == expected


@pytest.mark.parametrize("text", ["yaw", "1.5", "-1", "7-5", "1-", "1-2-3", "99999999999", "0x1"])
def test_what_is_no_direction_is_refused(values: ModuleType, core: ModuleType, text: str) -> None:
    with pytest.raises(core.OptionError, match="list of directions"):
        values.directions_of_text(text)

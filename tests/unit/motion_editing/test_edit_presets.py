"""Presets: which directions they change by how much, and what they say about it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from float_core.errors import CalibrationError, OptionError
from float_core.motion_editing import EDIT_PRESETS, edit_motion, preset_edits
from float_core.types import Calibration, DirectionCalibration, DirectionLabel, MotionEdit, MotionSequence


def direction(*labels: tuple[str, str, float, float, str]) -> DirectionCalibration:
    return DirectionCalibration(tuple(DirectionLabel(*label) for label in labels), 0.9, -2.0, 2.0, 0.7)


CALIBRATION = Calibration(
    (0.0,) * 16,
    (
        direction(("yaw", "head", 0.98, -10.0, "degrees")),
        direction(("pitch", "head", 0.7, 5.0, "degrees"), ("smile", "mouth", 0.2, 0.4, "")),
        direction(("jaw_open", "jaw", 0.8, 0.3, ""), ("roll", "head", 0.15, 1.0, "degrees")),
        direction(("blink", "eyes", 1.0, 0.4, "")),
        direction(("brow_inner", "brows", 0.9, 0.4, "")),
        direction(("smile", "mouth", 1.0, 0.4, "")),
        direction(("shift_x", "head", 1.0, 0.06, "half image widths")),
        direction(),
    ),
    (),
    "by hand",
)


def gains(name: str, strength: float = 1.0) -> dict[int, float]:
    edits, _ = preset_edits(name, CALIBRATION, strength)
    assert all(edit == MotionEdit(edit.direction, gain=edit.gain) for edit in edits)
    return {edit.direction: round(edit.gain, 6) for edit in edits}


def test_the_names():
    assert EDIT_PRESETS == ("still head", "calm", "lively", "limit rotation", "lips only")
    for name in EDIT_PRESETS:
        edits, said = preset_edits(name, CALIBRATION)
        assert edits and said.startswith(f"{name}: changes ")


@pytest.mark.parametrize(
    ("name", "full", "half"),
    [
        ("still head", {0: 0.0, 1: 0.0, 6: 0.0}, {0: 0.5, 1: 0.5, 6: 0.5}),
        ("calm", {0: 0.4, 1: 0.4, 4: 0.4, 6: 0.4}, {0: 0.7, 1: 0.7, 4: 0.7, 6: 0.7}),
        ("lively", {0: 1.6, 1: 1.6, 2: 1.2, 4: 1.6, 5: 1.2, 6: 1.6}, {0: 1.3, 1: 1.3, 2: 1.1, 4: 1.3, 5: 1.1, 6: 1.3}),
        ("lips only", {0: 0.0, 1: 0.0, 3: 0.0, 4: 0.0, 6: 0.0, 7: 0.0}, {0: 0.5, 1: 0.5, 3: 0.5, 4: 0.5, 6: 0.5, 7: 0.5}),
    ],
)
def test_gains(name, full, half):
    assert gains(name) == full
    assert gains(name, 0.5) == half
    assert gains(name, 0.0) == {}


def test_rotation_is_limited_in_degrees():
    edits, _ = preset_edits("limit rotation", CALIBRATION)
    assert edits == (MotionEdit(0, low=-1.0, high=1.0), MotionEdit(1, low=-2.0, high=2.0))  # 10 degrees at 10 and 5 a unit; no shift
    edits, _ = preset_edits("limit rotation", CALIBRATION, 0.5)
    assert edits == (MotionEdit(0, low=-2.0, high=2.0), MotionEdit(1, low=-4.0, high=4.0))  # 20 degrees


def test_it_says_how_far_it_goes():
    _, said = preset_edits("still head", CALIBRATION)
    assert said == (
        "still head: changes yaw (λ0), pitch (λ1), shift_x (λ6). These also move: λ1: smile 20%. "
        "Not changed, although they move the same parts a little: λ2: roll 15%."
    )
    _, said = preset_edits("calm", replace(CALIBRATION, directions=CALIBRATION.directions[5:6]))
    assert said == "calm: the calibration has no direction that moves head, brows; nothing is changed."


def test_the_head_stands_still(model):
    motion = MotionSequence(torch.randn(1, 20, 12, generator=torch.Generator().manual_seed(0)), 25.0)
    edits, _ = preset_edits("still head", replace(CALIBRATION, directions=CALIBRATION.directions[:4]))
    found, before = (m.latents[0] @ model.basis for m in (edit_motion(model, motion, edits), motion))
    assert float(found[:, :2].std(0).max()) < 1e-5
    torch.testing.assert_close(found[:, :2].mean(0), before[:, :2].mean(0), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found[:, 2:], before[:, 2:], rtol=1e-5, atol=1e-5)


def test_refused():
    with pytest.raises(CalibrationError, match=r"has no calibration$"):
        preset_edits("calm", None)
    with pytest.raises(OptionError, match="no preset 'wild'; expected one of still head, calm"):
        preset_edits("wild", CALIBRATION)
    for strength in (-0.1, 1.1, float("nan"), "1"):
        with pytest.raises(OptionError, match="strength is"):
            preset_edits("calm", CALIBRATION, strength)

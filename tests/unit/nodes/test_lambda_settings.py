"""LambdaEdit's widgets as edits, and what the live preview remembers of a run."""

from __future__ import annotations

import gc
from importlib import import_module
from types import ModuleType

import pytest
import torch

from float_core import MotionSequence as PlainMotion


@pytest.fixture(scope="module")
def core(pack: ModuleType) -> ModuleType:
    return import_module(f"{pack.__name__}.float_core")


@pytest.fixture(scope="module")
def settings(pack: ModuleType) -> ModuleType:
    return import_module(f"{pack.__name__}.nodes.lambda_settings")


@pytest.fixture
def live(pack: ModuleType) -> ModuleType:
    return import_module(f"{pack.__name__}.nodes.live_preview")


def test_untouched_widgets_are_no_edit(settings: ModuleType) -> None:
    defaults = {name: default for name, (default, _, _) in settings.RANGES.items()} | settings.TEXTS
    for values in ({}, defaults):
        found = settings.LambdaSettings.of(values, None)
        assert (found.edits, found.outside_scale, found.note) == ((), 1.0, "")


def test_sliders_share_the_range_of_seconds(settings: ModuleType, core: ModuleType) -> None:
    found = settings.LambdaSettings.of({"lambda_03": 1.5, "lambda_19": -2, "start": 1.0, "end": 3.0, "ease": 0.5}, None)
    assert found.edits == (
        core.MotionEdit(3, 1.5, start=1.0, end=3.0, ease=0.5),
        core.MotionEdit(19, -2.0, start=1.0, end=3.0, ease=0.5),
    )
    assert settings.LambdaSettings.of({"lambda_03": 1.5, "end": 0.0}, None).edits[0].end is None


def test_text_comes_before_the_sliders(settings: ModuleType, core: ModuleType) -> None:
    found = settings.LambdaSettings.of({"lambda_03": 1.5, "edit": '[{"direction": 4, "gain": 0.5}]', "outside_scale": 0.25}, None)
    assert [edit.direction for edit in found.edits] == [4, 3]
    assert found.edits[0] == core.MotionEdit(4, gain=0.5)
    assert found.outside_scale == 0.25


def test_a_preset_needs_a_calibration_and_comes_first(settings: ModuleType, core: ModuleType) -> None:
    with pytest.raises(core.OptionError, match="calibrate"):
        settings.LambdaSettings.of({"preset": "still head"}, None)
    yaw = core.DirectionCalibration((core.DirectionLabel("yaw", "head", 1.0, 10.0, "degrees"),), 0.9, -2.0, 2.0, 1.0)
    calibration = core.Calibration((0.0,) * 16, (yaw,), ((1.0,),), "by hand")
    found = settings.LambdaSettings.of({"preset": "still head", "lambda_00": 1.0}, calibration)
    assert [edit.direction for edit in found.edits] == [0, 0]
    assert found.edits[0].freeze or found.edits[0].gain == 0
    assert found.edits[1] == core.MotionEdit(0, 1.0, ease=0.2)
    assert found.note
    none = settings.LambdaSettings.of({"preset": "still head", "preset_strength": 0.0}, calibration)
    assert all(edit == core.MotionEdit(edit.direction) for edit in none.edits)


@pytest.mark.parametrize(
    ("values", "named"),
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
def test_wrong_values_are_named(settings: ModuleType, core: ModuleType, values: dict[str, object], named: str) -> None:
    with pytest.raises(core.OptionError, match=named) as caught:
        settings.LambdaSettings.of(values, None)
    assert len(str(caught.value)) < 700


class Thing:
    """Stands for a model or an identity."""


def motion() -> PlainMotion:
    return PlainMotion(torch.zeros(1, 4, 8), 25.0)


def test_a_run_is_remembered_as_long_as_comfyui_keeps_it(live: ModuleType) -> None:
    model, given, identity = Thing(), motion(), Thing()
    live.remember_run("9", model, given, identity, ())
    subject = live.last_run("9")
    assert (subject.model, subject.motion, subject.identity) == (model, given, identity)
    with pytest.raises(live.NoRunError, match="press Run"):
        live.last_run("10")
    del subject, given
    gc.collect()
    for _ in range(2):
        with pytest.raises(live.NoRunError, match="again"):
            live.last_run("9")
    other = motion()
    live.remember_run("10", model, other, None, ())
    assert set(live._runs) == {"10"}, "what is gone is not kept in mind for ever"


def test_the_identity_follows_the_motion(live: ModuleType) -> None:
    sampled, edited, other = motion(), motion(), motion()
    identity = Thing()
    live.remember_identity(sampled, identity)
    assert live.identity_of(sampled) is identity
    assert live.carry_identity(sampled, edited) is edited
    assert live.identity_of(edited) is identity
    assert live.identity_of(other) is None
    assert live.carry_identity(other, sampled) is sampled, "an unknown identity does not wipe out a known one"
    assert live.identity_of(sampled) is identity
    known = len(live._identities)
    del sampled, edited
    gc.collect()
    assert len(live._identities) == known - 2
    kept = motion()
    live.remember_identity(kept, identity)
    del identity
    gc.collect()
    assert live.identity_of(kept) is None, "the image's features are not kept alive"


def test_the_oldest_node_is_forgotten(live: ModuleType) -> None:
    model, given = Thing(), motion()
    for node in range(live.MOST_NODES + 5):
        live.remember_run(str(node), model, given, None, ())
    assert len(live._runs) == live.MOST_NODES
    with pytest.raises(live.NoRunError):
        live.last_run("4")
    assert live.last_run("5").motion is given

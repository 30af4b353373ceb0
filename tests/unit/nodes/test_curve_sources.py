"""Where the curves of FLOATLambdaCurve come from, and how long they last."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest
import torch


@pytest.fixture(scope="module")
def sources(pack: ModuleType) -> ModuleType:
    return importlib.import_module(f"{pack.__name__}.nodes.curve_sources")


@pytest.fixture(scope="module")
def core(pack: ModuleType) -> ModuleType:
    return importlib.import_module(f"{pack.__name__}.float_core")


def curve_edit(core: ModuleType, *keyframes: tuple[float, float]) -> object:
    return core.MotionEdit(3, curve=core.LambdaCurve(tuple(core.Keyframe(*key) for key in keyframes)))


def test_numbers_become_a_curve(sources: ModuleType, core: ModuleType) -> None:
    assert sources.given_values([[0.0, 1.5], [2.0]]) == core.LambdaCurve(values=(0.0, 1.5, 2.0))
    with pytest.raises(core.OptionError, match="no number came"):
        sources.given_values([])


def test_the_motion_gives_the_length_before_the_sound_and_the_sound_before_the_curves(sources: ModuleType, core: ModuleType) -> None:
    edits = [curve_edit(core, (0.0, 0.0), (3.1, 1.0))]
    motion = core.MotionSequence(torch.zeros(1, 17, 4), 30.0)
    clip = core.AudioClip(torch.zeros(16001), 16000)
    assert sources.clip_length(edits, 30.0, motion, clip) == 17
    assert sources.clip_length(edits, 30.0, None, clip) == 31  # one sample beyond a second is one frame more
    assert sources.clip_length(edits, 30.0, None, None) == 93
    assert sources.clip_length([curve_edit(core, (0.0, 1.0))], 25.0, None, None) == 25
    assert sources.clip_length([core.MotionEdit(0, curve=core.LambdaCurve(values=(0.0,) * 40))], 25.0, None, None) == 40

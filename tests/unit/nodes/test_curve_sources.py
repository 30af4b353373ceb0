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


def test_the_amount_scales_curves_and_nothing_else(sources: ModuleType, core: ModuleType) -> None:
    key = core.Keyframe(1.0, 2.0, "bezier", (0.1, 0.2, 0.3, 0.4))
    edits = (
        core.MotionEdit(0, offset=1.0, low=-1.0),
        core.MotionEdit(1, start=0.5, curve=core.LambdaCurve((key,))),
        core.MotionEdit(2, curve=core.LambdaCurve(values=(1.0, -2.0))),
    )
    plain, keyed, valued = sources.scaled(edits, -0.5)
    assert plain is edits[0]
    assert keyed == core.MotionEdit(1, start=0.5, curve=core.LambdaCurve((core.Keyframe(1.0, -1.0, "bezier", (0.1, 0.2, 0.3, 0.4)),)))
    assert valued.curve.values == (-0.5, 1.0)


def test_the_motion_gives_the_length_before_the_sound_and_the_sound_before_the_curves(sources: ModuleType, core: ModuleType) -> None:
    edits = [curve_edit(core, (0.0, 0.0), (3.1, 1.0))]
    motion = core.MotionSequence(torch.zeros(1, 17, 4), 30.0)
    clip = core.AudioClip(torch.zeros(16001), 16000)
    assert sources.clip_length(edits, 30.0, motion, clip) == 17
    assert sources.clip_length(edits, 30.0, None, clip) == 31  # one sample beyond a second is one frame more
    assert sources.clip_length(edits, 30.0, None, None) == 93
    assert sources.clip_length([curve_edit(core, (0.0, 1.0))], 25.0, None, None) == 25
    assert sources.clip_length([core.MotionEdit(0, curve=core.LambdaCurve(values=(0.0,) * 40))], 25.0, None, None) == 40


def test_the_waveform_is_as_long_as_the_clip(sources: ModuleType, core: ModuleType) -> None:
    sound = torch.zeros(1200)
    sound[[0, 600, 1199]] = torch.tensor([0.5, -0.25, 2.0])
    clip = core.AudioClip(sound, 1000)
    peaks = sources.waveform_peaks(clip, 1.2)
    assert len(peaks) == 600
    assert {i: peak for i, peak in enumerate(peaks) if peak} == {0: 0.5, 300: 0.25, 599: 1.0}
    longer = sources.waveform_peaks(clip, 2.4)
    assert {i: peak for i, peak in enumerate(longer) if peak} == {0: 0.5, 150: 0.25, 299: 1.0}
    assert max(sources.waveform_peaks(clip, 0.5)) == 0.5
    assert sources.waveform_peaks(core.AudioClip(sound[:3], 1000), 0.003) == [0.5, 0.0, 0.0]
    assert sources.waveform_peaks(None, 1.0) == []

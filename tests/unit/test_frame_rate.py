"""Rates as they are meant, and one count of frames for all: whatever counts them, an hour is an hour."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch

from float_core.errors import OptionError
from float_core.frame_rate import exact_rate, exact_seconds, frame_count, frame_samples, frames_for
from float_core.motion_editing import resample_motion
from float_core.types import MotionSequence

TELEVISION = {
    23.976: Fraction(24000, 1001),
    23.98: Fraction(24000, 1001),
    29.97: Fraction(30000, 1001),
    47.952: Fraction(48000, 1001),
    59.94: Fraction(60000, 1001),
    119.88: Fraction(120000, 1001),
}


@pytest.mark.parametrize(
    ("fps", "expected"),
    [
        *TELEVISION.items(),
        *((Fraction(str(fps)), rate) for fps, rate in TELEVISION.items()),  # as they are read from text
        *((float(rate), rate) for rate in TELEVISION.values()),  # as MotionSequence keeps them
        *((rate, rate) for rate in TELEVISION.values()),
        (24, Fraction(24)),
        (25.0, Fraction(25)),
        (12.5, Fraction(25, 2)),
        (30, Fraction(30)),
        (33.3, Fraction(333, 10)),
        (29.96, Fraction(749, 25)),
        (1, Fraction(1)),
        (1000, Fraction(1000)),
    ],
)
def test_rates_as_they_are_meant(fps, expected):
    assert exact_rate(fps) == expected
    assert exact_rate(float(exact_rate(fps))) == expected


@pytest.mark.parametrize("fps", [0.9, 1001, 0, -25, math.nan, math.inf, "25", True, None, Fraction(1, 2), Fraction(10**9)])
def test_rates_that_are_none(fps):
    with pytest.raises(OptionError, match=r"^fps is "):
        exact_rate(fps)


@pytest.mark.parametrize("fps", [*TELEVISION, 25, 30, 12.5, 33.3])
@pytest.mark.parametrize("seconds", [3600, 3600 + Fraction(1, 48000), 36000, Fraction(1001, 30)])
def test_every_count_of_long_audio_is_the_same(fps, seconds):
    """29.97 as 2997/100 has one frame less in an hour than 30000/1001."""
    expected = math.ceil(seconds * TELEVISION.get(fps, Fraction(str(fps))))
    samples = seconds * 48000
    assert samples.denominator == 1
    assert frame_count(int(samples), 48000, fps) == expected
    assert frames_for(Fraction(seconds), fps) == expected
    still = MotionSequence(torch.zeros(1, 2, 1), 25.0)
    assert resample_motion(still, fps, seconds=Fraction(seconds)).latents.shape[1] == expected
    lasting = frame_samples(expected, 48000, fps)
    assert lasting >= samples - 1 and frame_samples(expected - 1, 48000, fps) < samples


def test_an_hour_of_television():
    assert frame_count(3600 * 16000, 16000, 29.97) == frames_for(3600, 29.97) == 107893
    assert Fraction(2997, 100) * 3600 == 107892  # what the decimal would say
    assert frame_samples(107892, 16000, 29.97) == 57_599_942


@pytest.mark.parametrize(
    ("samples", "rate", "fps", "frames"),
    [
        (1, 16000, 25, 1),
        (640, 16000, 25, 1),
        (641, 16000, 25, 2),
        (27681, 16000, 25, 44),
        (44100, 44100, 25, 25),
        (48048, 48000, 29.97, 30),
        (48049, 48000, 29.97, 31),
        (10**15 * 640, 16000, 25, 10**15),
        (10**15 * 640 + 1, 16000, 25, 10**15 + 1),
    ],
)
def test_frames_are_counted_in_whole_numbers(samples, rate, fps, frames):
    assert frame_count(samples, rate, fps) == frames


def test_floats_that_are_not_quite_whole():
    assert frames_for(1.1, 10) == 11 and frames_for(0.28, 25) == 7 and frames_for(1.2, 25) == 30
    assert frames_for(1.1000002, 10) == 12
    assert frames_for(0, 25) == 1


@pytest.mark.parametrize("seconds", [-1, math.nan, "2", Fraction(-1, 2), True])
def test_seconds_that_are_none(seconds):
    with pytest.raises(OptionError, match=r"^start is .*"):
        exact_seconds("start", seconds)

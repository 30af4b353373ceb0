"""Frames, samples and seconds as exact fractions: the same audio has the same number of frames wherever they are counted.

Television rates are written as decimals but mean ratios: 23.976 (or 23.98) is 24000/1001, 29.97 is 30000/1001, 59.94 is 60000/1001.
"""

from __future__ import annotations

import math
from fractions import Fraction

from .argument_checks import check_number
from .errors import OptionError

LOWEST_RATE, HIGHEST_RATE = 10, 120  # of a video that is made
_TELEVISION = (24, 30, 48, 60, 120)  # rates that are also used times 1000 / 1001
_AS_WRITTEN = Fraction(5, 1000)  # 23.976 and 23.98 both mean 24000 / 1001


def exact_rate(fps: float | Fraction) -> Fraction:
    """Frames per second, 1 to 1000, as the exact ratio that is meant.

    >>> exact_rate(29.97), exact_rate(12.5)
    (Fraction(30000, 1001), Fraction(25, 2))
    """
    written = fps if isinstance(fps, Fraction) else Fraction(check_number("fps", fps, low=1, high=1000))
    for whole in _TELEVISION:
        meant = Fraction(whole * 1000, 1001)
        if abs(written - meant) < _AS_WRITTEN:
            return meant
    rate = written.limit_denominator(1001)
    if not 1 <= rate <= 1000:
        raise OptionError(f"fps is {fps}; expected frames per second, from 1 to 1000")
    return rate


def check_rate(fps: float | Fraction, *, own: float) -> Fraction:
    """The exact frame rate to which a motion of rate `own` is resampled: 10 to 120, or its own."""
    rate = exact_rate(fps)
    if rate != exact_rate(own) and not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise OptionError(f"fps is {float(rate):g}; expected {LOWEST_RATE} to {HIGHEST_RATE} frames per second")
    return rate


def exact_seconds(name: str, seconds: float | Fraction) -> Fraction:
    """Seconds from 0 as a fraction; a float that came from samples / sample rate becomes exact again."""
    if isinstance(seconds, Fraction):
        if not 0 <= seconds <= 10**6:
            raise OptionError(f"{name} is {seconds}; expected seconds from 0")
        return seconds
    return Fraction(check_number(name, seconds, low=0)).limit_denominator(10**6)


def frames_for(seconds: float | Fraction, fps: float | Fraction) -> int:
    """Frames that cover so many seconds: ceil(seconds * fps), at least 1.

    >>> frames_for(1.5, 25)
    38
    """
    return max(1, math.ceil(exact_seconds("seconds", seconds) * exact_rate(fps)))


def frame_count(samples: int, sample_rate: int, fps: float | Fraction) -> int:
    """Frames that cover so many samples: ceil(samples * fps / sample_rate), at least 1."""
    return max(1, math.ceil(samples * exact_rate(fps) / sample_rate))


def frame_samples(frames: int, sample_rate: int, fps: float | Fraction) -> int:
    """Whole samples that so many frames last: floor(frames * sample_rate / fps)."""
    return math.floor(frames * sample_rate / exact_rate(fps))

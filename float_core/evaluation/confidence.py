"""A mean over clips with the interval in which it lies, by the bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_DRAWS = 2000
_SEED = 20_241_202


@dataclass(frozen=True)
class Estimate:
    """`mean` of `clips` values and its 95 % interval; nan where there is no value, and as an interval of a single one."""

    mean: float
    low: float
    high: float
    clips: int


def estimate(values: Sequence[float]) -> Estimate:
    """The mean over clips, nan left out, and the 2.5th and 97.5th percentile of the means of 2,000 draws of as many clips, with
    repetitions (Efron 1979). The draws have a fixed seed: the same values give the same interval."""
    known = np.array([value for value in values if np.isfinite(value)], np.float64)
    if len(known) < 2:
        mean = float(known[0]) if len(known) else float("nan")
        return Estimate(mean, float("nan"), float("nan"), len(known))
    draws = np.random.default_rng(_SEED).integers(0, len(known), (_DRAWS, len(known)))
    low, high = np.percentile(known[draws].mean(1), (2.5, 97.5))
    return Estimate(float(known.mean()), float(low), float(high), len(known))

"""How well a mouth follows its voice: sampled opening against the true one, and against the one of another voice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def mouth_correlation(sampled: Sequence[np.ndarray], true: Sequence[np.ndarray]) -> float:
    """Pearson correlation of opening curves (T,), mean over clips."""
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in _pairs(sampled, true)]))


def mouth_error(sampled: Sequence[np.ndarray], true: Sequence[np.ndarray]) -> float:
    """Mean absolute difference of opening curves (T,) over the frames that both have, mean over clips."""
    return float(np.mean([np.abs(a - b).mean() for a, b in _pairs(sampled, true)]))


def audio_gain(right_voice: Sequence[np.ndarray], wrong_voice: Sequence[np.ndarray], true: Sequence[np.ndarray]) -> float:
    """Mouth error with another clip's voice over the one with its own; 1 = the voice does not matter."""
    return mouth_error(wrong_voice, true) / mouth_error(right_voice, true)


def _pairs(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    lengths = [min(len(a), len(b)) for a, b in zip(first, second, strict=True)]
    return [(a[:n], b[:n]) for a, b, n in zip(first, second, lengths, strict=True)]

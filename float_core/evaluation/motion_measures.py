"""Measures of motion over time: does the mouth follow the voice, do lips close and eyes blink, are seams visible."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def mouth_correlation(sampled: Sequence[np.ndarray], true: Sequence[np.ndarray]) -> float:
    """Pearson correlation r of mouth opening curves (T,), mean over clips; higher is better."""
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in _pairs(sampled, true)]))


def mouth_error(sampled: Sequence[np.ndarray], true: Sequence[np.ndarray]) -> float:
    """Mean absolute difference of mouth opening curves (T,) over the frames that both have, mean over clips, in the unit of the curves."""
    return float(np.mean([np.abs(a - b).mean() for a, b in _pairs(sampled, true)]))


def audio_gain(right_audio: Sequence[np.ndarray], wrong_audio: Sequence[np.ndarray], true: Sequence[np.ndarray]) -> float:
    """Mouth error with the audio of another clip divided by the error with the right audio; 1 = audio has no effect, higher is better."""
    return mouth_error(wrong_audio, true) / mouth_error(right_audio, true)


def closed_share(opening: Sequence[np.ndarray], closures: Sequence[np.ndarray], limit: float = 0.12) -> float:
    """Of the frames where speech closes the lips (p, b, m: `closures` (T,) is 1), the share where the opening (T,) is below `limit` in this
    frame or one next to it; higher is better."""
    hits: list[bool] = []
    for curve, closed in zip(opening, closures, strict=True):
        apart = np.pad(curve, 1, mode="edge")
        nearest = np.minimum(np.minimum(apart[:-2], apart[1:-1]), apart[2:])
        hits.extend(nearest[closed[: len(nearest)] >= 1.0] < limit)
    return float(np.mean(hits)) if hits else float("nan")


def blinks_per_minute(closure: Sequence[np.ndarray], fps: float = 25.0, limit: float = 0.5) -> float:
    """How often per minute a lid curve (T,) rises above `limit`; 0 = open, 1 = closed. People: 10 to 25."""
    count = sum(int(((c[1:] > limit) & (c[:-1] <= limit)).sum()) for c in closure)
    return count * 60 * fps / sum(map(len, closure))


def temporal_spread(curves: Sequence[np.ndarray]) -> float:
    """Standard deviation over time of curves (T,), mean over clips, in the unit of the curves."""
    return float(np.mean([curve.std() for curve in curves]))


def closeness(made: np.ndarray, true: np.ndarray) -> float:
    """How alike two sets of numbers are spread: 1 - the largest difference of their cumulative shares (Kolmogorov, Smirnov). 1 = alike,
    0 = no number of one lies between those of the other."""
    places = np.concatenate([made, true])
    below = [np.searchsorted(np.sort(values), places, side="right") / len(values) for values in (made, true)]
    return float(1 - np.abs(below[0] - below[1]).max())


def head_dynamics(made: np.ndarray, true: np.ndarray) -> float:
    """Mean over yaw, pitch and roll (T, 3) of the `closeness` of their speeds |angle(t + 1) - angle(t)| to the true ones. Ours, after an
    idea of THEval (arXiv 2511.04520)."""
    speeds = [np.abs(np.diff(pose, axis=0)).T for pose in (made, true)]
    return float(np.mean([closeness(a, b) for a, b in zip(*speeds, strict=True)]))


def diversity(motions: np.ndarray) -> float:
    """Of motions (seeds, T, D) for the same audio: root mean variance over seeds divided by that over time. 0 = the seed decides nothing,
    1 = two seeds differ as two moments do; nan if nothing moves."""
    over_time = float(np.sqrt(motions.var(1).mean()))
    return float(np.sqrt(motions.var(0, ddof=1).mean())) / over_time if over_time > 1e-9 else float("nan")


def seam_ratio(motion: Sequence[np.ndarray], window: int) -> float:
    """Mean acceleration of motions (T, M) at the seams of windows divided by the mean elsewhere; 1 = no visible seam, nan if nothing moves
    elsewhere."""
    at, elsewhere = [], []
    for curves in motion:
        acceleration = np.abs(np.diff(curves, n=2, axis=0)).mean(1)  # entry i is of frame i + 1
        seam = np.isin((np.arange(len(acceleration)) + 1) % window, (window - 1, 0))
        at.append(acceleration[seam])
        elsewhere.append(acceleration[~seam])
    usual = float(np.concatenate(elsewhere).mean())
    return float(np.concatenate(at).mean()) / usual if usual else float("nan")


def _pairs(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    lengths = [min(len(a), len(b)) for a, b in zip(first, second, strict=True)]
    return [(a[:n], b[:n]) for a, b, n in zip(first, second, lengths, strict=True)]

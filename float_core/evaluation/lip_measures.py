"""Measures of lips over time, of one clip: do they follow the true ones, how far do they open, do they close and rest.

Lip dynamics and silent-lip stability are ours, after an idea of THEval (arXiv 2511.04520): how lips move counts, not only when.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .motion_measures import closeness

CLOSED = 0.03  # head units: lips nearer than this touch; trackers seldom say 0
_LONGEST_LAG = 10  # frames
_SILENT, _LOUD = 0.05, 95  # of the loudness at that percentile
_REST = 5  # frames in which lips may come to rest after a voice has ended
_RESTING = 0.01  # head units: how little an opening may change and still count as resting
_FEWEST = 5  # silent frames of which something can be said


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's r of two curves (T,); 0 if one of them does not move."""
    a, b = first - first.mean(), second - second.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 1e-12 else 0.0


def best_lag(made: np.ndarray, true: np.ndarray, fps: float) -> tuple[float, float]:
    """(r, lag in seconds): the shift of up to 10 frames with the largest r of the overlap, refined by a parabola; lag > 0: late lips,
    nan where no r is above 0."""
    lags = range(-_LONGEST_LAG, _LONGEST_LAG + 1)
    count = len(true)
    found = [correlation(made[max(0, lag) : count + min(0, lag)], true[max(0, -lag) : count - max(0, lag)]) for lag in lags]
    best = int(np.argmax(found))
    if found[best] <= 0:
        return found[best], float("nan")
    shift = 0.0
    if 0 < best < len(found) - 1:
        before, here, after = found[best - 1 : best + 2]
        bend = before - 2 * here + after
        shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return found[best], (lags[best] + shift) / fps


def opening_spread(made: np.ndarray, true: np.ndarray) -> float:
    """Standard deviation of the opening divided by that of the true one; 1 = as far as the real lips, nan if these do not move."""
    return float(made.std() / true.std()) if true.std() > 1e-9 else float("nan")


def closed_at(lips: np.ndarray, times: Sequence[float], fps: float, *, reach: float = 0.08) -> float:
    """Share of the times at which the opening falls below 0.03 head units within `reach` seconds; nan without times in the clip."""
    hits = []
    for time in times:
        first, last = int(np.floor((time - reach) * fps)), int(np.ceil((time + reach) * fps))
        part = lips[max(0, first) : max(0, last + 1)]
        if len(part):
            hits.append(bool(part.min() < CLOSED))
    return float(np.mean(hits)) if hits else float("nan")


def closed_elsewhere(lips: np.ndarray, waveform: np.ndarray, times: Sequence[float], fps: float) -> float:
    """`closed_at` at every frame of speech that is 0.2 s or more away from p, b, m: what always closed lips get, too."""
    others = [n for n in np.flatnonzero(~silent_frames(waveform, len(lips))) if all(abs(n / fps - time) >= 0.2 for time in times)]
    return closed_at(lips, [float(n / fps) for n in others], fps)


def lip_dynamics(made: np.ndarray, true: np.ndarray) -> float:
    """1 - max over v of |F(v) - G(v)|, F and G = the shares of frames at which |opening(t + 1) - opening(t)| is at most v, made and true.
    1 = lips move as fast as often as the real ones, 0 = nothing in common."""
    return closeness(np.abs(np.diff(made)), np.abs(np.diff(true)))


def silent_lip_stability(made: np.ndarray, voice: np.ndarray, true: np.ndarray, true_voice: np.ndarray) -> float:
    """(min(s, z) + 0.01) / (max(s, z) + 0.01): s, z = the standard deviations of the opening while nobody speaks, made and true, each where
    its own voice is silent. 1 = lips rest as the real ones do: those open before a word. nan with fewer than 5 silent frames."""
    parts = [lips[silent_frames(sound, len(lips))] for lips, sound in ((made, voice), (true, true_voice))]
    if min(map(len, parts)) < _FEWEST:
        return float("nan")
    low, high = sorted(float(part.std()) for part in parts)
    return (low + _RESTING) / (high + _RESTING)


def silent_frames(waveform: np.ndarray, frames: int) -> np.ndarray:
    """(frames,): True where the root mean square of the sound is below 5 % of its 95th percentile, since 5 frames or more."""
    step = len(waveform) // frames
    loud = np.sqrt(np.square(waveform[: step * frames].reshape(frames, step).astype(np.float64)).mean(1))
    quiet = loud <= _SILENT * np.percentile(loud, _LOUD)
    long = np.convolve(~quiet, np.ones(_REST + 1))[:frames] == 0  # none of this frame and the 5 before it is loud
    return quiet & long

"""Blinks of one clip, from how far both eyes are open."""

from __future__ import annotations

import numpy as np

_OPEN = 90  # percentile of a lid's opening that counts as open
_HALF = 0.5  # an eye is shut below this share of it
_LONGEST = 0.7  # seconds: what lasts longer is no blink but a closed or a lost eye


def blinks(lids: np.ndarray, fps: float) -> list[tuple[float, float]]:
    """(start, duration in seconds) of each blink: both lids (T, 2) are below half of their own 90th percentile. Eyes that are closed for
    more than 0.7 s, or where the clip begins or ends, do not blink."""
    usual = np.percentile(lids, _OPEN, axis=0)
    shut = (lids < _HALF * usual).all(1)
    edges = np.flatnonzero(np.diff(shut.astype(int))) + 1
    starts, ends = (edges[1:], edges[2:]) if shut[0] else (edges, edges[1:])
    pairs = list(zip(starts[::2], ends[::2], strict=False))
    return [(float(a / fps), float((b - a) / fps)) for a, b in pairs if (b - a) / fps <= _LONGEST]


def blink_rate(lids: np.ndarray, fps: float) -> float:
    """Blinks per minute. People: 10 to 25."""
    return 60 * fps * len(blinks(lids, fps)) / len(lids)


def blink_seconds(lids: np.ndarray, fps: float) -> float:
    """Mean duration of a blink at half depth, nan without blinks. People: 0.1 to 0.4 s."""
    found = blinks(lids, fps)
    return float(np.mean([duration for _start, duration in found])) if found else float("nan")

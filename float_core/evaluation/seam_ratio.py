"""Whether the seams between sampling windows show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def seam_ratio(motion: Sequence[np.ndarray], window: int) -> float:
    """Mean acceleration of motion (T, M) at window seams over the one elsewhere; 1 = no seam to be seen."""
    at, elsewhere = [], []
    for clip in motion:
        acceleration = np.abs(np.diff(clip, n=2, axis=0)).mean(1)  # entry i is of frame i + 1
        seam = np.isin((np.arange(len(acceleration)) + 1) % window, (window - 1, 0))
        at.append(acceleration[seam])
        elsewhere.append(acceleration[~seam])
    return float(np.concatenate(at).mean() / np.concatenate(elsewhere).mean())

"""Whether the lips close where the voice closes them (p, b, m)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def closed_share(opening: Sequence[np.ndarray], closures: Sequence[np.ndarray], limit: float = 0.12) -> float:
    """Of the frames where `closures` (T,) is 1, the share whose opening (T,) is below `limit` there or one frame beside it."""
    hits: list[bool] = []
    for curve, closed in zip(opening, closures, strict=True):
        apart = np.pad(curve, 1, mode="edge")
        nearest = np.minimum(np.minimum(apart[:-2], apart[1:-1]), apart[2:])
        hits.extend(nearest[closed[: len(nearest)] >= 1.0] < limit)
    return float(np.mean(hits)) if hits else float("nan")

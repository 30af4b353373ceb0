"""How often eyes close."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def blinks_per_minute(closure: Sequence[np.ndarray], fps: float = 25.0, limit: float = 0.5) -> float:
    """Times that a closure curve (T,) rises beyond `limit`, a minute; 0 = open, 1 = closed."""
    count = sum(int(((c[1:] > limit) & (c[:-1] <= limit)).sum()) for c in closure)
    return count * 60 * fps / sum(map(len, closure))

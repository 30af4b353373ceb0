"""How much something moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def temporal_spread(curves: Sequence[np.ndarray]) -> float:
    """Standard deviation in time of curves (T,), mean over clips, in the curves' unit."""
    return float(np.mean([curve.std() for curve in curves]))

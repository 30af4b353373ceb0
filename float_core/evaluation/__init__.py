"""Measures of images and motion: one to a file, and the registry that names them. Numbers in, numbers out.

Knows no networks and no files; who measures what is in the command `evaluate`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .blink_rate import blinks_per_minute
from .lip_closure import closed_share
from .mouth_following import audio_gain, mouth_correlation, mouth_error
from .peak_signal import psnr
from .seam_ratio import seam_ratio
from .stability import still_share
from .temporal_spread import temporal_spread


@dataclass(frozen=True)
class Metric:
    """`measure` is the function; `unit` of its result; `better` = "higher", "lower" or what is best."""

    measure: Callable[..., float]
    unit: str
    better: str


METRICS: dict[str, Metric] = {
    "psnr": Metric(psnr, "dB", "higher"),
    "mouth_correlation": Metric(mouth_correlation, "r", "higher"),
    "mouth_error": Metric(mouth_error, "rig units", "lower"),
    "audio_gain": Metric(audio_gain, "ratio", "higher"),
    "closed_share": Metric(closed_share, "share", "higher"),
    "seam_ratio": Metric(seam_ratio, "ratio", "1"),
    "blinks_per_minute": Metric(blinks_per_minute, "1/min", "10 to 25"),
    "temporal_spread": Metric(temporal_spread, "of the curve", "above 0"),
    "still_share": Metric(still_share, "share", "higher"),
}

__all__ = ["METRICS", "Metric", *METRICS]

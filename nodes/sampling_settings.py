"""SampleMotionLatents' widget values as sampling options. Knows the widgets' names, no ComfyUI and no network."""

from __future__ import annotations

from typing import Any

from ..float_core import SamplingOptions
from ..float_core.types import QUALITIES

AS_SET = "as set above"
QUALITY_CHOICES = (AS_SET, *QUALITIES)
_BESIDE_QUALITY = ("audio_guidance", "emotion_guidance", "seed", "noise_policy")  # a quality decides all other widgets


def sampling_options(quality: str = AS_SET, **values: Any) -> SamplingOptions:
    """The widgets as they are, or, of a quality, its steps and solver in the place of theirs. Raises OptionError."""
    if quality == AS_SET:
        return SamplingOptions(**values)
    return SamplingOptions.of_quality(quality, **{name: values[name] for name in _BESIDE_QUALITY if name in values})

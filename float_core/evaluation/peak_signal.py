"""Peak signal-to-noise ratio of images."""

from __future__ import annotations

import math

from torch import Tensor


def psnr(images: Tensor, reference: Tensor, span: float = 2.0) -> float:
    """20 log10(span) - 10 log10(mean squared difference) in dB; `span` = 2 for images in [-1, 1]. Equal images give infinity."""
    error = float((images.double() - reference.double()).square().mean())
    return math.inf if error == 0 else 20 * math.log10(span) - 10 * math.log10(error)

"""Measures of images: how close they are to a reference, and whether the background stands still. Tensors in, numbers out."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def psnr(images: Tensor, reference: Tensor, span: float = 2.0) -> float:
    """20 log10(span) - 10 log10(mean squared difference) in dB; `span` = 2 for images in [-1, 1]. Equal images give infinity."""
    error = float((images.double() - reference.double()).square().mean())
    return math.inf if error == 0 else 20 * math.log10(span) - 10 * math.log10(error)


def still_share(frames: Tensor, region: Tensor, limit: float = 0.1) -> float:
    """Share of the pixels of `region` (H, W) whose standard deviation in time over frames (T, 3, H, W) in [-1, 1] is below `limit`."""
    moving = torch.std(frames.float(), dim=0, unbiased=False).mean(0)
    inside = region > 0
    return float((moving[inside] < limit).float().mean())

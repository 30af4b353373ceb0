"""Whether what should stand still does: the background behind a moving head."""

from __future__ import annotations

import torch
from torch import Tensor


def still_share(frames: Tensor, region: Tensor, limit: float = 0.1) -> float:
    """Share of the pixels of `region` (H, W) whose standard deviation in time over frames (T, 3, H, W) in [-1, 1] is below `limit`."""
    moving = torch.std(frames.float(), dim=0, unbiased=False).mean(0)
    inside = region > 0
    return float((moving[inside] < limit).float().mean())

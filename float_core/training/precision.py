"""Which precision trains fastest on this machine: found by trying.

On a CPU with AMX bfloat16 is several times faster than float32, on others slower; on a GPU it depends on its generation.
"""

from __future__ import annotations

import time
from functools import lru_cache

import torch
import torch.nn.functional as F

_TRIES = 3
_GAIN = 1.15  # bfloat16 has to be so much faster, since it rounds


@lru_cache(maxsize=8)
def fastest_precision(device: str = "cpu") -> torch.dtype:
    """torch.bfloat16 or torch.float32: a convolution as in the decoder, forward and backward, is timed in both, a second in all. The answer
    is kept."""
    if torch.device(device).type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    seconds = {dtype: _trial(device, dtype) for dtype in (torch.float32, torch.bfloat16)}
    return torch.bfloat16 if seconds[torch.bfloat16] * _GAIN < seconds[torch.float32] else torch.float32


def _trial(device: str, dtype: torch.dtype) -> float:
    """The shortest time of a few tries, which other programs disturb least."""
    x = torch.randn(4, 64, 64, 64, device=device).to(dtype).contiguous(memory_format=torch.channels_last).requires_grad_()
    weight = torch.randn(64, 64, 3, 3, device=device, requires_grad=True)
    seconds = []
    for _ in range(_TRIES + 1):
        since = time.perf_counter()
        F.leaky_relu(F.conv2d(x, weight.to(dtype), padding=1), 0.2).float().square().mean().backward()
        seconds.append(time.perf_counter() - since)
    return min(seconds[1:])

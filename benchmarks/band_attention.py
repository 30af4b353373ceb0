"""Attention as the band it is, written three ways, against the masked attention that the prepared velocity uses.

    python -m benchmarks.band_attention

The band has 2 * reach + 1 keys for each frame where the mask lets through the same of 60; but 60 keys are few, and one fused operator over
them is faster than the several that a band takes. Says the median of 40 runs of each, taken in turn, and holds them to one result.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Attention = Callable[[Tensor, Tensor, Tensor, int], Tensor]


def masked(q: Tensor, k: Tensor, v: Tensor, reach: int) -> Tensor:
    """One fused operator with a mask: each [N, heads, T, h]."""
    frame = torch.arange(q.shape[2])
    outside = (frame[:, None] - frame).abs() > reach
    return F.scaled_dot_product_attention(q, k, v, attn_mask=torch.zeros(outside.shape).masked_fill(outside, -math.inf))


def _weights(scores: Tensor, reach: int) -> Tensor:
    """Of scores [N, heads, T, 2 * reach + 1]; keys outside of the sequence get none."""
    frames = scores.shape[2]
    key = torch.arange(frames)[:, None] + torch.arange(-reach, reach + 1)
    return scores.masked_fill((key < 0) | (key >= frames), -math.inf).softmax(-1)


def by_windows(q: Tensor, k: Tensor, v: Tensor, reach: int) -> Tensor:
    """A small product for every frame, over a strided view of its keys."""
    keys, values = (F.pad(x, (0, 0, reach, reach)).unfold(2, 2 * reach + 1, 1) for x in (k, v))
    weights = _weights((q.unsqueeze(-2) @ keys).squeeze(-2) * q.shape[-1] ** -0.5, reach)
    return (values @ weights.unsqueeze(-1)).squeeze(-1)


def by_shifts(q: Tensor, k: Tensor, v: Tensor, reach: int) -> Tensor:
    """All frames against the keys of one distance at a time."""
    frames = q.shape[2]
    keys, values = (F.pad(x, (0, 0, reach, reach)) for x in (k, v))
    shifts = range(2 * reach + 1)
    weights = _weights(torch.stack([(q * keys[:, :, s : s + frames]).sum(-1) for s in shifts], -1) * q.shape[-1] ** -0.5, reach)
    result = torch.zeros_like(q)
    for s in shifts:
        result.addcmul_(weights[..., s, None], values[:, :, s : s + frames])
    return result


def by_chunks(q: Tensor, k: Tensor, v: Tensor, reach: int, size: int = 10) -> Tensor:
    """Ten frames at a time against the keys that they see between them; T is a multiple of ten."""
    batch, heads, frames, width = q.shape
    count = frames // size
    keys, values = (
        F.pad(x, (0, 0, reach, reach)).unfold(2, size + 2 * reach, size).permute(0, 2, 1, 4, 3).reshape(batch * count, heads, -1, width)
        for x in (k, v)
    )
    queries = q.view(batch, heads, count, size, width).transpose(1, 2).reshape(batch * count, heads, size, width)
    key = torch.arange(size + 2 * reach) - reach
    outside = (torch.arange(size)[:, None] - key).abs() > reach
    position = torch.arange(count)[:, None, None] * size + key
    mask = torch.zeros(count, size, len(key)).masked_fill(outside | (position < 0) | (position >= frames), -math.inf)
    result = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask.repeat(batch, 1, 1)[:, None])
    return result.view(batch, count, heads, size, width).transpose(1, 2).reshape(q.shape)


FORMS: dict[str, Attention] = {"masked": masked, "windows": by_windows, "shifts": by_shifts, "chunks": by_chunks}


@torch.no_grad()
def measure(hidden: int, heads: int, reach: int, passes: int, runs: int = 40) -> dict[str, float]:
    """Milliseconds of each form for one block of so many passes."""
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(passes, 60, 3, heads, hidden // heads, generator=generator).permute(2, 0, 3, 1, 4)
    times: dict[str, list[float]] = {name: [] for name in FORMS}
    expected = masked(q, k, v, reach)
    for _ in range(runs):
        for name, form in FORMS.items():
            began = time.perf_counter()
            result = form(q, k, v, reach)
            times[name].append(1000 * (time.perf_counter() - began))
            torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-5)
    return {name: statistics.median(found) for name, found in times.items()}


def main() -> None:
    """See the module."""
    print("| transformer | passes |" + "".join(f" {name} (ms) |" for name in FORMS))
    print("|---|---|" + "---|" * len(FORMS))
    for name, hidden, heads, reach in (("float-512", 1024, 8, 2), ("mini", 256, 4, 6)):
        for passes in (1, 3):
            figures = measure(hidden, heads, reach, passes)
            print(f"| {name} | {passes} |" + "".join(f" {found:.2f} |" for found in figures.values()))


if __name__ == "__main__":
    main()

"""Frames as bytes in the host's memory. From a GPU they come as uint8 through pinned memory, while the next chunk is already rendered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..pixels import to_bytes
from ..types import FrameChunk


@dataclass(frozen=True, eq=False)
class HostPixels:
    """A chunk in RGB: `pixels` (n, 3, H, W) uint8, H and W made even by repeating the last row or column; `start` and `size` (H, W) of
    the chunk as it was; `finite` (n,), False where a frame held values that are not."""

    pixels: Tensor
    start: int
    size: tuple[int, int]
    finite: Tensor


def to_host(chunks: Iterable[FrameChunk], check: Callable[[FrameChunk], None]) -> Iterator[HostPixels]:
    """Every chunk (n, 3, H, W) in [-1, 1], checked before it is touched, in order. On a GPU the copy of one runs while the next is
    rendered, so that there a chunk comes when the next has been asked for."""
    on_its_way: Callable[[], HostPixels] | None = None
    for chunk in chunks:
        check(chunk)
        started = _start(chunk)
        waits = chunk.frames.is_cuda
        del chunk  # so that its memory is free before the next one is rendered
        if on_its_way is not None:
            yield on_its_way()
        on_its_way = started if waits else None
        if not waits:
            yield started()
    if on_its_way is not None:
        yield on_its_way()


def even_bytes(frames: Tensor) -> Tensor:
    """(n, 3, H, W) in [-1, 1] to (n, 3, H', W') uint8, both sides even, on the frames' device."""
    pixels = to_bytes(frames)
    if pixels.shape[2] % 2:
        pixels = torch.cat([pixels, pixels[:, :, -1:]], dim=2)
    if pixels.shape[3] % 2:
        pixels = torch.cat([pixels, pixels[:, :, :, -1:]], dim=3)
    return pixels.contiguous()


def _start(chunk: FrameChunk) -> Callable[[], HostPixels]:
    """Begins the copy; what is returned waits for it."""
    frames = chunk.frames
    # A sum is not finite if one of its values is not, and takes a seventh of the time that asking every value takes.
    finite, wait_finite = _copy(frames.detach().flatten(1).sum(1, dtype=torch.float32).isfinite())
    pixels, wait = _copy(even_bytes(frames))
    start, size = chunk.start, (frames.shape[2], frames.shape[3])

    def arrived() -> HostPixels:
        wait_finite()
        wait()
        return HostPixels(pixels, start, size, finite)

    return arrived


def _copy(values: Tensor) -> tuple[Tensor, Callable[[], None]]:
    """In the host's memory, once the function returned has been called."""
    if not values.is_cuda:
        return values.cpu(), lambda: None
    host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)  # torch keeps pinned memory for the next chunk
    host.copy_(values, non_blocking=True)
    done = torch.cuda.Event()
    done.record()
    return host, done.synchronize

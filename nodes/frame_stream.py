"""Frames on their way from the decoder to a file and an IMAGE. Knows chunks and their order; knows no ComfyUI and no network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from torch import Tensor

from ..float_core import FrameChunk, MotionSequence
from .conversions import frames_to_image

Render = Callable[[MotionSequence, int], Iterable[FrameChunk]]  # motion, batch size -> chunks that count from the motion's start


def with_smaller_batches(
    render: Render, motion: MotionSequence, batch_size: int, is_out_of_memory: Callable[[Exception], bool], free_memory: Callable[[], None]
) -> Iterator[FrameChunk]:
    """All chunks of a motion (1, T, D). When the device runs out of memory, halves the batch and goes on where it stopped."""
    start = 0
    while start < motion.motion.shape[1]:
        offset = start
        try:
            for chunk in render(replace(motion, motion=motion.motion[:, offset:]), batch_size):
                start = offset + chunk.start + len(chunk.frames)
                yield replace(chunk, start=offset + chunk.start)
            return
        except RuntimeError as error:
            if batch_size == 1 or not is_out_of_memory(error):
                raise
        batch_size = max(1, batch_size // 2)
        free_memory()  # only here, where the error no longer holds the frames that failed


def collected(chunks: Iterable[FrameChunk], images: Tensor, on_image: Callable[[int, Tensor], None]) -> Iterator[FrameChunk]:
    """The same chunks, after each was copied into `images` (T, H, W, 3); `on_image` gets the frames done and the newest one."""
    for chunk in chunks:
        end = chunk.start + len(chunk.frames)
        images[chunk.start : end] = frames_to_image(chunk.frames)
        on_image(end, images[end - 1])
        yield chunk

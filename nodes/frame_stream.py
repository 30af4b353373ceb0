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
    while start < motion.latents.shape[1]:
        offset = start
        try:
            for chunk in render(replace(motion, latents=motion.latents[:, offset:]), batch_size):
                start = offset + chunk.start + len(chunk.frames)
                yield replace(chunk, start=offset + chunk.start)
                del chunk
            return
        except RuntimeError as error:
            if batch_size == 1 or not is_out_of_memory(error):
                raise
        batch_size = max(1, batch_size // 2)
        free_memory()  # only here, where the error no longer holds the frames that failed


def shown(chunks: Iterable[FrameChunk], on_frame: Callable[[int, Tensor], None]) -> Iterator[FrameChunk]:
    """The same chunks; for each, `on_frame` gets the number of frames done and the newest one, (H, W, 3) in 0..1."""
    for chunk in chunks:
        on_frame(chunk.start + len(chunk.frames), frames_to_image(chunk.frames[-1:])[0])
        yield chunk
        del chunk  # so that its memory is free before the next one is drawn


def collected(chunks: Iterable[FrameChunk], images: Tensor) -> Iterator[FrameChunk]:
    """The same chunks, after each was copied into `images` (T, H, W, 3)."""
    for chunk in chunks:
        images[chunk.start : chunk.start + len(chunk.frames)] = frames_to_image(chunk.frames)
        yield chunk
        del chunk

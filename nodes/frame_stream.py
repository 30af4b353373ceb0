"""What DecodeVideo does around the renderer: smaller batches when memory runs out, frames shown and kept on their way to the file, and
whether anybody takes them. Knows chunks, and links in ComfyUI's prompts; imports neither ComfyUI nor networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

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
    """The same chunks; for each, `on_frame` gets the number of frames done and the newest one, (3, H, W) in [-1, 1]."""
    for chunk in chunks:
        on_frame(chunk.start + len(chunk.frames), chunk.frames[-1])
        yield chunk
        del chunk  # so that its memory is free before the next one is rendered


def collected(chunks: Iterable[FrameChunk], images: Tensor) -> Iterator[FrameChunk]:
    """The same chunks, after each was copied into `images` (T, H, W, 3)."""
    for chunk in chunks:
        images[chunk.start : chunk.start + len(chunk.frames)] = frames_to_image(chunk.frames)
        yield chunk
        del chunk


def takes_output(parts: Iterable[Mapping[str, Any]], source: str, output: int) -> bool:
    """Whether one of these nodes of a prompt has an input that comes from that output of the node `source`. A link is the value of an
    input: [id of the node it comes from, index of its output]."""
    return any(_is_link_to(value, source, output) for part in parts for value in part.get("inputs", {}).values())


def _is_link_to(value: object, source: str, output: int) -> bool:
    if not isinstance(value, (list, tuple)) or len(value) != 2 or isinstance(value[1], bool):
        return False
    return str(value[0]) == source and isinstance(value[1], (int, float)) and int(value[1]) == output

"""Frames as bytes: exact, in order, and one chunk behind where the copy runs beside the rendering."""

from __future__ import annotations

import pytest
import torch

from float_core.media import pixel_transfer
from float_core.media.pixel_transfer import even_bytes, to_host
from float_core.types import FrameChunk


def _chunks(log: list[str], count: int = 3):
    for i in range(count):
        log.append(f"render {i}")
        yield FrameChunk(torch.full((2, 3, 4, 6), i / count), 2 * i)


def test_bytes_are_rounded_and_sides_made_even():
    frames = torch.tensor([-1.0, 1.0, 0.0, 0.5, 2.0]).view(1, 1, 1, 5).expand(1, 3, 3, 5)
    pixels = even_bytes(frames)
    assert pixels.shape == (1, 3, 4, 6) and pixels.dtype == torch.uint8 and pixels.is_contiguous()
    assert pixels[0, 0, 0].tolist() == [0, 255, 128, 191, 255, 255]
    assert torch.equal(pixels[0, :, 2], pixels[0, :, 3])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_value_that_is_not_finite_is_found_in_its_frame(value, dtype):
    frames = torch.ones(3, 3, 64, 64, dtype=dtype)
    frames[1, 2, 5, 7] = value
    frames[1, 0, 0, 0] = -value
    assert next(to_host([FrameChunk(frames, 0)], lambda _: None)).finite.tolist() == [True, False, True]


def test_on_a_cpu_every_chunk_comes_before_the_next_is_rendered():
    log: list[str] = []
    for chunk in to_host(_chunks(log), lambda chunk: log.append(f"check {chunk.start}")):
        log.append(f"arrived {chunk.start}")
        assert chunk.size == (4, 6) and chunk.finite.all() and len(chunk.pixels) == 2
    assert log == [f"{word} {n}" for i in range(3) for word, n in (("render", i), ("check", 2 * i), ("arrived", 2 * i))]


def test_on_a_gpu_the_next_is_rendered_while_one_is_copied(monkeypatch):
    """With the copy of a GPU played: it is waited for only when the next chunk has been started."""
    log: list[str] = []

    class Played(torch.Tensor):
        is_cuda = True

    def copy(values):
        values = values.as_subclass(torch.Tensor)
        return values, lambda: log.append("wait") if values.dtype == torch.uint8 else None

    monkeypatch.setattr(pixel_transfer, "_copy", copy)
    chunks = (FrameChunk(chunk.frames.as_subclass(Played), chunk.start) for chunk in _chunks(log))
    assert [chunk.start for chunk in to_host(chunks, lambda _: None)] == [0, 2, 4]
    assert log == ["render 0", "render 1", "wait", "render 2", "wait", "wait"]


def test_a_bad_shape_is_refused_before_it_is_touched():
    def refuse(chunk):
        raise ValueError(chunk.start)

    with pytest.raises(ValueError):
        next(to_host(_chunks([]), refuse))

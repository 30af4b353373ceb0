"""Chunks on their way: nothing lost, nothing twice, smaller batches after an out-of-memory; and who takes them."""

from __future__ import annotations

import importlib
import weakref
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import torch

FRAMES = 11


@pytest.fixture(scope="module")
def stream(pack: ModuleType) -> ModuleType:
    return importlib.import_module(f"{pack.__name__}.nodes.frame_stream")


class Device:
    """A renderer that numbers its frames by the motion, and has room for `room` frames at once from the `fails_from`-th frame on."""

    def __init__(self, stream: ModuleType, room: int = 99, fails_from: int = 0) -> None:
        self.stream, self.room, self.fails_from = stream, room, fails_from
        self.batches: list[int] = []
        self.freed = 0

    def render(self, motion: Any, batch: int) -> Iterator[Any]:
        for start in range(0, motion.latents.shape[1], batch):
            numbers = motion.latents[0, start : start + batch, 0]
            if len(numbers) > self.room and numbers[-1] >= self.fails_from:
                raise torch.OutOfMemoryError("no memory")
            self.batches.append(len(numbers))
            yield self.stream.FrameChunk(numbers.reshape(-1, 1, 1, 1).expand(-1, 3, 2, 2), start)

    def free(self) -> None:
        self.freed += 1

    def all(self, batch: int) -> list[Any]:
        motion = self.stream.MotionSequence(torch.arange(float(FRAMES)).reshape(1, -1, 1), 25.0)
        out_of_memory = lambda error: isinstance(error, torch.OutOfMemoryError)  # noqa: E731
        return list(self.stream.with_smaller_batches(self.render, motion, batch, out_of_memory, self.free))


def check_complete(chunks: list[Any]) -> None:
    assert [chunk.start for chunk in chunks] == [sum(len(c.frames) for c in chunks[:i]) for i in range(len(chunks))]
    assert torch.cat([chunk.frames[:, 0, 0, 0] for chunk in chunks]).tolist() == list(range(FRAMES))


def test_with_enough_memory_nothing_changes(stream: ModuleType) -> None:
    device = Device(stream)
    check_complete(device.all(4))
    assert (device.batches, device.freed) == ([4, 4, 3], 0)


def test_the_batch_is_halved_until_it_fits(stream: ModuleType) -> None:
    device = Device(stream, room=2)
    check_complete(device.all(8))
    assert (device.batches, device.freed) == ([2, 2, 2, 2, 2, 1], 2)


def test_it_goes_on_from_the_frame_that_failed(stream: ModuleType) -> None:
    device = Device(stream, room=2, fails_from=5)
    check_complete(device.all(4))
    assert (device.batches, device.freed) == ([4, 2, 2, 2, 1], 1)


def test_a_single_frame_that_does_not_fit_is_an_error(stream: ModuleType) -> None:
    with pytest.raises(torch.OutOfMemoryError):
        Device(stream, room=0).all(4)


def test_other_errors_are_not_hidden(stream: ModuleType) -> None:
    def broken(motion: Any, batch: int) -> Iterator[Any]:
        raise RuntimeError("something else")
        yield

    motion = stream.MotionSequence(torch.zeros(1, 3, 1), 25.0)
    with pytest.raises(RuntimeError, match="something else"):
        list(stream.with_smaller_batches(broken, motion, 4, lambda error: False, lambda: None))


def test_frames_are_collected_on_the_way(stream: ModuleType) -> None:
    images = torch.zeros(FRAMES, 2, 2, 3)
    motion = stream.MotionSequence(torch.linspace(-1, 1, FRAMES).reshape(1, -1, 1), 25.0)
    chunks = list(stream.collected(Device(stream).render(motion, 4), images))
    assert [len(chunk.frames) for chunk in chunks] == [4, 4, 3]
    assert torch.allclose(images[:, 0, 0, 0], torch.linspace(0, 1, FRAMES))


def test_the_newest_frame_of_each_chunk_is_shown(stream: ModuleType) -> None:
    seen: list[tuple[int, torch.Size, float]] = []
    motion = stream.MotionSequence(torch.linspace(-1, 1, FRAMES).reshape(1, -1, 1), 25.0)
    shown = stream.shown(Device(stream).render(motion, 4), lambda done, frame: seen.append((done, frame.shape, frame[0, 0, 0].item())))
    assert [len(chunk.frames) for chunk in shown] == [4, 4, 3]
    assert [done for done, _, _ in seen] == [4, 8, FRAMES]
    assert seen[-1][1:] == ((3, 2, 2), pytest.approx(1.0))


def test_a_chunk_is_let_go_before_the_next_is_drawn(stream: ModuleType) -> None:
    """Else two batches of frames would be alive at once."""
    alive: list[weakref.ref[torch.Tensor]] = []

    def render(motion: Any, batch: int) -> Iterator[Any]:
        for start in range(0, motion.latents.shape[1], batch):
            assert all(frames() is None for frames in alive)
            chunk = stream.FrameChunk(torch.zeros(min(batch, FRAMES - start), 3, 2, 2), start)
            alive.append(weakref.ref(chunk.frames))
            yield chunk
            del chunk

    motion = stream.MotionSequence(torch.zeros(1, FRAMES, 1), 25.0)
    chunks = stream.with_smaller_batches(render, motion, 4, lambda error: False, lambda: None)
    chunks = stream.collected(stream.shown(chunks, lambda done, frame: None), torch.zeros(FRAMES, 2, 2, 3))
    while next(chunks, None) is not None:
        pass
    assert len(alive) == 3


def parts(**inputs: Any) -> list[dict[str, Any]]:
    return [{"class_type": "Load", "inputs": {}}, {"class_type": "Save"}, {"class_type": "Preview", "inputs": inputs}]


def test_a_link_to_the_output(stream: ModuleType) -> None:
    assert stream.takes_output(parts(number=3, images=["7", 0]), "7", 0)


def test_links_to_other_outputs_and_nodes_are_not_meant(stream: ModuleType) -> None:
    assert not stream.takes_output(parts(video=["7", 1], other=["70", 0]), "7", 0)
    assert not stream.takes_output([], "7", 0)


@pytest.mark.parametrize("value", ["7", ["7"], ["7", "0"], ["7", False], ["7", 0, 0], [["7", 0], 0], None, 0, {"7": 0}])
def test_values_that_look_like_links(stream: ModuleType, value: object) -> None:
    assert not stream.takes_output(parts(value=value), "7", 0)


def test_ids_inside_subgraphs_and_of_dynamic_inputs(stream: ModuleType) -> None:
    assert stream.takes_output(parts(**{"values.value0": ["12:7", 0]}), "12:7", 0)


def test_an_id_that_an_api_client_gives_as_a_number(stream: ModuleType) -> None:
    assert stream.takes_output(parts(images=[7, 0]), "7", 0)

"""render_frames: chunks, clamping, memory, progress, and checks at the call."""

from __future__ import annotations

import weakref
from dataclasses import replace

import pytest
import torch

from float_core.config import FLOAT_512, MINI
from float_core.errors import OptionError
from float_core.pipeline.encode import encode_identity
from float_core.pipeline.render import automatic_batch_size, render_frames
from float_core.types import FloatModel, MotionSequence, Provenance


@pytest.fixture
def identity(model, image):
    return encode_identity(model, image)


@pytest.fixture
def motion() -> MotionSequence:
    return MotionSequence(3 * torch.randn(1, 10, 12, generator=torch.Generator().manual_seed(4)), 25.0)


def test_chunks_are_in_order_and_equal_one_by_one(model, identity, motion):
    chunks = list(render_frames(model, identity, motion, batch_size=4))
    assert [(chunk.start, len(chunk.frames)) for chunk in chunks] == [(0, 4), (4, 4), (8, 2)]
    frames = torch.cat([chunk.frames for chunk in chunks])
    assert frames.shape == (10, 3, 16, 16) and frames.dtype == torch.float32 and not frames.requires_grad
    single = torch.cat([chunk.frames for chunk in render_frames(model, identity, motion, batch_size=1)])
    torch.testing.assert_close(frames, single, rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        decoded = model.autoencoder.decode(identity.latent + motion.latents[0], identity.skips)
    assert decoded.abs().max() > 1
    torch.testing.assert_close(frames, decoded.clamp(-1, 1), rtol=1e-4, atol=1e-5)


def test_a_chunk_is_freed_before_the_next_is_rendered(model, identity, motion, before_decoding):
    rendering: list[bool] = []
    last: list[weakref.ref] = []
    before_decoding(lambda: rendering.append(bool(last) and last[-1]() is not None))
    chunks = render_frames(model, identity, motion, batch_size=2)
    for _ in range(5):
        last.append(weakref.ref(next(chunks).frames))
    assert rendering == [False] * 5


def test_the_whole_motion_is_not_rendered_ahead(model, identity, motion, before_decoding):
    calls: list[None] = []
    before_decoding(lambda: calls.append(None))
    chunks = render_frames(model, identity, motion, batch_size=3)
    assert not calls
    next(chunks)
    assert len(calls) == 1


def test_progress_and_stopping_in_it(model, identity, motion):
    reports: list[tuple[str, int, int]] = []
    list(render_frames(model, identity, motion, batch_size=4, on_progress=lambda *report: reports.append(report)))
    assert reports == [("render", 4, 10), ("render", 8, 10), ("render", 10, 10)]

    class Stop(Exception):
        pass

    def stop(stage: str, done: int, total: int) -> None:
        raise Stop

    chunks = render_frames(model, identity, motion, batch_size=4, on_progress=stop)
    with pytest.raises(Stop):
        next(chunks)
    assert list(chunks) == []


def test_arguments_are_checked_at_the_call(model, identity, motion, image):
    two = encode_identity(model, image.repeat(2, 1, 1, 1))
    with pytest.raises(OptionError, match=r"identity.latent has shape \(2, 12\); expected \(1, 12\)"):
        render_frames(model, two, motion)
    with pytest.raises(OptionError, match=r"expected \(1, T, 12\)"):
        render_frames(model, identity, MotionSequence(motion.latents.repeat(2, 1, 1), 25.0))
    with pytest.raises(OptionError, match="1 levels; expected 2"):
        render_frames(model, replace(identity, skips=identity.skips[:1]), motion)
    with pytest.raises(OptionError, match="skips at 8x8"):
        render_frames(model, replace(identity, skips=identity.skips[::-1]), motion)
    with pytest.raises(OptionError, match="not finite"):
        render_frames(model, identity, MotionSequence(motion.latents / 0, 25.0))
    for size in (0, -1, 2.5, True):
        with pytest.raises(OptionError, match="batch_size"):
            render_frames(model, identity, motion, batch_size=size)


class _Sized(torch.nn.Module):
    def __init__(self, config) -> None:
        super().__init__()
        self.config = config


@pytest.mark.parametrize(("preset", "device", "expected"), [(MINI, "cpu", 4), (FLOAT_512, "cpu", 2), (FLOAT_512, "meta", 16)])
def test_automatic_batches(preset, device, expected):
    model = FloatModel(preset, Provenance("", "", "", ""), autoencoder=_Sized(preset.autoencoder), device=torch.device(device))
    assert automatic_batch_size(model) == expected

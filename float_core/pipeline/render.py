"""From motion to frames, a batch at a time: only one chunk of frames is alive here at any moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from ..argument_checks import check_batch_size, check_identity, check_motion
from ..chunks import rechunk
from ..progress import ProgressCallback
from ..types import FloatModel, FrameChunk, MotionSequence, SourceIdentity

_PIXELS_AT_ONCE = 2 * 512**2  # of a batch on a CPU: more gains nothing, and an interrupt waits for a batch


def render_frames(
    model: FloatModel,
    identity: SourceIdentity,
    motion: MotionSequence,
    *,
    batch_size: int | None = None,
    compile: bool = False,
    on_progress: ProgressCallback | None = None,
) -> Iterator[FrameChunk]:
    """Frames of one identity (B = 1) under a motion (1, T, D), as chunks in order. `batch_size` None = chosen by device and image size.
    `compile`: by torch.compile, on a GPU or in half precision; the first frames then take a minute, and a CompileWarning says where it
    cannot be done. Progress: stage "render", in frames."""
    check_identity(model, identity)
    check_motion(model, motion, batch=1)
    check_batch_size(batch_size)
    pieces, total = [motion.latents], motion.latents.shape[1]
    return render_pieces(model, identity, pieces, total, batch_size=batch_size, compile=compile, on_progress=on_progress)


def render_pieces(
    model: FloatModel,
    identity: SourceIdentity,
    pieces: Iterable[Tensor],
    total: int,
    *,
    batch_size: int | None,
    compile: bool = False,
    on_progress: ProgressCallback | None,
) -> Iterator[FrameChunk]:
    """As `render_frames` for a motion that comes in pieces (1, n, D), whose lengths do not show in the chunks. Checks nothing."""
    decode = model.require("autoencoder").prepare(tuple(skip.to(model.device) for skip in identity.skips), compile=compile)
    base = identity.latent.to(model.device, torch.float32)
    start = 0
    for motion in rechunk(pieces, batch_size or automatic_batch_size(model), dim=1):
        latents = base + motion[0].to(model.device, torch.float32)  # w = w_{S->r} + w_{r->D}
        chunk = FrameChunk(decode(latents).clamp_(-1, 1), start)
        start += len(latents)
        if on_progress is not None:
            on_progress("render", start, total)
        yield chunk
        del chunk  # so that its memory is free before the next one is rendered


def automatic_batch_size(model: FloatModel) -> int:
    """Small on a CPU, where a batch gains nothing beyond what fills the cores; larger on a GPU."""
    if model.device.type != "cpu":
        return 16
    size = model.require("autoencoder").config.size
    return max(1, min(4, _PIXELS_AT_ONCE // size**2))  # a few tenths of a second

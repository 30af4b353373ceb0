"""From motion to frames, one batch at a time: only one chunk of frames is held in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from ..argument_checks import check_batch_size, check_identity, check_motion
from ..chunks import rechunk
from ..progress import ProgressCallback
from ..types import FloatModel, FrameChunk, MotionSequence, SourceIdentity

_PIXELS_AT_ONCE = 2 * 512**2  # of a batch on a CPU: more is not faster, and an interrupt waits for a batch


def render_frames(
    model: FloatModel,
    identity: SourceIdentity,
    motion: MotionSequence,
    *,
    batch_size: int | None = None,
    compile: bool = False,
    on_progress: ProgressCallback | None = None,
) -> Iterator[FrameChunk]:
    """Frames of one identity (B = 1) with a motion (1, T, D), as chunks in order.

    batch_size: frames that are rendered at once; None = chosen by device and image size.
    compile: use torch.compile, on a GPU or in half precision. The first frames then take about a minute; if compiling is not possible, a
        CompileWarning says so.
    on_progress: stage "render", in frames.

    >>> import float_core
    >>> model = float_core.load_model("mini")
    >>> identity = float_core.encode_identity(model, torch.zeros(1, 3, 256, 256))
    >>> motion = MotionSequence(identity.motion[:, None].expand(1, 3, -1), fps=25.0)
    >>> [chunk.frames.shape for chunk in render_frames(model, identity, motion, batch_size=2)]
    [torch.Size([2, 3, 256, 256]), torch.Size([1, 3, 256, 256])]
    """
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
    """As `render_frames`, for a motion of `total` frames that comes in pieces (1, n, D) of any length. Checks nothing."""
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
    """The batch size that `render_frames` chooses: small on a CPU, where a larger batch is not faster; 16 on a GPU.

    >>> import float_core
    >>> automatic_batch_size(float_core.load_model("mini"))
    4
    """
    if model.device.type != "cpu":
        return 16
    size = model.require("autoencoder").config.size
    return max(1, min(4, _PIXELS_AT_ONCE // size**2))  # some tenths of a second

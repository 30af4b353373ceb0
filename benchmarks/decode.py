"""Suite "decode": an image's frames from given motion. Plain: the reference formula, a frame at a time. Fast: `render_frames`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from float_core import render_frames
from float_core.motion_autoencoder.plain_decoder import decode_plain
from float_core.types import FloatModel, FrameChunk

from .child import Run
from .child_process import Job, measure
from .machine import synchronize
from .material import open_bench_model, portrait_in_motion
from .measurements import FAST, PLAIN, Measurement
from .settings import BenchSettings

_FRAMES = 256  # of the motion; when they are used up, it begins again
_PIXELS, _MOST = 4 * 512**2, 16  # pixels, frames of a run: enough to find the processor as a clip does, not as the other path left it


def measure_decode(settings: BenchSettings, say: Callable[[str], None]) -> list[Measurement]:
    """Per model a plain and a fast measurement, run in turn."""
    found = []
    for model in settings.models:
        say(f"decode: {model}, {settings.runs} runs of plain and fast in turn")
        options = {"model": model, "image": str(settings.image), "device": settings.device}
        jobs = {PLAIN: Job("decode:plain_decode", options), FAST: Job("decode:fast_decode", options, keep_memory=True)}
        for path, timings in measure(jobs, runs=settings.runs).items():
            size = timings.figures["size"]
            found.append(Measurement.of("decode", f"{model}, {size}x{size}", path, timings, media_fps=timings.figures["media_fps"]))
    return found


@torch.no_grad()
def plain_frame(model: torch.nn.Module, latent: Tensor, skips: tuple[Tensor, ...]) -> Tensor:
    """One frame by the reference formula, clamped as a user gets it."""
    return decode_plain(model.dec, latent, skips).clamp(-1, 1)  # type: ignore[arg-type]


def plain_decode(*, model: str, image: str, device: str) -> Run:
    """A run is a few frames, one at a time."""
    opened = open_bench_model(model, ["autoencoder"], device)
    identity, motion = portrait_in_motion(opened, image, _FRAMES)
    latents = _again(lambda: iter((identity.latent + motion.latents[0]).split(1)))

    return _run(opened, motion.fps, (plain_frame(opened.require("autoencoder"), latent, identity.skips) for latent in latents))


def fast_decode(*, model: str, image: str, device: str) -> Run:
    """A run is as many frames, in chunks of the size that `render_frames` chooses."""
    opened = open_bench_model(model, ["autoencoder"], device)
    identity, motion = portrait_in_motion(opened, image, _FRAMES)
    chunks: Iterator[FrameChunk] = _again(lambda: render_frames(opened, identity, motion))
    return _run(opened, motion.fps, (chunk.frames for chunk in chunks))


def _run(opened: FloatModel, fps: float, images: Iterator[Tensor]) -> Run:
    """A run takes images (n, 3, S, S) until they are enough."""
    size = opened.require("autoencoder").config.size
    enough = min(_MOST, math.ceil(_PIXELS / size**2))

    def run() -> dict[str, float]:
        frames = 0
        while frames < enough:
            frames += len(next(images))
        synchronize(opened.device)
        return {"frames": frames, "size": size, "media_fps": fps}

    return run


def _again(begin: Callable[[], Iterator]) -> Iterator:
    """One after another, for ever."""
    while True:
        yield from begin()

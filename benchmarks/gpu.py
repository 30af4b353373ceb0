"""Suite "gpu": decoding on a device in every precision and batch size, eager and compiled, against the plain reference on that device.

Frames are measured two ways: left on the device, and taken to the host as bytes, as `write_video` takes them. Each row has a process of its
own: so a peak is its own, and a row that fails takes no other with it. Runs on a CPU too, where it only proves that it runs.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from float_core import evaluation, render_frames
from float_core.errors import OptionError
from float_core.media.pixel_transfer import to_host
from float_core.types import FloatModel, FrameChunk, MotionSequence, SourceIdentity

from .child import Run
from .child_process import BenchmarkError, Job, Timings, measure
from .decode import plain_frame
from .machine import reset_device_peak, synchronize
from .material import open_bench_model, portrait_in_motion
from .measurements import PLAIN, Measurement
from .settings import BenchSettings

_LEAST_FRAMES = 64  # of a run on a GPU, so that its start does not count
_PLAIN_FRAMES = 8
_COMPARED_FRAMES = 4
_WARM_UPS = 1
EQUAL_PSNR = 200.0  # dB, written for frames that are equal


def measure_gpu(settings: BenchSettings, say: Callable[[str], None]) -> list[Measurement]:
    """The plain reference, then every dtype, batch size and mode. A row that fails has no seconds, and a note that says why."""
    if settings.device == "cpu":
        say("gpu: on the CPU, where the figures mean little")
    common = {"model": settings.models[0], "image": str(settings.image), "device": settings.device}
    found = [_row(settings, say, PLAIN, "float32", 1, Job("gpu:plain_frames_on", common))]
    for dtype in settings.dtypes:
        for batch in settings.batches:
            for compiled in settings.compiled:
                options = {**common, "dtype": dtype, "batch": batch, "compiled": compiled, "runs": settings.runs + _WARM_UPS}
                job = Job("gpu:frames_on", options, keep_memory=True)
                found.append(_row(settings, say, "compiled" if compiled else "eager", dtype, batch, job))
    if not any(row.seconds for row in found):
        raise BenchmarkError(f"nothing could be measured on {settings.device}: {found[0].notes[0]}")
    return found


def _row(settings: BenchSettings, say: Callable[[str], None], path: str, dtype: str, batch: int, job: Job) -> Measurement:
    case = f"{settings.models[0]}, {dtype}, batch {batch}"
    say(f"gpu: {case}, {path}")
    facts = {"dtype": dtype, "batch": batch}
    try:
        timings = measure({path: job}, runs=settings.runs, warmups=_WARM_UPS)[path]
    except BenchmarkError as error:
        return Measurement("gpu", case, path, (), figures=facts, notes=(str(error),))
    row = Measurement.of("gpu", case, path, _without_warm_up(timings))
    row.figures.update(facts)
    return row


def _without_warm_up(timings: Timings) -> Timings:
    """A run here measures twice, so the seconds are those that the task took itself."""
    figures = dict(timings.figures)
    figures["host_seconds"] = figures["host_seconds"][_WARM_UPS:]
    seconds = tuple(figures.pop("device_seconds")[_WARM_UPS:])
    return Timings(seconds, figures, timings.since_start, timings.peak_bytes, timings.peak_device_bytes, timings.notes)


def require_gpu(name: str) -> str:
    """The device of the gpu suite: `name`, or what "auto" stands for. Raises OptionError where there is none."""
    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
    raise OptionError(
        f"no GPU was found that torch can use (torch {torch.__version__}, {built}). Install the driver and a torch for it (pytorch.org), "
        "or try the suite on the CPU with --device cpu --batches 1 --no-compile --model mini; the other suites are for the CPU"
    )


def plain_frames_on(*, model: str, image: str, device: str) -> Run:
    """The reference formula, float32, a frame at a time."""
    opened = open_bench_model(model, ["autoencoder"], device)
    count = 1 if device == "cpu" else _PLAIN_FRAMES
    identity, motion = portrait_in_motion(opened, image, count)
    autoencoder = opened.require("autoencoder")

    def frames() -> Iterable[FrameChunk]:
        for start, latent in enumerate((identity.latent + motion.latents[0]).split(1)):
            yield FrameChunk(plain_frame(autoencoder, latent, identity.skips), start)

    return _both_ways(opened, frames, count, {"psnr_db": EQUAL_PSNR})


def frames_on(*, model: str, image: str, device: str, dtype: str, batch: int, compiled: bool, runs: int) -> Run:
    """`render_frames` in that precision, going on from run to run. Its first frames are compared with float32's, decoded from the same
    identity and motion."""
    exact = open_bench_model(model, ["autoencoder"], device)
    batches = max(2, math.ceil((0 if device == "cpu" else _LEAST_FRAMES) / batch))  # of a run, each way
    first = math.ceil(_COMPARED_FRAMES / batch)
    identity, motion = portrait_in_motion(exact, image, batch * (first + 2 * batches * runs))
    wanted = _exact_frames(exact, identity, motion)
    del exact
    opened = open_bench_model(model, ["autoencoder"], device, getattr(torch, dtype))
    chunks = render_frames(opened, identity, motion, batch_size=batch, compile=compiled)
    got = torch.cat([next(chunks).frames for _ in range(first)])[: len(wanted)]
    psnr = min(EQUAL_PSNR, evaluation.psnr(got, wanted))
    del got, wanted
    facts = {"psnr_db": round(psnr, 2) if math.isfinite(psnr) else 0.0}
    return _both_ways(opened, lambda: itertools.islice(chunks, batches), batch * batches, facts)


@torch.no_grad()
def _exact_frames(model: FloatModel, identity: SourceIdentity, motion: MotionSequence) -> Tensor:
    """A few frames in float32 without TensorFloat-32."""
    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        latents = identity.latent + motion.latents[0, :_COMPARED_FRAMES]
        frames: Tensor = model.require("autoencoder").decode(latents, identity.skips)
    finally:
        torch.backends.cudnn.allow_tf32 = allowed
    return frames.clamp(-1, 1)


def _as_it_is(chunk: FrameChunk) -> None:
    """What is measured here is not checked."""


def _both_ways(model: FloatModel, frames: Callable[[], Iterable[FrameChunk]], count: int, facts: dict[str, Any]) -> Run:
    """A run is all the frames twice: left on the device, and as bytes on the host."""
    seconds: dict[str, list[float]] = {"device_seconds": [], "host_seconds": []}
    reset_device_peak()

    def run() -> dict[str, Any]:
        for way, chunks in (("device_seconds", frames()), ("host_seconds", to_host(frames(), _as_it_is))):
            started = time.perf_counter()
            for _ in chunks:
                pass
            synchronize(model.device)
            seconds[way].append(time.perf_counter() - started)
        name = torch.cuda.get_device_name(model.device) if model.device.type == "cuda" else str(model.device)
        return {**facts, **seconds, "frames": count, "media_fps": model.config.fps, "device_name": name}

    return run

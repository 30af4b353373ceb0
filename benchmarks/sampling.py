"""Suite "sampling": motion from given conditions, with guidance that needs one, two or three passes. Plain: the loop that asks the
transformer for everything at every step. Fast: with all that is known beforehand computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch

from float_core.motion_flow.window_sampler import sample_windows
from float_core.types import SamplingOptions

from .child import Run
from .child_process import Job, measure
from .machine import synchronize
from .material import open_bench_model
from .measurements import FAST, PLAIN, Measurement
from .settings import RANDOM_MODEL, BenchSettings

GUIDANCE = {1: (1.0, 1.0), 2: (2.0, 2.0), 3: (2.0, 1.0)}  # passes: (audio, emotion)
_IMPLEMENTATIONS: Mapping[str, Literal["reference", "fast"]] = {PLAIN: "reference", FAST: "fast"}


def measure_sampling(settings: BenchSettings, say: Callable[[str], None]) -> list[Measurement]:
    """Per model and number of passes a plain and a fast measurement, run in turn."""
    found = []
    for model in settings.models:
        frames = settings.sampling_frames[0 if model == RANDOM_MODEL else 1]
        for passes in GUIDANCE:
            case = f"{model}, {frames} frames, {settings.steps} steps, {passes} pass{'es' if passes > 1 else ''}"
            say(f"sampling: {case}, plain and fast in turn")
            options = {"model": model, "device": settings.device, "frames": frames, "steps": settings.steps, "passes": passes}
            jobs = {path: Job("sampling:sample", {**options, "path": path}, keep_memory=path == FAST) for path in _IMPLEMENTATIONS}
            for path, timings in measure(jobs, runs=settings.long_runs).items():
                found.append(Measurement.of("sampling", case, path, timings, media_fps=timings.figures["media_fps"]))
    return found


def sample(*, model: str, device: str, frames: int, steps: int, passes: int, path: str) -> Run:
    """A run is a clip of so many frames, from random conditions."""
    opened = open_bench_model(model, ["transformer"], device)
    transformer = opened.require("transformer")
    config = transformer.config
    generator = torch.Generator().manual_seed(0)
    shapes = ((1, config.latent_size), (1, frames, config.audio_size), (1, 1, config.emotion_size))
    source, audio, emotion = (torch.randn(shape, generator=generator).to(opened.device) for shape in shapes)
    audio_scale, emotion_scale = GUIDANCE[passes]
    options = SamplingOptions(steps=steps, audio_guidance=audio_scale, emotion_guidance=emotion_scale)

    def run() -> dict[str, float]:
        for _ in sample_windows(transformer, source, audio, emotion.softmax(-1), options, impl=_IMPLEMENTATIONS[path]):
            pass
        synchronize(opened.device)
        return {"frames": frames, "media_fps": opened.config.fps}

    return run

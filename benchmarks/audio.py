"""Suite "audio": audio of several lengths to features. Plain: all of it through the network at once. Fast: `encode_audio`, which takes
long audio in windows."""

from __future__ import annotations

from collections.abc import Callable

import torch

from float_core import encode_audio
from float_core.types import AudioClip

from .child import Run
from .child_process import Job, measure
from .machine import synchronize
from .material import open_bench_model
from .measurements import FAST, PLAIN, Measurement
from .settings import BenchSettings

_TASKS = {PLAIN: "audio:plain_audio", FAST: "audio:fast_audio"}


def measure_audio(settings: BenchSettings, say: Callable[[str], None]) -> list[Measurement]:
    """Per model and length a plain and a fast measurement, run in turn; the longest once, since it is long."""
    found = []
    for model in settings.models:
        for seconds in settings.audio_lengths:
            case = f"{model}, {seconds:g} s of audio"
            say(f"audio: {case}, plain and fast in turn")
            options = {"model": model, "device": settings.device, "length": seconds}
            jobs = {path: Job(task, options, keep_memory=path == FAST) for path, task in _TASKS.items()}
            longest = seconds == max(settings.audio_lengths)
            for path, timings in measure(jobs, runs=1 if longest else settings.long_runs, warmups=0 if longest else 1).items():
                kind = timings.figures["kind"]
                found.append(Measurement.of("audio", f"{case} ({kind})", path, timings, media_fps=timings.figures["media_fps"]))
    return found


def quiet_noise(length: float, sample_rate: int) -> AudioClip:
    """So many seconds of quiet noise."""
    return AudioClip(torch.randn(round(length * sample_rate), generator=torch.Generator().manual_seed(0)) * 0.1, sample_rate)


def plain_audio(*, model: str, device: str, length: float) -> Run:
    """A run is all of the audio, at once."""
    opened = open_bench_model(model, ["audio_encoder"], device)
    encoder = opened.require("audio_encoder")
    waveform = quiet_noise(length, encoder.config.sample_rate).waveform[None].to(opened.device)

    @torch.no_grad()
    def run() -> dict[str, object]:
        features = encoder(waveform)
        synchronize(opened.device)
        return {"frames": features.shape[1], "media_fps": encoder.fps, "kind": encoder.config.kind}

    return run


def fast_audio(*, model: str, device: str, length: float) -> Run:
    """A run is the audio, as `encode_audio` takes it."""
    opened = open_bench_model(model, ["audio_encoder"], device)
    encoder = opened.require("audio_encoder")
    noise = quiet_noise(length, encoder.config.sample_rate)

    def run() -> dict[str, object]:
        features = encode_audio(opened, noise).features
        synchronize(opened.device)
        return {"frames": features.shape[1], "media_fps": encoder.fps, "kind": encoder.config.kind}

    return run

"""Suite "clip": from an image and an audio file to a video file. Fast: the command line itself, as a user starts it. Plain: all audio at
once, the plain sampling loop, the reference decoder a frame at a time, the allocator as the system has it.

The wall time is that of the process, from its start on: loading and imports are in it.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import torch
from torch import Tensor

from float_core import choose_emotion, encode_identity, load_model, predict_emotion, read_audio, write_video
from float_core.audio.waveform import prepare
from float_core.errors import FloatError
from float_core.motion_flow.window_sampler import sample_windows
from float_core.types import AudioClip, FloatModel, FrameChunk, SamplingOptions

from .child import Run
from .child_process import Job, measure
from .decode import plain_frame
from .material import open_portrait, write_long_audio
from .measurements import FAST, PLAIN, Measurement
from .settings import BenchSettings


def measure_clip(settings: BenchSettings, say: Callable[[str], None]) -> list[Measurement]:
    """Each length once, in a process of its own."""
    found = []
    model = settings.file_model
    with TemporaryDirectory(prefix="float-bench-") as folder:
        for length in sorted({*settings.lengths, *settings.plain_lengths}):
            audio = write_long_audio(settings.audio, length, Path(folder) / f"{length:g}.wav")
            out = Path(folder) / "out.mp4"
            jobs = {PLAIN: _plain_job(settings, model, audio, out), FAST: _command_job(settings, model, audio, out)}
            for path, lengths in ((PLAIN, settings.plain_lengths), (FAST, settings.lengths)):
                if length in lengths:
                    case = f"{model}, {length:g} s from file to file"
                    say(f"clip: {case}, {path}")
                    found.append(_measured(case, path, length, jobs[path], _progress_of(case, say)))
    return found


def _measured(case: str, path: str, length: float, job: Job, on_line: Callable[[str], None]) -> Measurement:
    timings = measure({path: job}, runs=1, warmups=0, on_line=on_line)[path]
    with av.open(str(job.options["out"])) as file:  # what was really written
        frames, fps = file.streams.video[0].frames, float(file.streams.video[0].average_rate)
    whole = replace(timings, seconds=(timings.since_start,), figures={"frames": frames, "length": length})
    return Measurement.of("clip", case, path, whole, media_fps=fps)


def _progress_of(case: str, say: Callable[[str], None]) -> Callable[[str], None]:
    """The percentages that the command line writes to stderr, and nothing else of it."""

    def on_line(line: str) -> None:
        if line.split("%")[0].isdecimal():
            say(f"  {case}: {line}")

    return on_line


def _command_job(settings: BenchSettings, model: str, audio: Path, out: Path) -> Job:
    arguments = ["animate", str(settings.image), str(audio), "--model", model, "--device", settings.device]
    return Job("clip:command_clip", {"arguments": arguments, "out": str(out)})  # the command line sees to the allocator itself


def _plain_job(settings: BenchSettings, model: str, audio: Path, out: Path) -> Job:
    options = {"model": model, "image": str(settings.image), "audio": str(audio), "out": str(out), "device": settings.device}
    return Job("clip:plain_clip", options)


def command_clip(*, arguments: list[str], out: str) -> Run:
    """A run is one command that writes `out`, in this process, through `__main__`."""

    def run() -> dict[str, str]:
        sys.argv = ["float_core", *arguments, "--out", out]
        try:
            runpy.run_module("float_core", run_name="__main__", alter_sys=True)
        except SystemExit as end:
            if end.code:
                raise FloatError(f"`{' '.join(sys.argv)}` ended with status {end.code}") from end
        return {}

    return run


def plain_clip(*, model: str, image: str, audio: str, out: str, device: str) -> Run:
    """A run is everything, loading included."""

    def run() -> dict[str, str]:
        opened = load_model(model, device=device)
        heard = read_audio(audio)
        write_video(out, plain_frames(opened, open_portrait(opened, image), heard), fps=opened.config.fps, audio=heard)
        return {}

    return run


def plain_frames(model: FloatModel, image: Tensor, audio: AudioClip) -> Iterator[FrameChunk]:
    """What `animate` gives, by the plain references."""
    identity = encode_identity(model, image)
    emotion = predict_emotion(model, audio) if model.has("emotion") else choose_emotion("neutral")
    encoder = model.require("audio_encoder")
    with torch.no_grad():
        features = encoder(prepare(audio, encoder.config.sample_rate, model.device)).float()
    windows = sample_windows(
        model.require("transformer"), identity.motion, features, emotion.probabilities.to(model.device), SamplingOptions(), impl="reference"
    )
    latents = identity.latent + torch.cat(list(windows), dim=1)[0]
    for start, latent in enumerate(latents.split(1)):
        yield FrameChunk(plain_frame(model.require("autoencoder"), latent, identity.skips), start)

"""Suite "first": how long a user waits for the first frame. Plain: one function after the other, each for the whole length. Fast: the
`animate` generator, which samples later motion when it is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from float_core import (
    animate,
    choose_emotion,
    encode_audio,
    encode_identity,
    load_model,
    open_audio,
    predict_emotion,
    read_audio,
    render_frames,
    sample_motion,
)

from .child import Run
from .child_process import Job, measure
from .machine import synchronize
from .material import open_portrait, write_long_audio
from .measurements import FAST, PLAIN, Measurement
from .settings import BenchSettings

_TASKS = {PLAIN: "first_frame:plain_first", FAST: "first_frame:fast_first"}


def measure_first(settings: BenchSettings, say: Callable[[str], None]) -> list[Measurement]:
    """From the call with a loaded model, run in turn; and from the start of the program."""
    model, length = settings.file_model, settings.first_length
    say(f"first: {model}, {length:g} s of audio, plain and fast in turn")
    found = []
    with TemporaryDirectory(prefix="float-bench-") as folder:
        long = write_long_audio(settings.audio, length, Path(folder) / "long.wav")
        options = {"model": model, "image": str(settings.image), "audio": str(long), "device": settings.device}
        jobs = {path: Job(task, options, keep_memory=path == FAST) for path, task in _TASKS.items()}
        for path, timings in measure(jobs, runs=settings.long_runs).items():
            whole = replace(timings, seconds=(timings.since_start,))
            found.append(Measurement.of("first", f"{model}, first of {length:g} s, model loaded", path, timings))
            found.append(Measurement.of("first", f"{model}, first of {length:g} s, from the program's start", path, whole))
    return found


def plain_first(*, model: str, image: str, audio: str, device: str) -> Run:
    """A run is all of the audio and all of the motion, then one frame."""
    opened = load_model(model, device=device)
    portrait = open_portrait(opened, image)

    def run() -> dict[str, float]:
        heard = read_audio(audio)
        identity, features = encode_identity(opened, portrait), encode_audio(opened, heard)
        emotion = predict_emotion(opened, heard) if opened.has("emotion") else choose_emotion("neutral")
        motion = sample_motion(opened, identity, features, emotion)
        next(render_frames(opened, identity, motion, batch_size=1))
        synchronize(opened.device)
        return {}

    return run


def fast_first(*, model: str, image: str, audio: str, device: str) -> Run:
    """A run is the first chunk of `animate`."""
    opened = load_model(model, device=device)
    portrait = open_portrait(opened, image)

    def run() -> dict[str, float]:
        emotion = None if opened.has("emotion") else "neutral"
        frames = animate(opened, portrait, open_audio(audio), emotion=emotion)
        next(frames)
        synchronize(opened.device)
        return {}

    return run

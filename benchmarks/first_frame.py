"""Suite "first": how long a user waits for the first frame. Plain: one function after the other, each for the whole clip. Fast: the
`animate` generator, which samples later motion when it is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import Tensor

from float_core.types import FloatModel

from .child_process import Job, measure
from .measurements import FAST, PLAIN, Measurement
from .process_memory import synchronize
from .settings import BenchSettings
from .sound_files import write_long_voice
from .task import Run

_TASKS = {PLAIN: "first_frame:plain_first", FAST: "first_frame:fast_first"}


def measure_first(settings: BenchSettings, say: Callable[[str], None]) -> list[Measurement]:
    """From the call with a loaded model, run in turn; and from the start of the program."""
    model, length = settings.file_model, settings.first_length
    say(f"first: {model}, {length:g} s of sound, plain and fast in turn")
    found = []
    with TemporaryDirectory(prefix="float-bench-") as folder:
        voice = write_long_voice(settings.audio, length, Path(folder) / "voice.wav")
        options = {"model": model, "image": str(settings.image), "audio": str(voice), "device": settings.device}
        jobs = {path: Job(task, options, keep_memory=path == FAST) for path, task in _TASKS.items()}
        for path, timings in measure(jobs, runs=settings.long_runs).items():
            whole = replace(timings, seconds=(timings.since_start,))
            found.append(Measurement.of("first", f"{model}, first of {length:g} s, model loaded", path, timings))
            found.append(Measurement.of("first", f"{model}, first of {length:g} s, from the program's start", path, whole))
    return found


def plain_first(*, model: str, image: str, audio: str, device: str) -> Run:
    """A run is all of the sound and all of the motion, then one frame."""
    from float_core import choose_emotion, encode_audio, encode_identity, predict_emotion, read_audio, render_frames, sample_motion

    opened, image = _model_and_image(model, image, device)

    def run() -> dict[str, float]:
        clip = read_audio(audio)
        identity, features = encode_identity(opened, image), encode_audio(opened, clip)
        emotion = predict_emotion(opened, clip) if opened.has("emotion") else choose_emotion("neutral")
        motion = sample_motion(opened, identity, features, emotion)
        next(render_frames(opened, identity, motion, batch_size=1))
        synchronize(opened.device)
        return {}

    return run


def fast_first(*, model: str, image: str, audio: str, device: str) -> Run:
    """A run is the first chunk of `animate`."""
    from float_core import animate
    from float_core.media.read_media import open_audio

    opened, image = _model_and_image(model, image, device)

    def run() -> dict[str, float]:
        emotion = None if opened.has("emotion") else "neutral"
        frames = animate(opened, image, open_audio(audio), emotion=emotion)
        next(frames)
        synchronize(opened.device)
        return {}

    return run


def _model_and_image(model: str, image: str, device: str) -> tuple[FloatModel, Tensor]:
    from float_core import load_model, prepare_image, read_image

    opened = load_model(model, device=device)
    return opened, prepare_image(read_image(image), opened.require("autoencoder").config.size).image

"""Odd rates and lengths in a real ComfyUI: the decoded file has exactly the frames of its audio."""

from __future__ import annotations

import math
import wave
from fractions import Fraction
from pathlib import Path

import pytest

from .comfy_server import ComfyServer, Json, node
from .conftest import SHORT_SECONDS, write_voice
from .test_talk import read_video, saved_video

FRAMES = math.ceil(SHORT_SECONDS * 25)


def write_odd_voice(path: Path, samples: int) -> Fraction:
    """A voice of exactly that many samples; its length."""
    write_voice(path, samples / 22050 + 0.01)
    with wave.open(str(path)) as source:
        parameters, recording = source.getparams(), source.readframes(samples)
    with wave.open(str(path), "wb") as target:
        target.setparams(parameters)
        target.writeframes(recording)
    return Fraction(samples, 22050)


@pytest.mark.parametrize(
    ("fps", "rate"), [(23.976, Fraction(24000, 1001)), (10.0, Fraction(10)), (60.0, Fraction(60)), (37.5, Fraction(75, 2))]
)
def test_odd_rates_and_lengths_give_exact_frame_counts(server: ComfyServer, talk: Json, fps: float, rate: Fraction) -> None:
    seconds = write_odd_voice(server.base / "input" / "odd.wav", 8821)  # 0.40005 s: one sample more than ten frames at 25
    node(talk, "LoadAudio")["audio"] = "odd.wav"
    node(talk, "DecodeVideo")["fps"] = fps
    frames, found, _ = read_video(saved_video(server, server.run(talk), talk))
    assert len(frames) == math.ceil(seconds * rate)
    assert found == pytest.approx(float(rate), abs=1e-6)


def test_without_a_sound_the_motion_keeps_its_length_at_another_rate(server: ComfyServer, talk: Json) -> None:
    del node(talk, "DecodeVideo")["audio"]
    node(talk, "DecodeVideo")["fps"] = 50.0
    frames, rate, audio_seconds = read_video(saved_video(server, server.run(talk), talk))
    assert (len(frames), rate, audio_seconds) == (2 * FRAMES, 50, 0.0)


def test_a_rate_that_no_video_has_is_refused(server: ComfyServer, talk: Json) -> None:
    node(talk, "DecodeVideo")["fps"] = 5.0
    assert "10 to 120" in server.run(talk).error


@pytest.mark.parametrize("fps", [0.0, 25.0])
def test_the_audio_decides_how_long_the_video_is(server: ComfyServer, talk: Json, fps: float) -> None:
    """With a frame rate and without: a motion that is shorter is held, and the node says so; one that is longer is cut."""
    edited = node(talk, "DecodeVideo")["motion"]
    for name, kind, widgets in (("short", "FLOATTrimMotion", {"start": 0.0, "end": 0.2}), ("long", "FLOATStretchMotion", {"speed": 0.5})):
        talk[name] = {"class_type": kind, "inputs": {"motion": edited, **widgets}}
        node(talk, "DecodeVideo").update(motion=[name, 0], fps=fps)
        run = server.run(talk)
        frames, rate, _ = read_video(saved_video(server, run, talk))
        assert (len(frames), rate) == (FRAMES, 25)
        held = abs(frames[5:].astype(float) - frames[5]).max(axis=(1, 2, 3))
        assert (held.max() < 30) == (name == "short")
        assert any("0.60 s and the motion 0.20 s" in note for note in run.notes) == (name == "short")

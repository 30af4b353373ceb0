"""animate on long audio: the steps' frames, the first of them early, and nothing held that grows with the length."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from float_core.audio.speech_emotion import choose_emotion
from float_core.config import EmotionConfig
from float_core.pipeline.animate import animate
from float_core.pipeline.encode import encode_audio, encode_identity
from float_core.pipeline.render import render_frames
from float_core.pipeline.sample import sample_motion
from float_core.types import AudioClip, AudioFile, MotionEdit, SamplingOptions

RATE = 16000
OPTIONS = SamplingOptions(steps=1, seed=9)


def second(number: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(number)
    return torch.randn(RATE, generator=generator) * (0.02 + 0.01 * (number % 7))


def audio_file(seconds: int, read: list[int] | None = None) -> AudioFile:
    """Audio that is nowhere as a whole; `read` gets the number of seconds that each reading has come to."""

    def blocks() -> Iterator[torch.Tensor]:
        counts = [] if read is None else read
        counts.append(0)
        for number in range(seconds):
            counts[-1] += 1
            yield second(number)

    return AudioFile(Path("voice.wav"), RATE, seconds * RATE, 1, blocks)


@pytest.mark.parametrize("seconds", [3, 63])
def test_equals_its_steps(model, image, seconds):
    whole = AudioClip(torch.cat([second(number) for number in range(seconds)]), RATE)
    identity, audio = encode_identity(model, image), encode_audio(model, whole)
    motion = sample_motion(model, identity, audio, choose_emotion("sad"), OPTIONS)
    expected = [chunk.frames for chunk in render_frames(model, identity, motion, batch_size=25)]
    for given in (whole, audio_file(seconds)):
        chunks = list(animate(model, image, given, emotion="sad", options=OPTIONS, batch_size=25))
        assert [chunk.start for chunk in chunks] == list(range(0, 25 * seconds, 25))
        assert all(torch.equal(chunk.frames, frames) for chunk, frames in zip(chunks, expected, strict=True))


def test_the_first_frames_come_before_the_rest_is_heard_and_sampled(model, image, before_evaluation):
    encoded: list[int] = []
    sampled: list[None] = []
    model.audio_encoder.stem.register_forward_pre_hook(lambda _, inputs: encoded.append(inputs[0].shape[2] // 4))
    before_evaluation(lambda: sampled.append(None))
    read: list[int] = []
    chunks = animate(model, image, audio_file(90, read), emotion="sad", options=OPTIONS, batch_size=5)
    assert not encoded and not sampled and not read  # nothing is computed at the call
    assert next(chunks).start == 0
    assert len(encoded) == 1 and len(sampled) == 1
    assert read[:2] == [90, 90] and read[2] < 25  # twice whole for the level, then one window
    assert sum(len(chunk.frames) for chunk in chunks) == 90 * 25 - 5
    assert len(sampled) == 90 * 25 / 10 and len(encoded) == 5 and read == [90, 90, 90]


class _Heard(nn.Module):
    config = EmotionConfig(network="{}")

    def stream_probabilities(self, audio) -> torch.Tensor:
        assert audio.samples == 61 * RATE
        return choose_emotion("happy").probabilities


def test_the_emotion_of_a_long_voice_is_heard(model, image):
    heard = next(animate(replace(model, emotion_loader=_Heard), image, audio_file(61), options=OPTIONS))
    assert torch.equal(heard.frames, next(animate(model, image, audio_file(61), emotion="happy", options=OPTIONS)).frames)


def live_bytes() -> int:
    """Bytes of the storages of all tensors that Python knows; those that a compiler made up have none."""
    gc.collect()
    tensors = [thing for thing in gc.get_objects() if type(thing) in (torch.Tensor, nn.Parameter)]
    return sum({tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}.values())


def most_held(model, image, seconds: int, **named) -> int:
    """The most that is held, over what was there before, when a chunk of frames has been handed over: at every second of the audio."""
    before, most = live_bytes(), 0
    for chunk in animate(model, image, audio_file(seconds), emotion="sad", options=OPTIONS, batch_size=25, **named):
        if chunk.start % 250 == 0:
            most = max(most, live_bytes() - before)
    return most


def test_nothing_that_is_held_grows_with_the_audio(model, image):
    short, long = most_held(model, image, 70), most_held(model, image, 210)
    assert short > 25 * 3 * 16 * 16 * 4  # the chunk itself is seen
    assert long <= 1.02 * short  # 140 s are 9 MB of samples, 70 kB of features, 170 kB of motion


def test_a_gain_holds_the_motion_and_nothing_else(model, image):
    edits = (MotionEdit(0, gain=2.0),)
    short, long = (most_held(model, image, seconds, edits=edits) for seconds in (65, 135))
    motion = 70 * 25 * 12 * 4
    assert motion / 2 < long - short < 4 * motion  # of 12 floats a frame, edited and not, and the edit's own values

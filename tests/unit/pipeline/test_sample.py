"""sample_motion: options, broadcasting, progress, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from float_core.audio.emotion_timeline import EmotionKeyframe, emotion_timeline
from float_core.audio.speech_emotion import choose_emotion
from float_core.errors import CheckpointError, OptionError
from float_core.pipeline.encode import encode_audio, encode_identity
from float_core.pipeline.sample import sample_motion, stream_motion
from float_core.types import AudioFeatures, EmotionCondition, SamplingOptions

OPTIONS = SamplingOptions(steps=2)


@pytest.fixture
def conditions(model, image, clip):
    return encode_identity(model, image), encode_audio(model, clip), choose_emotion("happy")


def test_motion_and_progress(model, conditions):
    reports: list[tuple[str, int, int]] = []
    result = sample_motion(model, *conditions, OPTIONS, on_progress=lambda *report: reports.append(report))
    assert result.latents.shape == (1, 25, 12) and result.latents.dtype == torch.float32 and result.fps == 25.0
    assert reports == [("sample", n, 6) for n in range(1, 7)]


def test_raising_in_progress_stops_the_work(model, conditions):
    class Stop(Exception):
        pass

    def stop(stage: str, done: int, total: int) -> None:
        if done == 3:
            raise Stop

    with pytest.raises(Stop):
        sample_motion(model, *conditions, OPTIONS, on_progress=stop)
    assert sample_motion(model, *conditions, OPTIONS).latents.shape == (1, 25, 12)  # nothing is left over


def test_single_conditions_are_broadcast(model, image, conditions):
    _, audio, emotion = conditions
    identities = encode_identity(model, torch.cat([image, -image]))
    assert sample_motion(model, identities, audio, emotion, OPTIONS).latents.shape == (2, 25, 12)


def test_the_portrait_is_recorded(model, image, conditions):
    identity, audio, emotion = conditions
    assert torch.equal(sample_motion(model, identity, audio, emotion, OPTIONS).source, identity.motion)
    two_clips = replace(audio, features=audio.features.repeat(2, 1, 1))
    assert torch.equal(sample_motion(model, identity, two_clips, emotion, OPTIONS).source, identity.motion.repeat(2, 1))


def test_a_timeline_of_one_emotion_is_that_emotion_bit_for_bit(model, conditions):
    identity, audio, emotion = conditions
    keyframes = [EmotionKeyframe(0.0, "happy"), EmotionKeyframe(0.4, {"happy": 3.0})]
    timeline = emotion_timeline(keyframes, audio.features.shape[1], audio.fps)
    assert timeline.probabilities.shape == (1, 25, 7)
    constant = sample_motion(model, identity, audio, emotion, OPTIONS).latents
    assert torch.equal(sample_motion(model, identity, audio, timeline, OPTIONS).latents, constant)
    changing = emotion_timeline([*keyframes, EmotionKeyframe(0.8, "sad")], audio.features.shape[1], audio.fps)
    assert not torch.equal(sample_motion(model, identity, audio, changing, OPTIONS).latents, constant)


@pytest.mark.parametrize("size", [1, 7, 10, 25, 40])
@pytest.mark.parametrize("feeling", ["constant", "constant in time", "changing"])
def test_motion_of_a_voice_in_pieces_is_that_of_the_whole(model, conditions, size, feeling):
    identity, audio, emotion = conditions
    if feeling != "constant":
        emotion = EmotionCondition(emotion.probabilities.repeat(1, 25, 1))
    if feeling == "changing":
        emotion.probabilities[:, 13:] = choose_emotion("sad").probabilities
    asked: list[int] = []

    def pieces():
        for piece in audio.features.split(size, dim=1):
            asked.append(piece.shape[1])
            yield piece

    windows = stream_motion(model, identity, pieces(), emotion, OPTIONS)
    first = next(windows)
    assert sum(asked) == min(25, math.ceil(10 / size) * size)  # what the first window needs
    found = torch.cat([first, *windows], dim=1)
    assert torch.equal(found, sample_motion(model, identity, audio, emotion, OPTIONS).latents)


def test_emotion_in_time_has_an_effect_where_it_is(model, conditions):
    identity, audio, _ = conditions
    weights = choose_emotion("neutral").probabilities.repeat(1, 25, 1)
    steady = sample_motion(model, identity, audio, EmotionCondition(weights), OPTIONS).latents
    weights[:, 20:] = choose_emotion("angry").probabilities
    turned = sample_motion(model, identity, audio, EmotionCondition(weights), OPTIONS).latents
    assert torch.equal(steady[:, :18], turned[:, :18]) and not torch.equal(steady[:, 20:], turned[:, 20:])


@pytest.mark.parametrize("shape", [(2, 1, 10, 12), (3, 2, 10, 12), (3, 1, 10), (4, 1, 10, 12)])
def test_noise_of_another_shape(model, conditions, shape):
    with pytest.raises(OptionError, match=r"3, 1, 10, 12"):
        sample_motion(model, *conditions, OPTIONS, noise=torch.zeros(shape))


def test_conditions_that_do_not_fit(model, image, conditions):
    identity, audio, emotion = conditions
    with pytest.raises(OptionError, match=r"audio.features has shape \(1, 25, 4\); expected \(B, T, 5\)"):
        sample_motion(model, identity, AudioFeatures(audio.features[..., :4], 25.0), emotion)
    with pytest.raises(OptionError, match="24 frames; expected 1, or 25"):
        sample_motion(model, identity, audio, EmotionCondition(emotion.probabilities.repeat(1, 24, 1)))
    with pytest.raises(OptionError, match="identity 2, audio 3, emotion 1"):
        sample_motion(
            model, encode_identity(model, image.repeat(2, 1, 1, 1)), replace(audio, features=audio.features.repeat(3, 1, 1)), emotion
        )
    with pytest.raises(OptionError, match="not finite"):
        sample_motion(model, identity, replace(audio, features=audio.features * float("nan")), emotion)
    with pytest.raises(OptionError, match="expected EmotionCondition"):
        sample_motion(model, identity, audio, "happy")
    with pytest.raises(OptionError, match="expected SamplingOptions"):
        sample_motion(model, identity, audio, emotion, {"steps": 4})
    with pytest.raises(CheckpointError, match="no transformer"):
        sample_motion(replace(model, transformer=None), identity, audio, emotion)

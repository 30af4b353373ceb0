"""Emotions over time: rows by hand, transitions, and texts that cannot be read."""

from __future__ import annotations

import math

import pytest
import torch

from float_core.audio.emotion_timeline import EmotionKeyframe, emotion_keyframes_from_text, emotion_timeline
from float_core.audio.speech_emotion import choose_emotion
from float_core.errors import OptionError

HAPPY, NEUTRAL, SAD = (choose_emotion(name).probabilities[0, 0] for name in ("happy", "neutral", "sad"))


def rows(*keyframes: EmotionKeyframe, frames: int = 10, transition: float = 0.0) -> torch.Tensor:
    condition = emotion_timeline(keyframes, frames, 10.0, transition=transition)
    assert condition.probabilities.shape == (1, frames, 7) and condition.probabilities.dtype == torch.float32
    return condition.probabilities[0]


@pytest.mark.parametrize("mix", ["sad", {"happy": 0.7, "surprise": 0.3}, {"happy": 1, "sad": 3, "fear": 5}])
def test_one_emotion_has_its_bits_in_every_frame(mix):
    expected = choose_emotion(mix).probabilities[0].expand(10, -1)
    assert torch.equal(rows(EmotionKeyframe(0.3, mix)), expected)
    assert torch.equal(rows(EmotionKeyframe(0.0, mix), EmotionKeyframe(0.4, mix), EmotionKeyframe(0.5, mix), transition=0.5), expected)


def test_each_from_its_time_on_and_the_first_from_the_beginning():
    found = rows(EmotionKeyframe(0.7, "sad"), EmotionKeyframe(0.2, "happy"))
    assert torch.equal(found[:7], HAPPY.expand(7, -1)) and torch.equal(found[7:], SAD.expand(3, -1))


def test_a_transition_is_centered_on_its_keyframe():
    found = rows(EmotionKeyframe(0.0, "happy"), EmotionKeyframe(0.5, "sad"), transition=0.4)
    shares = [0, 0, 0, 0, 0.15625, 0.5, 0.84375, 1, 1, 1]  # 3 x^2 - 2 x^3 at 0, 1/4, 1/2, 3/4, 1
    for row, share in zip(found, shares, strict=True):
        torch.testing.assert_close(row, (1 - share) * HAPPY + share * SAD)
    assert torch.equal(found[3], HAPPY) and torch.equal(found[7], SAD)


def test_rows_are_weights_however_close_the_keyframes_are():
    keyframes = [EmotionKeyframe(0.1 * i, name, 0.9) for i, name in enumerate(("happy", "sad", "angry", "fear", "disgust", "surprise"))]
    found = rows(*keyframes, transition=0.5)
    assert float(found.min()) >= 0
    torch.testing.assert_close(found.sum(-1), torch.ones(10))


def test_strength_is_the_share_against_neutral():
    torch.testing.assert_close(rows(EmotionKeyframe(0, "happy", 0.25), frames=1)[0], 0.25 * HAPPY + 0.75 * NEUTRAL)
    assert torch.equal(rows(EmotionKeyframe(0, "happy", 0.0), frames=1)[0], NEUTRAL)


def test_text():
    text = "# a take\n0.0 happy\n\n 2.5  happy=0.7, surprise=0.3 x0.8  # calmer\n3 sad x 0.5\n"
    assert emotion_keyframes_from_text(text) == (
        EmotionKeyframe(0.0, "happy"),
        EmotionKeyframe(2.5, "happy=0.7, surprise=0.3", 0.8),
        EmotionKeyframe(3.0, "sad", 0.5),
    )
    as_mix = rows(EmotionKeyframe(0, {"happy": 0.7, "surprise": 0.3}), frames=1)
    assert torch.equal(rows(EmotionKeyframe(0, "happy=0.7, surprise=0.3"), frames=1), as_mix)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty; expected a line such as"),
        ("# nothing\n\n", "is empty"),
        (None, "NoneType; expected text"),
        ("0 happy\n1.0", "line 2 of the emotion timeline, '1.0', has no emotion"),
        ("happy", "line 1 .* has no emotion"),
        ("now happy", "line 1 .*'now' is not a number"),
        ("-1 happy", "line 1 .*time of an emotion keyframe is -1.0; expected a finite number from 0"),
        ("nan happy", "line 1 .*time"),
        ("inf happy", "line 1 .*time"),
        ("0 cheerful", "line 1 .*unknown emotion 'cheerful'; expected angry"),
        ("0 happy=0.5,cheerful=1", "line 1 .*unknown emotion 'cheerful'"),
        ("0 happy=a", "line 1 .*'a' is not a number"),
        ("0 happy=", "line 1 .*'' is not a number"),
        ("0 happy=1,happy=2", "line 1 .*names happy twice"),
        ("0 happy=-1", "line 1 .*weight of emotion 'happy'"),
        ("0 happy=0", "line 1 .*at least one weight above 0"),
        ("0 happy x1.5", "line 1 .*strength of an emotion keyframe is 1.5; expected a finite number from 0 to 1"),
        ("0 happy xa", "line 1 .*'a' is not a number"),
        ("0 x0.5", "line 1 .*"),
        ("0 happy sad", "line 1 .*unknown emotion 'happy sad'"),
    ],
)
def test_wrong_texts(text, says):
    with pytest.raises(OptionError, match=says):
        emotion_keyframes_from_text(text)


def test_wrong_keyframes_and_timelines():
    for arguments in (
        (-1.0, "happy"),
        (math.nan, "happy"),
        ("0", "happy"),
        (0.0, "happy", 1.1),
        (0.0, "happy", None),
        (0.0, "hapy"),
        (0.0, 3),
    ):
        with pytest.raises(OptionError):
            EmotionKeyframe(*arguments)
    with pytest.raises(OptionError, match="no keyframes"):
        emotion_timeline([], 10, 25.0)
    good = [EmotionKeyframe(0.0, "happy")]
    for arguments in ({"frames": 0}, {"frames": "1"}, {"fps": 0.0}, {"fps": math.nan}, {"transition": -1.0}, {"transition": math.inf}):
        with pytest.raises(OptionError, match=next(iter(arguments))):
            emotion_timeline(good, **({"frames": 10, "fps": 25.0} | arguments))

"""The motion that synthetic voices come with: exact lengths, lips that close, rest in silence, emotions that differ."""

from __future__ import annotations

import numpy as np
import pytest

from float_core.config import EMOTIONS
from float_core.synthetic import speech_motion, visemes
from float_core.synthetic.espeak import Phoneme
from float_core.synthetic.rig import RIG_NAMES, RIG_RANGES
from float_core.training.clip_mouths import drawn_opening


def spoken(text: str, start: float = 0.5, step: float = 0.1, end: float = 0.6) -> list[Phoneme]:
    """One phoneme a letter, `step` seconds each, silence around them."""
    phonemes = [Phoneme(letter, start + i * step, start + (i + 1) * step) for i, letter in enumerate(text)]
    last = start + len(text) * step
    return [Phoneme("", 0.0, start), *phonemes, Phoneme("", last, last + end)]


def column(rig: np.ndarray, name: str) -> np.ndarray:
    return rig[:, RIG_NAMES.index(name)]


@pytest.mark.parametrize("frames", [1, 7, 50])
def test_curves_have_the_asked_length(frames: int) -> None:
    assert visemes.mouth_curves(spoken("aba"), frames).shape == (frames, len(visemes.CONTROLS))


def lips(curves: np.ndarray) -> np.ndarray:
    """How far apart the lips are drawn, in head units: a wide open mouth has 0.25."""
    rig = np.zeros((len(curves), len(RIG_NAMES)))
    for i, name in enumerate(visemes.CONTROLS):
        rig[:, RIG_NAMES.index(name)] = curves[:, i]
    return drawn_opening(rig)


def test_lips_close_at_every_p_b_m_and_are_open_at_vowels() -> None:
    phonemes = spoken("apabamapaba", step=0.1)
    opening = lips(visemes.mouth_curves(phonemes, 55))
    for phoneme in phonemes:
        middle = int((phoneme.start + phoneme.end) / 2 * 25)
        if phoneme.name in ("p", "b", "m"):
            assert opening[middle] < 0.012, phoneme
        if phoneme.name == "a":
            assert opening[max(0, middle - 1) : middle + 2].max() > 0.06, phoneme


def test_vowels_differ_as_mouths_do() -> None:
    curves = {vowel: visemes.mouth_curves(spoken(vowel, step=0.4), 30) for vowel in "aiu"}
    opening = {vowel: lips(curve)[17] for vowel, curve in curves.items()}
    shape = {vowel: curve[17] for vowel, curve in curves.items()}
    wide, pucker, smile = (visemes.CONTROLS.index(name) for name in ("mouth_wide", "pucker", "smile"))
    assert opening["a"] > 1.4 * opening["i"] > 2 * opening["u"]
    assert shape["i"][wide] > 0.03 > -0.05 > shape["u"][wide]
    assert shape["i"][smile] > 0.1 > -0.1 > shape["u"][smile]
    assert shape["u"][pucker] > 0.4 > 0.1 > shape["i"][pucker]


def test_the_opening_that_is_asked_for_is_the_one_that_is_drawn() -> None:
    opening, pucker = np.linspace(0, 0.28, 15), np.linspace(0, 1, 15)
    jaw, part = visemes.split_opening(opening, pucker)
    curves = np.zeros((15, len(visemes.CONTROLS)))
    for name, values in (("jaw_open", jaw), ("lips_part", part), ("pucker", pucker)):
        curves[:, visemes.CONTROLS.index(name)] = values
    np.testing.assert_allclose(lips(curves), opening, atol=1e-9)


def test_a_real_mouth_takes_the_place_of_the_spoken_one() -> None:
    mouth = {"jaw_open": np.linspace(0, 0.5, 100), "smile": np.full(100, 0.1)}
    made = speech_motion.clip_motion([], np.ones(100), "neutral", np.random.default_rng(0), mouth=mouth)
    np.testing.assert_allclose(column(made.rig, "jaw_open"), mouth["jaw_open"], atol=1e-6)
    np.testing.assert_allclose(column(made.rig, "smile") - made.rest[RIG_NAMES.index("smile")], 0.1, atol=1e-6)
    assert column(made.rig, "yaw").std() > 0.5
    assert column(made.rig, "lips_part").any() == 0


def test_rounding_is_anticipated() -> None:
    pucker = visemes.CONTROLS.index("pucker")
    rounded, spread = (visemes.mouth_curves(spoken("st" + vowel, step=0.12), 40)[:, pucker] for vowel in "ui")
    during_t = int(0.7 * 25)
    assert rounded[during_t] > spread[during_t] + 0.06


@pytest.mark.parametrize("name", ["aɪ", "tʃ", "unknown ✗", "ɔ̃", "əl", ""])
def test_every_phoneme_gives_segments_that_fill_its_time(name: str) -> None:
    parts = visemes.segments([Phoneme(name, 1.0, 1.3)])
    assert parts[0].start == 1.0
    assert parts[-1].end == pytest.approx(1.3)
    assert all(part.viseme in visemes.VISEMES for part in parts)
    assert len(visemes.segments([Phoneme("aɪ", 0, 1)])) == 2


def motion(emotion: str, seed: int = 0, frames: int = 200) -> speech_motion.ClipMotion:
    phonemes = spoken("mamipapu" * 4, start=1.0, step=0.15, end=2.2)
    times = (np.arange(frames) + 0.5) / 25
    loudness = np.where((times > 1.0) & (times < 5.8), 0.7 + 0.3 * np.sin(9 * times), 0.0)
    return speech_motion.clip_motion(phonemes, loudness, emotion, np.random.default_rng(seed))


def test_motion_stays_in_range_and_rests_in_silence() -> None:
    for seed in range(6):
        rig = motion("neutral", seed).rig
        assert rig.shape == (200, 20)
        for i, name in enumerate(RIG_NAMES):
            low, high = RIG_RANGES[name]
            assert low <= rig[:, i].min(), name
            assert rig[:, i].max() <= high, name
        assert drawn_opening(rig)[151:].max() < 0.01, "lips meet 0.2 s after the last sound"
        assert drawn_opening(rig)[30:140].max() > 0.1


def test_head_and_eyes_move() -> None:
    rigs = [motion("neutral", seed).rig for seed in range(20)]
    assert 3.5 < np.mean([column(rig, "yaw").std() for rig in rigs]) < 8.0
    blinks = sum(int(np.diff((column(rig, "blink") > 0.5).astype(int)).clip(0).sum()) for rig in rigs)
    assert 8 < blinks * 60 / (20 * 8) < 32
    assert np.mean([column(rig, "gaze_x").std() for rig in rigs]) > 0.03


def test_emotions_differ_where_faces_do() -> None:
    mean = {
        emotion: np.mean([(lambda m: m.rig - m.rest)(motion(emotion, seed)).mean(0) for seed in range(8)], axis=0) for emotion in EMOTIONS
    }
    smile, brow = RIG_NAMES.index("smile"), RIG_NAMES.index("brow_inner")
    assert mean["happy"][smile] > 0.35 > -0.2 > mean["sad"][smile]
    assert mean["surprise"][brow] > 0.35 > -0.35 > mean["angry"][brow]
    assert abs(mean["neutral"][smile]) < 0.15, "corners move in speech, too"


def test_the_generator_decides_everything() -> None:
    assert np.array_equal(motion("happy", 3).rig, motion("happy", 3).rig)
    assert not np.array_equal(motion("happy", 3).rig, motion("happy", 4).rig)


def test_loudness_follows_the_sound() -> None:
    wave = np.zeros(32000, dtype=np.float32)
    wave[12000:20000] = np.sin(np.arange(8000) * 0.3)
    level = speech_motion.loudness_curve(wave, 16000, 50)
    assert level.shape == (50,)
    assert level[:15].max() < 0.01
    assert level[22:28].min() > 0.8

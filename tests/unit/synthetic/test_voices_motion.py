"""The motion that synthetic voices come with: exact lengths, lips that close, rest in silence, emotions that differ."""

from __future__ import annotations

import numpy as np
import pytest

from float_core.config import EMOTIONS
from float_core.synthetic import speech_motion, visemes
from float_core.synthetic.espeak import Phoneme
from float_core.synthetic.rig import RIG_NAMES, RIG_RANGES


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


def test_lips_close_at_every_p_b_m_and_are_open_at_vowels() -> None:
    phonemes = spoken("apabamapaba", step=0.07)
    curves = visemes.mouth_curves(phonemes, 45)
    opening = curves[:, 0] + curves[:, 1]
    for phoneme in phonemes:
        middle = int((phoneme.start + phoneme.end) / 2 * 25)
        if phoneme.name in ("p", "b", "m"):
            assert opening[middle] < 0.05, phoneme
        if phoneme.name == "a":
            assert opening[max(0, middle - 1) : middle + 2].max() > 0.25, phoneme


def test_vowels_differ_as_mouths_do() -> None:
    shape = {vowel: visemes.mouth_curves(spoken(vowel, step=0.4), 30)[17] for vowel in "aiu"}
    jaw, wide, pucker = (visemes.CONTROLS.index(name) for name in ("jaw_open", "mouth_wide", "pucker"))
    assert shape["a"][jaw] > 2 * max(shape["i"][jaw], shape["u"][jaw])
    assert shape["i"][wide] > 0.3 > -0.3 > shape["u"][wide]
    assert shape["u"][pucker] > 0.6 > 0.1 > shape["i"][pucker]


def test_rounding_is_anticipated() -> None:
    pucker = visemes.CONTROLS.index("pucker")
    rounded, spread = (visemes.mouth_curves(spoken("st" + vowel, step=0.12), 40)[:, pucker] for vowel in "ui")
    during_t = int(0.7 * 25)
    assert rounded[during_t] > spread[during_t] + 0.1


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
        assert np.abs(column(rig, "jaw_open")[165:]).max() < 0.02
        assert np.abs(column(rig, "lips_part")[165:]).max() < 0.02
        assert column(rig, "jaw_open")[30:140].max() > 0.3


def test_head_and_eyes_move() -> None:
    rigs = [motion("neutral", seed).rig for seed in range(20)]
    assert 1.0 < np.mean([column(rig, "yaw").std() for rig in rigs]) < 6.0
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
    assert abs(mean["neutral"][smile]) < 0.1


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

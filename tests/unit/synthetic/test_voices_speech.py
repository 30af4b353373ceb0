"""Synthetic voices by espeak-ng: phonemes in time, equal seeds equal clips, effects that keep the length."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from float_core.errors import AudioError, OptionError
from float_core.synthetic import espeak, synthetic_voices, voice_effects
from float_core.synthetic.sentences import LANGUAGES, draw_sentence


def installed() -> bool:
    try:
        espeak._library()
    except AudioError:
        return False
    return True


needs_espeak = pytest.mark.skipif(not installed(), reason="espeak-ng is not installed")


@needs_espeak
def test_phonemes_cover_the_sound_in_order() -> None:
    speech = espeak.speak("Bob's big puppy.", "en-us+f3", espeak.Prosody(rate=150))
    names = [p.name for p in speech.phonemes if p.name]
    assert names[0] == "b"
    assert names.count("p") == 2
    assert speech.phonemes[-1].end == pytest.approx(len(speech.waveform) / speech.sample_rate)
    for before, after in zip(speech.phonemes, speech.phonemes[1:], strict=False):
        assert before.end == after.start
    assert 0.05 < np.abs(speech.waveform).max() <= 1


@needs_espeak
def test_prosody_has_its_effect_and_a_wrong_voice_is_an_error() -> None:
    slow, fast = (len(espeak.speak("The moon is above the house.", "en", espeak.Prosody(rate=rate)).waveform) for rate in (100, 250))
    assert slow > 1.5 * fast
    with pytest.raises(AudioError, match="no voice 'nobody'"):
        espeak.speak("Hello", "nobody", espeak.Prosody())


def test_without_espeak_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    espeak._library.cache_clear()
    monkeypatch.setattr(espeak, "_open", lambda name: None)
    with pytest.raises(AudioError, match="apt install espeak-ng"):
        espeak.speak("Hello", "en", espeak.Prosody())
    espeak._library.cache_clear()


@needs_espeak
def test_clips_are_decided_by_seed_and_index_and_survive_the_file(tmp_path: Path) -> None:
    clip = synthetic_voices.make_clip(5, 2)
    again = synthetic_voices.make_clip(5, 2)
    assert [p.name for p in clip.phonemes] == [p.name for p in again.phonemes]
    assert (clip.voice, clip.emotion) == (again.voice, again.emotion)
    assert len(clip.waveform) == pytest.approx(len(again.waveform), rel=0.02)  # espeak-ng itself is not exact
    assert len(clip.rig) == math.ceil(len(clip.waveform) * 25 / 16000)
    assert 3.5 <= len(clip.rig) / 25 <= 16
    synthetic_voices.save_clip(clip, tmp_path / "clip.npz")
    read = synthetic_voices.load_clip(tmp_path / "clip.npz")
    assert np.abs(read.waveform - clip.waveform).max() < 1e-4
    assert np.array_equal(read.rig, clip.rig)
    assert [p.name for p in read.phonemes] == [p.name for p in clip.phonemes]
    assert (read.emotion, read.voice, read.held_out) == (clip.emotion, clip.voice, clip.held_out)


@needs_espeak
def test_a_folder_of_voices(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    folder = synthetic_voices.synthesize_voices(tmp_path, count=4, seed=1, held_out=0.25, on_progress=lambda *a: seen.append(a))
    clips = [synthetic_voices.load_clip(path) for path in sorted(folder.glob("*.npz"))]
    assert [clip.held_out for clip in clips] == [False, False, False, True]
    assert clips[3].voice.split("+")[1] in synthetic_voices._HELD_OUT
    assert seen[-1] == ("voices", 4, 4)
    assert json.loads((folder / "voices.json").read_text())["count"] == 4


def test_options_are_checked(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="count is 0"):
        synthetic_voices.synthesize_voices(tmp_path, count=0)


def test_sentences_are_varied() -> None:
    random = np.random.default_rng(0)
    drawn = {draw_sentence(random) for _ in range(300)}
    assert len(drawn) > 200
    assert all(sentence[0].isupper() and sentence[-1] in ".?!" for sentence in drawn)
    assert all(draw_sentence(random, language) for language in LANGUAGES)


@pytest.mark.parametrize("seed", range(6))
def test_effects_keep_length_and_range(seed: int) -> None:
    wave = np.sin(np.arange(20000) * 0.1).astype(np.float32)
    changed = voice_effects.disturb(wave, np.random.default_rng(seed))
    assert changed.shape == wave.shape
    assert changed.dtype == np.float32
    assert 0.05 < np.abs(changed).max() <= 1


@pytest.mark.parametrize("rate", [22050, 24000, 8000])
def test_resampling_keeps_a_tone(rate: int) -> None:
    time = np.arange(rate) / rate
    window = np.hanning(len(time))
    tone = np.sin(2 * np.pi * 440 * time) * window
    expected = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000) * np.hanning(16000)
    assert np.abs(voice_effects.resample(tone, rate, 16000) - expected).max() < 2e-3

"""Delays of the sound: found where they are known, and the threshold at which lips count as following it."""

import numpy as np
import pytest

from float_core.training.audio_offset import LEAST, SURE, correlate, loudness, settle
from tests.unit.training.drawn_talker import RATE, speech


def noisy_clip(seconds, seed=0, late=0.0, foreign=False, noise=2.0, start=0.0):
    """Lips that follow their sound as loosely as real ones do: r is about 0.5 with noise 2."""
    lips, sound = speech(seconds, seed)
    if foreign:
        sound = speech(seconds, seed + 1000)[1]
    random = np.random.default_rng(seed + 50)
    extra = np.convolve(random.standard_normal(len(lips) + 4), np.hanning(7)[1:-1], "valid")[: len(lips)]
    opening = 0.01 * (lips + noise * lips.std() * extra / extra.std())
    return correlate(opening, 25, np.roll(sound, round(late * RATE)), RATE, start)


@pytest.mark.parametrize("late", [0.0, 0.18, -0.35])
def test_a_delay_is_found(late):
    (delay,) = settle([noisy_clip(12, late=late)], one_clock=True)
    assert delay.follows and delay.z > SURE and delay.seconds == pytest.approx(late, abs=0.03) and delay.drift == 0


def test_foreign_sound_stays_below_the_threshold_and_true_sound_above_it():
    """The figures of the module's docstring, on 60 drawn clips of 10 seconds each."""
    true = [settle([noisy_clip(10, seed)], one_clock=True)[0] for seed in range(60)]
    foreign = [settle([noisy_clip(10, seed, foreign=True)], one_clock=True)[0] for seed in range(60)]
    assert 0.35 < np.median([delay.r for delay in true]) < 0.65
    assert sum(delay.follows for delay in true) >= 58 and sum(not delay.follows for delay in foreign) >= 48
    assert np.percentile([delay.z for delay in foreign], 90) < SURE < np.percentile([delay.z for delay in true], 10)


def test_a_recordings_short_clips_decide_together():
    """Alone, two seconds say too little to move the sound."""
    clips = [noisy_clip(2, seed, late=0.2) for seed in range(8)]
    assert sum(settle([clip], one_clock=True)[0].z > SURE for clip in clips) <= 2
    assert [delay.seconds for delay in settle(clips, one_clock=False)] == pytest.approx([0.2] * 8, abs=0.03)


def test_a_clip_that_is_sure_of_another_delay_keeps_its_own():
    clips = [noisy_clip(4, seed) for seed in range(6)] + [noisy_clip(12, 9, late=0.3)]
    delays = settle(clips, one_clock=False)
    assert delays[0].seconds == pytest.approx(0, abs=0.02) and delays[-1].seconds == pytest.approx(0.3, abs=0.03)


def test_a_delay_that_grows_from_clip_to_clip_is_a_drift():
    clips = [noisy_clip(8, seed, late=0.06 * seed - 0.2, start=8.0 * seed) for seed in range(7)]
    delays = settle(clips, one_clock=True)
    assert {round(delay.drift, 4) for delay in delays} == {round(delays[0].drift, 4)}
    assert delays[0].drift == pytest.approx(0.06 / 8, abs=0.0015)
    assert settle(clips, one_clock=False)[0].drift == 0  # of files that are not parts of one, nothing grows


def test_short_clips_are_left_out_only_if_nothing_follows():
    delays = [settle([noisy_clip(3, seed)], one_clock=True)[0] for seed in range(30)]
    assert sum(delay.follows for delay in delays) >= 28
    assert all(delay.seconds == 0 for delay in delays if delay.z < SURE)  # too little to move anything
    assert all(delay.r >= LEAST for delay in delays if delay.follows and delay.z < SURE)


def test_silence_fits_lips_that_are_still():
    rest, silence = np.full(75, 0.02), np.zeros(3 * RATE)
    lips, _sound = speech(3)
    still, moving = (correlate(opening, 25, silence, RATE, 0.0) for opening in (rest, 0.01 * lips))
    assert [delay.follows for delay in settle([still, moving], one_clock=False)] == [True, False]
    assert settle([still, *(noisy_clip(6, seed) for seed in range(3))], one_clock=False)[0].follows


def test_loudness_is_of_the_band_of_open_mouths():
    time = np.arange(RATE) / RATE
    low, inside = (loudness(0.1 * np.sin(2 * np.pi * pitch * time), RATE, 100)[50] for pitch in (200, 2000))
    assert inside - low > 30
    assert len(loudness(np.zeros(10), RATE, 7)) == 7

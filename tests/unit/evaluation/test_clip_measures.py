"""The measures of one clip on curves and frames whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from float_core.evaluation.blinks import blink_rate, blink_seconds, blinks
from float_core.evaluation.codec import through_codec
from float_core.evaluation.confidence import estimate
from float_core.evaluation.frechet import frechet_distance, gaussian_distance
from float_core.evaluation.image_measures import sharpness, ssim
from float_core.evaluation.lip_measures import (
    best_lag,
    closed_at,
    closed_elsewhere,
    correlation,
    lip_dynamics,
    opening_spread,
    silent_frames,
    silent_lip_stability,
)
from float_core.evaluation.motion_measures import closeness, diversity, head_dynamics
from float_core.evaluation.spoken_clip import FaceTracks, lip_closures

FPS = 25


def talk(seed: int, frames: int = 200) -> np.ndarray:
    """Lips that open and close as in speech, 0 to about 0.3."""
    noise = np.random.default_rng(seed).standard_normal(frames + 20)
    return 0.1 * np.abs(np.convolve(noise, np.hanning(7), "same")[10:-10])


def test_a_shifted_curve_gives_the_lag():
    true = talk(0, 230)
    r, lag = best_lag(true[10:210], true[14:214], FPS)  # shows what the true lips did four frames before
    assert r > 0.99 and lag == pytest.approx(4 / FPS, abs=0.01)
    assert best_lag(true[14:214], true[10:210], FPS)[1] == pytest.approx(-4 / FPS, abs=0.01)
    assert correlation(true[10:210], true[14:214]) < 0.5


def test_half_the_opening_gives_half_the_spread_and_follows_as_well():
    true = talk(1)
    assert opening_spread(0.5 * true + 0.02, true) == pytest.approx(0.5) and correlation(0.5 * true, true) == pytest.approx(1)
    assert math.isnan(opening_spread(true, np.zeros(200)))


def test_a_foreign_curve_gives_r_near_zero_and_a_still_one_none():
    found = [correlation(talk(n), talk(100 + n)) for n in range(20)]
    assert abs(np.mean(found)) < 0.1 and correlation(np.ones(9), np.arange(9.0)) == 0


def test_lip_dynamics_compare_how_fast_lips_move_not_when():
    true = talk(2)
    assert lip_dynamics(true, true) == 1 and lip_dynamics(true[::-1], true) == pytest.approx(1)
    assert lip_dynamics(0.3 * true, true) < 0.6 and lip_dynamics(np.zeros(200), true) < 0.05


def test_closures_are_found_near_their_times_only():
    lips = np.full(100, 0.2)
    lips[49:51] = 0.01
    assert closed_at(lips, [2.0], FPS) == closed_at(lips, [1.9], FPS) == 1 and closed_at(lips, [2.0, 3.0], FPS) == 0.5
    assert math.isnan(closed_at(lips, [9.0], FPS))
    voice = np.full(64000, 0.5, np.float32)
    assert closed_elsewhere(lips, voice, [2.0], FPS) == 0 and closed_elsewhere(np.zeros(100), voice, [2.0], FPS) == 1


def test_when_p_b_m_close_the_lips():
    words = [("Bin", 0.5, 0.7), ("white", 0.7, 1.0), ("at", 1, 1.2), ("m", 1.2, 1.5), ("pneuma", 2, 3), ("please", 3, 3.5)]
    assert lip_closures(words, []) == (0.5, 1.5, 3)
    assert lip_closures(words, [("b", 0.5, 0.6), ("ɪ", 0.6, 0.7), ("", 0.7, 1)]) == (pytest.approx(0.55),)


def test_silence_is_what_has_been_quiet_for_a_while():
    voice = np.zeros(32000, np.float32)  # 50 frames, a voice from frame 10 to 30
    voice[6400:19200] = np.sin(np.arange(12800))
    assert np.flatnonzero(silent_frames(voice, 50)).tolist() == [*range(10), *range(35, 50)]
    true = talk(3, 50)
    resting = np.where(silent_frames(voice, 50), 0.02, true)
    assert silent_lip_stability(true, voice, true, voice) == silent_lip_stability(resting, voice, resting, voice) == 1
    assert silent_lip_stability(resting, voice, true, voice) < 0.3 and silent_lip_stability(3 * true, voice, true, voice) < 0.5
    assert math.isnan(silent_lip_stability(true, np.ones(32000), true, voice))


def test_blinks_of_both_eyes_are_counted_and_timed():
    lids = np.full((250, 2), 0.3)
    lids[50:55] = lids[150:153] = 0.05
    lids[100:104, 0] = 0.05  # one eye only
    lids[200:230] = 0.05  # asleep
    lids[:3] = lids[247:] = 0.05  # the clip's ends
    assert blinks(lids, FPS) == [(2.0, 0.2), (6.0, 0.12)]
    assert blink_rate(lids, FPS) == pytest.approx(12) and blink_seconds(lids, FPS) == pytest.approx(0.16)
    assert blink_rate(np.full((50, 2), 0.3), FPS) == 0 and math.isnan(blink_seconds(np.full((50, 2), 0.3), FPS))


def test_head_dynamics():
    random = np.random.default_rng(4)
    pose = np.cumsum(random.standard_normal((200, 3)), 0)
    other = np.cumsum(random.standard_normal((200, 3)), 0)
    assert head_dynamics(pose, pose) == 1 and head_dynamics(other, pose) > 0.8 and head_dynamics(0 * pose, pose) < 0.05


def test_closeness_is_one_minus_the_largest_step_between_both():
    assert closeness(np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6])) == 0.5
    assert closeness(np.zeros(3), np.ones(5)) == 0


def test_diversity_compares_seeds_with_moments():
    random = np.random.default_rng(5)
    one = random.standard_normal((1, 400, 6))
    assert diversity(np.repeat(one, 3, 0)) == pytest.approx(0) and diversity(random.standard_normal((3, 400, 6))) == pytest.approx(
        1, abs=0.1
    )
    assert math.isnan(diversity(np.zeros((2, 5, 3))))


def test_frechet_distance_is_scipys():
    from scipy.linalg import sqrtm

    random = np.random.default_rng(6)
    means, roots = random.standard_normal((2, 5)), random.standard_normal((2, 5, 5))
    a, b = (root @ root.T for root in roots)
    expected = np.square(means[0] - means[1]).sum() + np.trace(a + b - 2 * np.real(sqrtm(a @ b)))
    assert gaussian_distance(means[0], a, means[1], b) == pytest.approx(expected)
    assert gaussian_distance(np.zeros(3), 4 * np.eye(3), np.array([1.0, 0, 0]), np.eye(3)) == pytest.approx(1 + 3 * (2 - 1) ** 2)
    samples = random.multivariate_normal(means[0], a, 4000), random.multivariate_normal(means[1], b, 4000)
    assert frechet_distance(*samples) == pytest.approx(expected, rel=0.1)
    assert frechet_distance(samples[0], samples[0]) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(samples[0][:3, :1], 1 + samples[0][:3, :1]) == pytest.approx(1)  # fewer than the covariance needs
    assert math.isnan(frechet_distance(samples[0][:1], samples[1]))


def test_the_interval_covers_the_mean_nineteen_times_in_twenty():
    random = np.random.default_rng(7)
    found = [estimate(random.standard_normal(30)) for _ in range(300)]
    assert 0.88 < np.mean([each.low <= 0 <= each.high for each in found]) < 0.98
    assert estimate([1.0, 3.0, math.nan]) == estimate([1.0, 3.0]) and estimate([1.0, 3.0]).clips == 2
    assert estimate([2.0]).mean == 2 and math.isnan(estimate([2.0]).low) and math.isnan(estimate([]).mean)


def image(seed: int) -> np.ndarray:
    waves = np.random.default_rng(seed).uniform(0.02, 0.3, (4, 2))
    y, x = np.mgrid[:64, :64]
    return np.repeat((128 + 30 * sum(np.sin(a * x + b * y) for a, b in waves)).clip(0, 255).astype(np.uint8)[..., None], 3, 2)[None]


def test_ssim_and_sharpness():
    frame = image(0)
    blurred = ((frame.astype(int) + np.roll(frame, 1, 1) + np.roll(frame, 1, 2) + np.roll(frame, -1, 2)) // 4).astype(np.uint8)
    assert ssim(frame, frame) == 1 and ssim(blurred, frame) > ssim(image(1), frame)
    assert ssim(np.full_like(frame, 100), np.full_like(frame, 140)) == pytest.approx((2 * 100 * 140 + 6.5025) / (100**2 + 140**2 + 6.5025))
    ramp = np.repeat((3 * np.mgrid[:32, :32][1]).astype(np.uint8)[None, ..., None], 3, 3)
    assert sharpness(ramp) == pytest.approx(0, abs=1e-6)
    dot = np.zeros((1, 9, 9, 3), np.uint8)
    dot[0, 4, 4] = 10
    assert sharpness(dot) == pytest.approx((40**2 + 4 * 10**2) / 49, rel=1e-5)


def test_the_codec_keeps_what_is_seen_and_loses_detail():
    frames = np.concatenate([np.roll(image(2), shift, 1) for shift in range(6)])
    shown, coarse = through_codec(frames, FPS), through_codec(frames, FPS, 45)
    assert shown.shape == frames.shape and np.abs(shown.astype(int) - frames).mean() < 4
    assert ssim(coarse, frames) < ssim(shown, frames)


def test_frames_without_a_face_lie_between_the_others():
    rows = [None, np.arange(6.0), None, np.arange(6.0) + 2]
    tracks = FaceTracks.of_rows(rows)
    assert tracks.seen.tolist() == [False, True, False, True] and tracks.lips.tolist() == [0, 0, 1, 2]
    assert tracks.lids.shape == (4, 2) and tracks.pose[3].tolist() == [5, 6, 7] and len(tracks.first(3).lips) == 3
    assert not FaceTracks.of_rows([None, None]).seen.any()

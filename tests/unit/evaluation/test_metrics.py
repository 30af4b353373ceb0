"""Every metric on inputs whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from float_core import evaluation as metrics


def test_psnr():
    reference = torch.zeros(1, 3, 4, 4)
    assert metrics.psnr(reference, reference) == math.inf
    assert metrics.psnr(reference + 0.2, reference) == pytest.approx(20.0, abs=1e-4)  # 20 log10(2 / 0.2)


def test_mouth_following():
    time = np.linspace(0, 6, 120)
    true = [np.sin(time), np.cos(time)]
    assert metrics.mouth_correlation([2 * true[0], true[1] + 1], true) == pytest.approx(1)
    assert metrics.mouth_correlation([-true[0], -true[1]], true) == pytest.approx(-1)
    assert metrics.mouth_error([true[0] + 0.5, true[1][:60] + 0.5], true) == pytest.approx(0.5)  # lengths may differ
    assert metrics.audio_gain([true[0] + 0.1], [true[0] + 0.3], [true[0]]) == pytest.approx(3)


def test_closed_share_forgives_one_frame():
    opening = [np.array([1.0, 0.0, 1.0, 1.0, 1.0, 1.0])]
    assert metrics.closed_share(opening, [np.array([1, 0, 0, 0, 0, 1.0])]) == 0.5
    assert math.isnan(metrics.closed_share(opening, [np.zeros(6)]))


def test_seam_ratio_sees_a_jump():
    smooth = np.cumsum(np.random.default_rng(0).standard_normal((200, 3)) * 0.01, 0)
    jump = smooth + 5.0 * (np.arange(200) >= 50)[:, None]
    assert metrics.seam_ratio([smooth], 50) == pytest.approx(1, abs=0.4)
    assert metrics.seam_ratio([jump], 50) > 5
    assert math.isnan(metrics.seam_ratio([np.zeros((200, 3))], 50))


def test_blinks_and_spread():
    closure = np.zeros(250)
    closure[50:54] = closure[150:155] = 1
    assert metrics.blinks_per_minute([closure]) == pytest.approx(12)
    assert metrics.temporal_spread([np.array([1.0, -1.0]), np.zeros(2)]) == pytest.approx(0.5)


def test_still_share():
    frames = torch.zeros(4, 3, 2, 2)
    frames[::2, :, 0, 0] = 1
    assert metrics.still_share(frames, torch.ones(2, 2)) == 0.75
    assert metrics.still_share(frames, torch.tensor([[1, 0], [0, 0]])) == 0

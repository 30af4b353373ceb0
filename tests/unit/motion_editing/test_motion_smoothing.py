"""Smoothing without a shift in time, and seams that stop to stand out."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from float_core.errors import OptionError
from float_core.evaluation import seam_ratio
from float_core.motion_editing import repair_seams, smooth_motion
from float_core.types import MotionSequence


def motion_of(model, coefficients: torch.Tensor, outside: float = 0.0) -> MotionSequence:
    """Motion with these coefficients (T, 4), and noise outside of the basis."""
    noise = torch.randn(len(coefficients), 12, generator=torch.Generator().manual_seed(3)) * outside
    noise = noise - noise @ model.basis @ model.basis.T
    return MotionSequence((coefficients @ model.basis.T + noise)[None], 25.0)


def coefficients(model, motion: MotionSequence) -> torch.Tensor:
    return motion.latents[0] @ model.basis


def test_off_is_the_same_motion(model):
    motion = motion_of(model, torch.randn(30, 4), outside=1.0)
    for seconds in (0, 0.0, {}, {1: 0.0}):
        assert smooth_motion(model, motion, seconds) is motion
    assert repair_seams(motion, strength=0.0) is motion
    assert repair_seams(motion) is motion  # shorter than a window: no seam


def test_an_impulse_becomes_a_symmetric_gaussian(model):
    impulse = torch.zeros(41, 4)
    impulse[20, 2] = 1.0
    found = coefficients(model, smooth_motion(model, motion_of(model, impulse), 0.08))[:, 2].double()  # 2 frames
    weights = [math.exp(-0.5 * (i / 2) ** 2) for i in range(-8, 9)]
    expected = [0.0] * 12 + [weight / sum(weights) for weight in weights] + [0.0] * 12
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-6)
    torch.testing.assert_close(found, found.flip(0), rtol=0, atol=1e-6)


def test_a_sinusoid_keeps_its_phase_and_loses_what_a_gaussian_takes(model):
    angle = 2 * torch.pi * 0.8 * torch.arange(200) / 25
    motion = motion_of(model, angle.sin()[:, None].expand(-1, 4))
    found = coefficients(model, smooth_motion(model, motion, 0.1))[:, 0]
    gain = math.exp(-0.5 * (2 * math.pi * 0.8 * 0.1) ** 2)
    torch.testing.assert_close(found[20:-20], gain * angle.sin()[20:-20], rtol=0, atol=1e-3)


def test_ends_and_straight_lines_stay(model):
    line = torch.linspace(-1, 2, 30)[:, None].expand(-1, 4).contiguous()
    torch.testing.assert_close(coefficients(model, smooth_motion(model, motion_of(model, line), 0.2)), line, rtol=0, atol=1e-5)
    noise = torch.randn(30, 4, generator=torch.Generator().manual_seed(1))
    smoothed = coefficients(model, smooth_motion(model, motion_of(model, noise), 0.2))
    torch.testing.assert_close(smoothed[[0, -1]], noise[[0, -1]], rtol=0, atol=1e-5)
    assert float(smoothed[1:-1].diff(dim=0).abs().mean()) < 0.3 * float(noise[1:-1].diff(dim=0).abs().mean())


def test_each_direction_its_own_and_the_rest_is_kept(model):
    noise = torch.randn(60, 4, generator=torch.Generator().manual_seed(1))
    motion = motion_of(model, noise, outside=1.0)
    smoothed = smooth_motion(model, motion, {1: 0.2, 3: 0.04})
    found = coefficients(model, smoothed)
    torch.testing.assert_close(found[:, [0, 2]], noise[:, [0, 2]], rtol=0, atol=1e-5)
    for k, seconds in ((1, 0.2), (3, 0.04)):
        alone = coefficients(model, smooth_motion(model, motion, seconds))[:, k]
        torch.testing.assert_close(found[:, k], alone, rtol=0, atol=1e-5)
    outside = [m.latents - m.latents @ model.basis @ model.basis.T for m in (motion, smoothed)]
    torch.testing.assert_close(outside[1], outside[0], rtol=0, atol=1e-5)


def test_outside_of_the_basis(model):
    noise = torch.randn(60, 4, generator=torch.Generator().manual_seed(1))
    motion = motion_of(model, noise, outside=1.0)
    smoothed = smooth_motion(model, motion, 0.0, outside_seconds=0.2)
    torch.testing.assert_close(coefficients(model, smoothed), noise, rtol=0, atol=1e-5)
    outside = [(m.latents - m.latents @ model.basis @ model.basis.T)[0, 1:-1] for m in (motion, smoothed)]
    assert float(outside[1].diff(dim=0).norm()) < 0.3 * float(outside[0].diff(dim=0).norm()) > 0.1


def test_very_short_motion(model):
    for frames in (1, 2, 3):
        motion = motion_of(model, torch.randn(frames, 4))
        assert bool(smooth_motion(model, motion, 1.0).latents.isfinite().all())
        assert repair_seams(motion) is motion


@pytest.mark.parametrize("seconds", [-0.1, math.nan, 11.0, "0.1", None, {1: -1.0}, {4: 0.1}, {"1": 0.1}, {True: 0.1}])
def test_smoothing_refuses(model, seconds):
    with pytest.raises(OptionError, match=r"seconds|direction"):
        smooth_motion(model, motion_of(model, torch.zeros(5, 4)), seconds)


def curve(frames: int) -> torch.Tensor:
    """(T, 6): slow sines."""
    time = torch.arange(frames, dtype=torch.float64) / 25
    return torch.stack([(2 * torch.pi * (0.3 + 0.2 * k) * time + k).sin() for k in range(6)], -1)


def with_steps(frames: int, size: float, window: int = 50) -> MotionSequence:
    jumps = torch.randn(frames // window + 1, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * size
    steps = jumps.cumsum(0)[torch.arange(frames) // window]
    return MotionSequence((curve(frames) + steps)[None].float(), 25.0)


def ratio(motion: MotionSequence, window: int = 50) -> float:
    return seam_ratio([motion.latents[0].double().numpy()], window)


@pytest.mark.parametrize("size", [0.05, 0.2, 0.5])
def test_steps_at_the_seams_stop_to_stand_out(size):
    motion = with_steps(400, size)
    clean = seam_ratio([curve(400).numpy()], 50)
    assert ratio(motion) > 1.5 * clean
    assert ratio(repair_seams(motion)) == pytest.approx(clean, abs=0.12) and clean == pytest.approx(1, abs=0.1)


def test_frames_away_from_the_seams_keep_their_bits():
    motion = with_steps(230, 0.5)
    for width in (2, 3, 5):
        repaired = repair_seams(motion, width=width).latents
        near = torch.tensor([any(seam - width <= i < seam + width for seam in (50, 100, 150, 200)) for i in range(230)])
        assert torch.equal(repaired[:, ~near], motion.latents[:, ~near])
        assert bool((repaired[:, near] != motion.latents[:, near]).any(-1).all())


def test_a_step_becomes_the_smoothest_way():
    """A step of 1 in an otherwise straight line: x minimizes the third differences between fixed ends, so its sixth differences are 0."""
    frames = (torch.arange(100) >= 50).double()[None, :, None].expand(1, 100, 2).float()
    repaired = repair_seams(MotionSequence(frames, 25.0), width=4).latents[0, 50 - 7 : 50 + 7, 0].double().numpy()
    assert np.all(np.diff(repaired) > -1e-6) and repaired[6] + repaired[7] == pytest.approx(1, abs=1e-6)
    assert np.abs(np.diff(repaired, n=6)).max() < 1e-5
    assert np.abs(np.diff(repaired)).max() < 0.3


def test_seams_that_do_not_stand_out_are_left_alone():
    motion = MotionSequence(curve(400)[None].float(), 25.0)
    repaired = repair_seams(motion).latents
    assert float((repaired - motion.latents).abs().max()) < 1e-4
    still = MotionSequence(torch.full((1, 120, 3), -0.0), 25.0)
    assert torch.equal(repair_seams(still).latents.view(torch.int32), still.latents.view(torch.int32))


def test_the_strength_and_the_batch():
    motion = with_steps(400, 0.5)
    full, half = repair_seams(motion).latents, repair_seams(motion, strength=0.5).latents
    torch.testing.assert_close(half, (motion.latents + full) / 2, rtol=0, atol=1e-5)
    both = replace(motion, latents=torch.cat([motion.latents, curve(400)[None].float()]))
    torch.testing.assert_close(repair_seams(both).latents[:1], full, rtol=0, atol=1e-6)


def test_other_windows_and_seams_near_the_end():
    motion = with_steps(203, 0.5, window=40)
    assert ratio(repair_seams(motion, 40), 40) < 0.3 * ratio(motion, 40)
    assert torch.equal(repair_seams(motion, 40).latents[:, :30], motion.latents[:, :30])
    for frames in (51, 52, 53, 54):  # the seam at 50 has hardly a frame behind it
        assert repair_seams(with_steps(frames, 0.5)).latents.shape[1] == frames


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"window": 12}, "window is 12"),
        ({"window": 50.0}, r"window is 50\.0"),
        ({"width": 0}, "width is 0"),
        ({"width": True}, "width is True"),
        ({"strength": 1.5}, r"strength is 1\.5"),
        ({"strength": math.nan}, "strength is nan"),
    ],
)
def test_repair_refuses(arguments, says):
    with pytest.raises(OptionError, match=says):
        repair_seams(with_steps(200, 0.1), **arguments)

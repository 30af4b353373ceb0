"""Mixing, taking directions over, mirroring and retargeting, against plain arithmetic."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from float_core.calibration import basis_fingerprint
from float_core.errors import CalibrationError, OptionError
from float_core.motion_editing import mirror_motion, mix_motions, retarget_motion, take_directions
from float_core.types import Calibration, DirectionCalibration, Keyframe, LambdaCurve, MotionSequence, SourceIdentity

MIRROR = ((-1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))  # turns one, swaps two, keeps one


def noise(frames: int, seed: int, batch: int = 1, fps: float = 25.0) -> MotionSequence:
    generator = torch.Generator().manual_seed(seed)
    return MotionSequence(torch.randn(batch, frames, 12, generator=generator), fps, torch.randn(batch, 12, generator=generator))


@pytest.fixture
def mirrored_model(model):
    direction = DirectionCalibration((), 0.0, -1.0, 1.0, 1.0)
    return replace(model, calibration=Calibration(basis_fingerprint(model.basis), (direction,) * 4, MIRROR, "a test"))


def identity(model, seed: int = 5, batch: int = 1) -> SourceIdentity:
    coefficients = torch.randn(batch, 4, generator=torch.Generator().manual_seed(seed))
    return SourceIdentity(torch.zeros(batch, 12), coefficients, coefficients @ model.basis.T, ())


def test_mix():
    first, second = noise(10, 1), noise(14, 2)
    assert mix_motions(first, second, 0) is first
    torch.testing.assert_close(mix_motions(first, second, 0.25).latents, 0.75 * first.latents + 0.25 * second.latents[:, :10])
    assert torch.equal(mix_motions(first, second, 1).latents, second.latents[:, :10])
    assert mix_motions(first, second, 1).source is first.source


def test_mix_with_a_shorter_one_holds_its_last_frame():
    mixed = mix_motions(noise(10, 1), noise(4, 2), 1.0).latents
    assert torch.equal(mixed[:, :4], noise(4, 2).latents)
    assert torch.equal(mixed[:, 4:], noise(4, 2).latents[:, -1:].expand(-1, 6, -1))


def test_mix_along_a_curve_that_is_cut_to_a_share():
    first, second = noise(11, 1), noise(11, 2)
    curve = LambdaCurve((Keyframe(0.0, -1.0, "linear"), Keyframe(0.4, 2.0, "linear")))
    mixed = mix_motions(first, second, curve).latents
    for i in range(11):
        w = min(1.0, max(0.0, -1.0 + 3.0 * i / 10))
        torch.testing.assert_close(mixed[:, i], (1 - w) * first.latents[:, i] + w * second.latents[:, i], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan"), "1", None])
def test_mix_refuses_weights(weight):
    with pytest.raises(OptionError, match="weight is"):
        mix_motions(noise(10, 1), noise(10, 2), weight)


def test_mix_refuses_pairs():
    with pytest.raises(OptionError, match="use resample_motion"):
        mix_motions(noise(10, 1), noise(10, 2, fps=30.0), 0.5)
    with pytest.raises(OptionError, match="same batch"):
        mix_motions(noise(10, 1), noise(10, 2, batch=2), 0.5)


def test_directions_are_taken_over_and_all_else_is_kept(model):
    motion, other = noise(10, 1), noise(7, 2)
    taken = take_directions(model, motion, other, [1, 3]).latents
    before, after = motion.latents @ model.basis, taken @ model.basis
    theirs = torch.cat([other.latents, other.latents[:, -1:].expand(-1, 3, -1)], dim=1) @ model.basis
    torch.testing.assert_close(after[..., [1, 3]], theirs[..., [1, 3]], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(after[..., [0, 2]], before[..., [0, 2]], rtol=1e-5, atol=1e-5)
    outside = [w - w @ model.basis @ model.basis.T for w in (motion.latents, taken)]
    torch.testing.assert_close(outside[1], outside[0], rtol=1e-5, atol=1e-5)
    half = take_directions(model, motion, other, (3,), weight=0.5).latents @ model.basis
    torch.testing.assert_close(half[..., 3], (before[..., 3] + theirs[..., 3]) / 2, rtol=1e-5, atol=1e-5)


def test_no_directions_are_nothing(model):
    motion = noise(10, 1)
    assert take_directions(model, motion, noise(10, 2), []) is motion
    assert take_directions(model, motion, noise(10, 2), [0], weight=0.0) is motion
    with pytest.raises(OptionError, match="direction is 4; expected a whole number from 0 to 3"):
        take_directions(model, motion, noise(10, 2), [4])


@pytest.mark.parametrize("around", ["reference", "mean"])
def test_mirrored_twice_is_the_motion_itself(mirrored_model, around):
    motion = noise(10, 1, batch=2)
    once = mirror_motion(mirrored_model, motion, around=around)
    twice = mirror_motion(mirrored_model, once, around=around)
    assert float((once.latents - motion.latents).abs().max()) > 0.1
    torch.testing.assert_close(twice.latents, motion.latents, rtol=1e-5, atol=1e-5)


def test_mirroring_turns_and_swaps_coefficients(mirrored_model):
    motion = noise(10, 1)
    before = motion.latents @ mirrored_model.basis
    after = mirror_motion(mirrored_model, motion).latents
    expected = torch.stack([-before[..., 0], before[..., 2], before[..., 1], before[..., 3]], -1)
    torch.testing.assert_close(after @ mirrored_model.basis, expected, rtol=1e-5, atol=1e-5)
    outside = [w - w @ mirrored_model.basis @ mirrored_model.basis.T for w in (motion.latents, after)]
    torch.testing.assert_close(outside[1], outside[0], rtol=1e-5, atol=1e-5)
    about_mean = mirror_motion(mirrored_model, motion, around="mean").latents @ mirrored_model.basis
    torch.testing.assert_close(about_mean.mean(1), before.mean(1), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(about_mean[..., 0], 2 * before[..., 0].mean() - before[..., 0], rtol=1e-5, atol=1e-5)


def test_mirror_refuses(model, mirrored_model):
    with pytest.raises(CalibrationError, match="no calibration, so how its directions are mirrored is not known"):
        mirror_motion(model, noise(10, 1))
    with pytest.raises(OptionError, match="around is 'left'"):
        mirror_motion(mirrored_model, noise(10, 1), around="left")
    foreign = replace(mirrored_model.calibration, fingerprint=tuple(x + 1 for x in mirrored_model.calibration.fingerprint))
    with pytest.raises(OptionError, match="another basis"):
        mirror_motion(replace(mirrored_model, calibration=foreign), noise(10, 1))


def test_retarget_puts_the_motion_beside_the_new_portrait(model):
    motion, target = noise(10, 1), identity(model)
    moved = retarget_motion(model, motion, target)
    torch.testing.assert_close(moved.latents - target.motion, motion.latents - motion.source[:, None], rtol=1e-5, atol=1e-5)
    assert torch.equal(moved.source, target.motion)
    half = retarget_motion(model, motion, target, strength=0.5).latents
    torch.testing.assert_close(half - target.motion, 0.5 * (motion.latents - motion.source[:, None]), rtol=1e-5, atol=1e-5)
    still = retarget_motion(model, motion, target, strength=0.0).latents
    assert torch.equal(still, target.motion[:, None].expand(1, 10, -1))


def test_retarget_without_a_source_starts_at_the_portraits_pose(model):
    moved = retarget_motion(model, replace(noise(10, 1), source=None), identity(model)).latents
    torch.testing.assert_close(moved[:, 0], identity(model).motion, rtol=1e-5, atol=1e-5)


def test_retarget_absolute_takes_the_poses_as_they_are(model):
    motion, target = noise(10, 1), identity(model)
    moved = retarget_motion(model, motion, target, mode="absolute")
    assert moved.latents is motion.latents and torch.equal(moved.source, target.motion)
    half = retarget_motion(model, motion, target, mode="absolute", strength=0.5).latents
    torch.testing.assert_close(half, (motion.latents + target.motion) / 2, rtol=1e-5, atol=1e-5)


def test_retarget_to_its_own_portrait_changes_no_bit(model):
    motion = replace(noise(10, 1), source=identity(model).motion)
    assert retarget_motion(model, motion, identity(model)).latents is motion.latents


def test_retarget_there_and_back(model):
    motion = replace(noise(10, 1), source=identity(model).motion)
    back = retarget_motion(model, retarget_motion(model, motion, identity(model, seed=6)), identity(model))
    torch.testing.assert_close(back.latents, motion.latents, rtol=1e-5, atol=1e-5)


def test_retarget_of_a_batch(model):
    both = retarget_motion(model, noise(10, 1, batch=2), identity(model))
    assert both.latents.shape == (2, 10, 12) and both.source.shape == (2, 12)


def test_retarget_refuses(model):
    with pytest.raises(OptionError, match="batch of 3; expected 1, or 2"):
        retarget_motion(model, noise(10, 1, batch=2), identity(model, batch=3))
    with pytest.raises(OptionError, match="mode is 'both'"):
        retarget_motion(model, noise(10, 1), identity(model), mode="both")
    with pytest.raises(OptionError, match="strength is nan"):
        retarget_motion(model, noise(10, 1), identity(model), strength=float("nan"))
    with pytest.raises(OptionError, match="expected SourceIdentity"):
        retarget_motion(model, noise(10, 1), torch.zeros(1, 12))

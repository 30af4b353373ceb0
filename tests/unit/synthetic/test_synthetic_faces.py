"""Synthetic heads: geometry that inverts, flows that carry one image onto another, and directions that mean what they say."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from float_core.synthetic import rig as rigs
from float_core.synthetic.head_geometry import HeadShape, pixel_grid, skin_to_surface, surface_to_skin, surface_to_view, view_to_surface
from float_core.synthetic.head_textures import TexturePool, sample_look
from float_core.synthetic.synthetic_faces import flow, landmarks, render, sample_rigs

HEADS = 3


@pytest.fixture(scope="module")
def heads():
    generator = torch.Generator().manual_seed(5)
    shape = HeadShape.sample(HEADS, generator)
    look = sample_look(shape, TexturePool.make(generator, noises=2), generator)
    base, rig = sample_rigs(generator, HEADS, 2)
    return shape, look, base, rig


def _rig(**controls: float) -> torch.Tensor:
    rig = torch.zeros(HEADS, len(rigs.RIG_NAMES))
    for name, value in controls.items():
        rig[:, rigs.index(name)] = value
    return rig


def test_view_and_surface_are_inverse(heads):
    shape, _, _, rig = heads
    p = pixel_grid(48).expand(HEADS, -1, -1, -1)
    surface = view_to_surface(shape, rig[:, 0], p)
    back, facing = surface_to_view(shape, rig[:, 0], surface.point)
    safe = (surface.inside > 0.03) & (facing > 0.2)
    assert safe.float().mean() > 0.1
    assert (back - p).abs().amax(-1)[safe].max() < 0.02  # half a pixel of a 48 pixel image


def test_skin_and_surface_are_inverse_outside_of_openings(heads):
    shape, _, _, rig = heads
    c = pixel_grid(48).expand(HEADS, -1, -1, -1) * 0.6
    skin = surface_to_skin(shape, rig[:, 0], c)
    closed = torch.stack((skin.mouth, skin.eye_left, skin.eye_right)).amax(0) < -0.01
    back = skin_to_surface(shape, rig[:, 0], skin.point)
    assert (back - c).abs().amax(-1)[closed].max() < 0.02


def test_the_flow_carries_the_source_onto_the_target(heads):
    shape, look, base, rig = heads
    source, target = (render(shape, look, base, rig[:, k], 128) for k in (0, 1))
    exact = flow(shape, look.hair_volume, base, rig[:, 1], rig[:, 0], 128)
    warped = F.grid_sample(source, exact.grid, align_corners=False)
    weight = (exact.weight * (exact.mouth + exact.eyes).clamp(max=1))[:, None]
    before = ((source - target).abs() * weight).sum() / weight.sum()
    after = ((warped - target).abs() * weight).sum() / weight.sum()
    assert after < 0.5 * before  # what is left is light and what the lids uncover


def test_flow_between_equal_poses_is_the_identity(heads):
    shape, look, base, rig = heads
    exact = flow(shape, look.hair_volume, base, rig[:, 0], rig[:, 0], 64)
    error = (exact.grid - pixel_grid(64)).abs().amax(-1) * exact.weight
    assert error.mean() < 0.003


def test_controls_move_what_their_names_say(heads):
    shape = heads[0]
    rest = landmarks(shape, _rig())
    left_eye, right_eye, left_corner, right_corner, upper, lower, brow, _, nose, chin = range(10)
    assert (landmarks(shape, _rig(yaw=10))[:, nose, 0] > rest[:, nose, 0] + 0.02).all()
    assert (landmarks(shape, _rig(pitch=10))[:, nose, 1] > rest[:, nose, 1] + 0.02).all()
    assert (landmarks(shape, _rig(roll=10))[:, chin, 0] < rest[:, chin, 0] - 0.02).all()  # clockwise: the chin goes left
    opened = landmarks(shape, _rig(jaw_open=0.8))
    assert (opened[:, lower, 1] - opened[:, upper, 1] > 0.05).all()
    assert (opened[:, chin, 1] > rest[:, chin, 1] + 0.03).all()
    smile = landmarks(shape, _rig(smile=1.0))
    assert (smile[:, (left_corner, right_corner), 1] < rest[:, (left_corner, right_corner), 1] - 0.01).all()
    pucker = landmarks(shape, _rig(pucker=1.0))
    assert (pucker[:, right_corner, 0] - pucker[:, left_corner, 0] < rest[:, right_corner, 0] - rest[:, left_corner, 0]).all()
    assert (landmarks(shape, _rig(brow_inner=1.0))[:, brow, 1] < rest[:, brow, 1] - 0.01).all()
    eyes = landmarks(shape, _rig(scale=0.2))
    assert (eyes[:, right_eye, 0] - eyes[:, left_eye, 0] > rest[:, right_eye, 0] - rest[:, left_eye, 0]).all()


def test_blink_and_jaw_change_the_image_only_where_they_should(heads):
    shape, look, base, _ = heads
    still = render(shape, look, base, _rig(), 96)
    for name, mask in (("blink", "eyes"), ("jaw_open", "mouth")):
        moved = _rig(**{name: 0.9})
        difference = (render(shape, look, base, moved, 96) - still).abs().mean(1)
        regions = flow(shape, look.hair_volume, base, moved, _rig(), 96)
        inside = getattr(regions, mask)
        assert (difference * inside).sum() / inside.sum() > 0.03, name
        top = difference[:, :12]
        assert top.mean() < 0.01, name


def test_every_control_is_visible(heads):
    shape, look, base, _ = heads
    still = render(shape, look, base, _rig(lips_part=0.2, jaw_open=0.2), 96)
    for name in rigs.RIG_NAMES:
        value = {"yaw": 8.0, "pitch": 8.0, "roll": 8.0}.get(name, 0.5 if name not in ("shift_x", "shift_y", "scale") else 0.1)
        controls = {"lips_part": 0.2, "jaw_open": 0.2}
        controls[name] = controls.get(name, 0.0) + value
        changed = (render(shape, look, base, _rig(**controls), 96) - still).abs().amax()
        assert changed > 0.05, name


def test_mirrored_rig_is_an_involution():
    rig = torch.randn(4, len(rigs.RIG_NAMES))
    assert torch.equal(rigs.mirror(rigs.mirror(rig)), rig)
    assert rigs.mirror(_rig(yaw=5.0))[0, rigs.index("yaw")] == -5.0


def test_rigs_stay_in_the_range_of_the_renderer():
    base, rig = sample_rigs(torch.Generator().manual_seed(0), 64, 4)
    assert base.shape == (64, 20) and rig.shape == (64, 4, 20)
    assert torch.equal(rigs.clamp(rig), rig)
    assert (rig[..., rigs.index("jaw_open")] == 0).float().mean() > 0.2  # closed mouths are common

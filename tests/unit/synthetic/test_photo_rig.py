"""A photograph that moves: it starts from itself, its flows are exact, lips and lids meet, the background stands."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from float_core.pixels import from_bytes
from float_core.synthetic import rig as rigs
from float_core.synthetic.eye_inside import EyeTurn
from float_core.synthetic.eyewear import Eyewear
from float_core.synthetic.photo_controls import fit_pose, measure_controls, pose_controls, pose_of_controls
from float_core.synthetic.photo_rig import BACKGROUND, LEFT_EYE, LOWER_MOUTH, RIGHT_EYE, SKIN, UPPER_MOUTH, PhotoRig
from float_core.synthetic.portraits import MeshLayout, Portrait

from .conftest import SIZE, make_mesh, make_portrait


@pytest.fixture(scope="module")
def rig(mesh):
    layout, head = mesh
    return PhotoRig(make_portrait(head), layout)


@pytest.fixture(scope="module")
def open_rig():
    layout, head = make_mesh(gap=0.16)
    return PhotoRig(make_portrait(head), layout)


def _at(rig: PhotoRig, **changes: float) -> np.ndarray:
    controls = rig.rest.copy()
    for name, value in changes.items():
        controls[rigs.index(name)] = value
    return controls


def _away(rig: PhotoRig, **changes: float) -> np.ndarray:
    return _at(rig, **{name: float(rig.rest[rigs.index(name)]) + value for name, value in changes.items()})


def _photo(rig: PhotoRig) -> torch.Tensor:
    return from_bytes(torch.from_numpy(make_portrait(rig.mesh.head).image)).permute(2, 0, 1)


def _count(rig: PhotoRig, controls: np.ndarray, *layers: int) -> int:
    return int(np.isin(rig.look(rig.move(controls), SIZE).layer, layers).sum())


MOVES = ({"yaw": 10.0}, {"pitch": 7.0, "scale": 0.05}, {"jaw_open": 0.6, "smile": 0.5}, {"roll": 8.0, "shift_x": 0.05}, {"blink": 0.6})


@pytest.mark.parametrize("which", ["rig", "open_rig"])
def test_its_own_controls_give_the_photograph_back(which, request):
    rig = request.getfixturevalue(which)
    frame = rig.draw(rig.rest, SIZE)
    still = np.stack(np.meshgrid(*2 * [np.arange(SIZE) * 2 / SIZE + 1 / SIZE - 1]), -1)
    assert np.abs(frame.flow.numpy() - still).max() < 0.003
    assert frame.shown.mean() > 0.97
    assert (frame.image - _photo(rig)).abs().mean() < 0.01


@pytest.mark.parametrize("move", MOVES, ids=lambda move: "+".join(move))
def test_the_flow_takes_the_photograph_to_the_frame(rig, move):
    frame = rig.draw(_away(rig, **move), SIZE)
    warped = F.grid_sample(_photo(rig)[None], frame.flow[None], align_corners=False)[0]
    error = (warped - frame.image).abs().mean(0)
    assert frame.shown.mean() > 0.8
    left = (error * frame.shown).sum() / frame.shown.sum()
    assert left < 0.012
    if "blink" not in move:  # which moves too little to count
        assert left < 0.4 * (frame.image - _photo(rig)).abs().mean()


def test_the_flow_between_two_frames_takes_one_to_the_other(rig):
    a, b = (rig.move(_away(rig, **move)) for move in ({"yaw": 8.0, "jaw_open": 0.5}, {"yaw": -5.0, "jaw_open": 0.9, "smile": 0.6}))
    fine = [rig.look(one, 2 * SIZE) for one in (a, b)]
    images = [rig.image(look, SIZE) for look in fine]
    grid, shown = rig.flow(rig.look(b, SIZE), fine[0])
    error = (F.grid_sample(images[0][None], grid[None], align_corners=False)[0] - images[1]).abs().mean(0)
    assert shown.mean() > 0.75
    assert (error * shown).sum() / shown.sum() < 0.02
    inside = torch.from_numpy(np.isin(rig.look(b, SIZE).layer, (UPPER_MOUTH, LOWER_MOUTH)))
    assert (shown * inside).sum() > 0.3 * inside.sum()  # the inside of an open mouth is found in another open mouth


def test_what_the_photograph_does_not_show_is_marked(rig):
    controls = _away(rig, jaw_open=0.9)
    frame = rig.draw(controls, SIZE)
    inside = torch.from_numpy(np.isin(rig.look(rig.move(controls), SIZE).layer, (UPPER_MOUTH, LOWER_MOUTH)))
    assert inside.sum() > 100
    assert (frame.shown * inside).sum() < 0.1 * inside.sum()


def test_a_mouth_opens_further_and_further(rig):
    seen = [_count(rig, _at(rig, jaw_open=jaw), UPPER_MOUTH, LOWER_MOUTH) for jaw in (0, 0.2, 0.4, 0.7, 1)]
    assert seen[0] < 20 and all(b > a + 10 for a, b in itertools.pairwise(seen))


def test_an_open_mouth_closes(open_rig):
    assert measure_controls(make_portrait(open_rig.mesh.head).points, open_rig.mesh.layout)[rigs.index("lips_part")] > 0.3
    shut = dict.fromkeys(("jaw_open", "lips_part"), 0.0)
    seen = [
        _count(open_rig, c, UPPER_MOUTH, LOWER_MOUTH)
        for c in (open_rig.rest, _at(open_rig, **shut), _at(open_rig, **shut, smile=1, pucker=-0.2))
    ]
    assert seen[0] > 80 and seen[1] == 0 and seen[2] == 0


def test_teeth_of_an_open_mouth_hang_still_when_the_jaw_falls(open_rig):
    look = open_rig.look(open_rig.move(_away(open_rig, jaw_open=0.4)), SIZE)
    upper, lower = (look.layer == layer for layer in (UPPER_MOUTH, LOWER_MOUTH))
    pixels = np.stack(np.meshgrid(*2 * [np.arange(SIZE) * 2 / SIZE + 1 / SIZE - 1]), -1)
    assert np.abs(look.place[upper] - pixels[upper]).max() < 0.002
    assert (pixels[lower] - look.place[lower])[:, 1].min() > 0.02  # goes down with the jaw


def test_lids_close(rig):
    seen = [_count(rig, _at(rig, blink=blink), LEFT_EYE, RIGHT_EYE) for blink in (-0.25, 0, 0.3, 0.6, 1)]
    assert all(b < a for a, b in itertools.pairwise(seen)) and seen[-1] == 0
    left, right = (_count(rig, _at(rig, blink=0.5, wink=1), eye) for eye in (LEFT_EYE, RIGHT_EYE))
    assert left == 0 and right > 50


def test_closed_lids_have_the_color_of_skin(rig):
    mesh_points = rig.mesh.layout.left_eye
    frame = rig.draw(_at(rig, blink=1), SIZE).image
    photo = _photo(rig)
    points = make_portrait(rig.mesh.head).points
    eye = points[[mesh_points.upper[3], mesh_points.lower[3]], :2].mean(0)
    x, y = ((eye + 1) / 2 * SIZE).astype(int)
    fold = points[mesh_points.fold[3], :2] - [0, 0.03]
    fx, fy = ((fold + 1) / 2 * SIZE).astype(int)
    assert (frame[:, y - 3, x] - photo[:, fy, fx]).abs().max() < 0.25


def test_the_background_stands(rig):
    for move in MOVES:
        controls = _away(rig, **move)
        look = rig.look(rig.move(controls), 2 * SIZE)
        frame = rig.image(look, SIZE)
        assert (look.layer[:20, :20] == BACKGROUND).all()
        assert (frame - _photo(rig))[:, :10, :10].abs().max() < 0.02
        assert (frame - _photo(rig))[:, -6:].abs().mean() < 0.02  # shoulders too


def test_an_iris_turns_and_the_corners_stay(rig):
    rest, turned = rig.move(rig.rest), rig.move(_away(rig, gaze_x=0.8))
    _, turn = turned.eyes[0]
    assert turn.to_frame(turn.iris)[0] > turn.iris[0] + 0.1
    assert np.allclose(turn.to_frame(np.array([[-1.0, 0.0], [1.0, 0.0]])), [[-1, 0], [1, 0]], atol=1e-6)
    assert np.allclose(rest.eyes[0][1].to_frame(np.array([0.2, 0.1])), [0.2, 0.1], atol=1e-6)
    look = rig.look(turned, SIZE)
    assert (look.layer == LEFT_EYE).sum() > 50


def test_the_turn_of_an_eye_has_an_exact_inverse():
    turn = EyeTurn(np.array([0.1, -0.1]), 0.42, (-0.4, 0.28), np.array([0.3, -0.12]), 1.2)
    own = np.random.default_rng(0).uniform(-0.95, 0.95, (500, 2)) * [1, 0.3]
    assert np.allclose(turn.to_photo(turn.to_frame(own)), own, atol=1e-9)
    assert np.allclose(turn.to_frame(turn.to_photo(own)), own, atol=1e-9)


def test_poses_are_absolute(rig):
    points = make_portrait(rig.mesh.head).points
    controls = pose_controls(fit_pose(points, rig.mesh.layout))
    assert controls["yaw"] == pytest.approx(4.0, abs=0.01) and controls["roll"] == pytest.approx(0, abs=0.01)
    again = pose_of_controls(controls, 0.0)
    assert np.allclose(again.rotation, fit_pose(points, rig.mesh.layout).rotation) and again.unit == pytest.approx(0.45)
    wanted = _away(rig, yaw=8.0, pitch=-5.0, roll=6.0, shift_x=0.05, scale=0.1)
    pose, head = rig.mesh.pose_of(wanted), rig.mesh.in_head(wanted)
    measured = measure_controls(pose.to_image(head), rig.mesh.layout)
    assert np.allclose(measured[:6], wanted[:6], atol=1e-3)


@pytest.mark.parametrize(("name", "value"), [("jaw_open", 0.7), ("smile", 0.8), ("mouth_wide", 0.8), ("blink", 0.5), ("brow_inner", 0.8)])
def test_what_is_set_is_measured(rig, name, value):
    before, after = (
        measure_controls(rig.mesh.pose_of(c).to_image(rig.mesh.in_head(c)), rig.mesh.layout)[rigs.index(name)]
        for c in (_at(rig, **{name: 0.0}), _at(rig, **{name: value}))
    )
    assert 0.35 * value < after - before < 1.5 * value


def test_masks_lie_where_their_names_say(rig):
    frame = rig.draw(_away(rig, yaw=5.0), SIZE)
    mouth, eyes, face, _ = frame.masks
    rows = torch.arange(SIZE, dtype=torch.float32)[:, None]
    height = [float((mask * rows).sum() / mask.sum()) for mask in (eyes, face, mouth)]
    assert height[0] < height[1] < height[2]
    layer = rig.look(rig.move(_away(rig, yaw=5.0)), SIZE).layer
    assert (face.numpy()[layer == SKIN] > 0.5).mean() > 0.95


def test_glasses_are_seen_and_hold_the_brows(mesh):
    layout, head = mesh
    plain, worn = make_portrait(head), _with_glasses(make_portrait(head), layout)
    found = [Eyewear.of(p.image, p.points, fit_pose(p.points, layout), layout) for p in (plain, worn)]
    assert not found[0].glasses and found[1].glasses
    assert not found[1].hides_eyes
    for portrait, held in ((plain, False), (worn, True)):
        rig = PhotoRig(portrait, layout)
        moved = rig.move(_away(rig, brow_inner=0.8))
        assert (moved.controls[rigs.index("brow_inner")] == rig.rest[rigs.index("brow_inner")]) == held


def _with_glasses(portrait: Portrait, layout: MeshLayout) -> Portrait:
    """Dark rims, a bridge, and bright eyes behind."""
    pose = fit_pose(portrait.points, layout)
    image = portrait.image.copy()
    for x in np.linspace(-0.75, 0.75, 400):
        for y in (-0.25, 0.08):
            if y < 0 or abs(abs(x) - 0.46) < 0.25:
                column, row = ((pose.to_image(np.array([x, y, 1.0]))[:2] + 1) / 2 * SIZE).astype(int)
                image[row - 1 : row + 1, column] = 10
    for eye in layout.eyes:
        column, row = ((portrait.points[eye.iris[0], :2] + 1) / 2 * SIZE).astype(int)
        image[row - 3 : row + 4, column - 4 : column + 4] = [[[20] * 3] * 4 + [[250] * 3] * 4] * 7
    return replace(portrait, image=image)


def test_a_frame_is_drawn_in_a_moment(rig):
    controls = _away(rig, yaw=5.0, jaw_open=0.5)
    rig.draw(controls, 256)
    begun = time.process_time()
    for _ in range(4):
        rig.draw(controls, 256)
    assert (time.process_time() - begun) / 4 < 0.4  # a twentieth of a second on an idle processor

"""The landmark network's samples, batches and training, on a few faces made here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from float_core.errors import OptionError
from float_core.face.landmark_network import ANGLE_UNIT, CROP, LandmarkConfig, LandmarkNetwork
from float_core.face.landmark_points import LEFT_LIDS, OVAL, POINTS, RIGHT_LIDS, places
from float_core.face.landmarks import load_landmark_network
from float_core.synthetic.head_textures import TexturePool
from float_core.synthetic.portraits import Portrait, save_index, save_portrait
from float_core.training.landmark_agreement import measure_agreement, save_agreement
from float_core.training.landmark_augmentation import Batch, draw_batch
from float_core.training.landmark_phase import LandmarkTraining, landmark_losses, save_landmarks, train_landmarks
from float_core.training.landmark_samples import KINDS, SIZE, is_held_out, mesh_facts, read_samples, write_samples
from float_core.training.loop import LoopConfig, read_log
from float_core.training.mediapipe_landmarks import mediapipe_layout

LAYOUT = mediapipe_layout({(0, 1), (1, 2), (2, 0)})
SMALL = LandmarkConfig(32, (8, 16, 16, 16), 16, 16, (8, 8, 8))


def mesh(seed: int) -> np.ndarray:
    """478 points of a face that looks at the viewer, in half image widths: what matters is where a face has it."""
    rng = np.random.default_rng(seed)
    head = rng.normal(0, 0.2, (478, 3))
    head[list(LAYOUT.rigid)] = LAYOUT.rigid_shape
    for k, number in enumerate(OVAL):
        angle = 2 * np.pi * k / len(OVAL)
        head[number] = (np.sin(angle), 0.15 - 1.2 * np.cos(angle), 0.5)
    for eye, x in ((LAYOUT.left_eye, -0.46), (LAYOUT.right_eye, 0.46)):
        for row, y in ((eye.upper, -0.34), (eye.lower, -0.22)):
            for k, number in enumerate(row):
                u = 2 * k / (len(row) - 1) - 1
                head[number] = (x + 0.2 * u, -0.28 + (y + 0.28) * (1 - u * u), 0.85)
    for row, y in (
        (LAYOUT.lip_outer_upper, 0.6),
        (LAYOUT.lip_inner_upper, 0.68),
        (LAYOUT.lip_inner_lower, 0.72),
        (LAYOUT.lip_outer_lower, 0.8),
    ):
        for k, number in enumerate(row):
            u = 2 * k / (len(row) - 1) - 1
            head[number] = (0.35 * u, 0.7 + (y - 0.7) * (1 - u * u), 1.1)
    return (head * 0.42 + [*rng.uniform(-0.05, 0.05, 2), 0]).astype(np.float32)


def picture(points: np.ndarray, size: int) -> np.ndarray:
    """Dark points on a bright oval on gray."""
    y, x = (np.mgrid[:size, :size] * 2 + 1) / size - 1
    middle = points[list(OVAL), :2].mean(0)
    pixels = np.full((size, size, 3), 90, np.uint8)
    pixels[((x - middle[0]) / 0.42) ** 2 + ((y - middle[1]) / 0.5) ** 2 < 1] = (220, 180, 150)
    at = np.clip(((points[:, :2] + 1) * size / 2).astype(int), 0, size - 2)
    for dx in (0, 1):
        pixels[at[:, 1], at[:, 0] + dx] = (40, 20, 20)
    return pixels


@pytest.fixture(scope="module")
def portraits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("portraits")
    names = [f"person{number}" for number in range(40)]
    kept = [name for name in names if is_held_out(name)][:2]
    names = kept + [name for name in names if not is_held_out(name)][:8]
    assert kept, "choose other names"
    for number, name in enumerate(names):
        points = mesh(number)
        save_portrait(Portrait(name, picture(points, 256), points, np.ones((32, 32), np.float32), name), folder)
    save_index(folder, LAYOUT, {name: name for name in names}, 256)
    return folder


@pytest.fixture(scope="module", autouse=True)
def _few_drawn_heads():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("float_core.training.landmark_samples._BLOCK", 16)
        patch.setattr(
            TexturePool, "make", lambda generator, noises, size=256: TexturePool(torch.rand(4, 3, size, size, generator=generator))
        )
        yield


@pytest.fixture(scope="module")
def samples(portraits, tmp_path_factory):
    return write_samples(tmp_path_factory.mktemp("samples"), portraits, frames=0)


def config(steps: int, **changes) -> LandmarkTraining:
    loop = LoopConfig(steps, 3e-3, ema_decay=0.9, warmup=5, checkpoint_every=4, log_every=1, sample_every=10)
    return LandmarkTraining(loop, SMALL, batch=8, precision="float32", settle=2, **changes)


def test_samples_leave_out_who_is_kept_back(samples, portraits):
    data = read_samples(samples)
    assert data.images.shape[1:] == (SIZE, SIZE, 3) and set(data.kind) == {KINDS.index(k) for k in ("photos", "drawn", "faceless")}
    known = ~np.isnan(data.points[:, 0, 0])
    assert known.sum() == 8, "eight of ten people"
    assert (data.face[known]).all() and not data.face[data.kind == KINDS.index("faceless")].any()


def test_writing_goes_on_where_it_was(samples, portraits):
    paths = sorted(samples.glob("*.npy"))
    before = {path: path.stat().st_mtime_ns for path in paths}
    (missing,) = samples.glob("photos_0000.npy")
    missing.unlink()
    write_samples(samples, portraits, frames=0)
    after = {path: path.stat().st_mtime_ns for path in paths}
    assert {path for path in paths if after[path] != before[path]} == {missing}


def test_who_is_kept_back_depends_on_the_name_alone():
    kept = [is_held_out(f"{number:04d}_jpg") for number in range(2400)]
    assert 60 < sum(kept) < 140
    assert [number for number in range(100) if kept[number]] == [number for number in range(100) if is_held_out(f"{number:04d}_jpg")]


def test_the_facts_of_a_mesh():
    points, pose, openings, frame = mesh_facts(mesh(1), LAYOUT)
    assert points.shape == (len(POINTS), 2) and np.abs(pose[[0, 2]]).max() < 1 and abs(pose[1]) < 8
    assert openings == pytest.approx([0.04, 0.28, 0.28], abs=0.03)
    assert frame[2] == pytest.approx(1.2 * 0.42, abs=0.01) and abs(frame[3]) < 0.02
    with pytest.raises(OptionError, match="478"):
        mesh_facts(mesh(1)[:468], LAYOUT)


def test_a_plain_batch_has_the_face_in_the_middle(samples):
    data = read_samples(samples)
    known = np.flatnonzero(~np.isnan(data.points[:, 0, 0]))
    batch = draw_batch(data, known, torch.Generator(), plain=True)
    outline = batch.points[:, list(places(OVAL))]
    assert torch.allclose((outline.amax(1) + outline.amin(1)) / 2, torch.zeros(len(known), 2), atol=0.02)
    assert torch.allclose((outline.amax(1) - outline.amin(1)).amax(1), torch.full((len(known),), 2 / 1.3), atol=0.02)


def test_points_follow_the_image_through_every_change(samples):
    """The points are drawn dark: where a crop has one, it is darker than around it."""
    data = read_samples(samples)
    known = np.flatnonzero(~np.isnan(data.points[:, 0, 0]))
    generator = torch.Generator().manual_seed(3)
    batch = draw_batch(data, np.tile(known, 8), generator)
    lids = list(places((*LEFT_LIDS[0][1:-1], *RIGHT_LIDS[0][1:-1])))
    gray = torch.nn.functional.avg_pool2d(batch.images.mean(1, keepdim=True), 3, 1, 1)
    at = batch.points[:, lids]
    here, above = (torch.nn.functional.grid_sample(gray, place[:, None], align_corners=False)[:, 0, 0] for place in (at, at * 0.97 + 0.09))
    seen = (batch.visible[:, lids] > 0) & (batch.face[:, None] > 0)
    assert float((here < above)[seen].float().mean()) > 0.65, "half of them if points were anywhere"


def test_mirrored_batches_swap_sides(samples):
    data = read_samples(samples)
    known = np.flatnonzero(~np.isnan(data.points[:, 0, 0]))
    data.openings[known] = [0.1, 0.2, 0.3]
    data.pose[known] = [10, 5, 0]
    batch = draw_batch(data, np.tile(known, 8), torch.Generator().manual_seed(0))
    some = batch.face > 0
    mirrored = batch.openings[some, 1] > 0.25
    assert 0 < mirrored.sum() < len(mirrored)
    assert torch.equal(batch.pose[some, 0] < 0, mirrored)
    assert torch.allclose(batch.pose[some, 1], torch.tensor(5 / ANGLE_UNIT))
    left, right = (batch.points[some][:, list(places(part))].mean(1)[:, 0] for part in (LEFT_LIDS[0], RIGHT_LIDS[0]))
    assert (left < right).all(), "the left eye stays the left one in the image"


def test_losses_are_zero_for_the_truth_and_count_only_what_is_known():
    batch = Batch(
        torch.zeros(2, 3, CROP, CROP),
        torch.rand(2, len(POINTS), 2),
        torch.ones(2, len(POINTS)),
        torch.rand(2, 3),
        torch.rand(2, 3),
        torch.ones(2),
    )
    batch.points[1] = torch.nan
    batch.openings[1, 2] = torch.nan
    network = LandmarkNetwork(SMALL)
    network.mean_face.copy_(batch.points[0])
    reading = network.eval()(batch.images)
    true = replace(
        reading,
        points=batch.points.nan_to_num(7),
        coarse=batch.points.nan_to_num(7),
        openings=batch.openings.nan_to_num(7),
        pose=batch.pose,
    )
    losses = landmark_losses(true, batch)
    assert all(float(losses[name]) == pytest.approx(0, abs=1e-6) for name in ("points", "fine", "gaps", "openings", "pose"))
    off = landmark_losses(replace(true, openings=true.openings + 0.5), batch)
    assert float(off["openings"]) == pytest.approx(0.5, abs=1e-5)


def test_the_loss_goes_down_and_a_run_goes_on_as_if_it_had_not_stopped(samples, tmp_path):
    train_landmarks(config(16), samples, tmp_path / "whole")
    train_landmarks(config(16), samples, tmp_path / "parts", stop_after=6)
    train_landmarks(config(16), samples, tmp_path / "parts")
    whole, parts = (read_log(tmp_path / name) for name in ("whole", "parts"))
    assert len(whole) == len(parts) == 16
    for one, other in zip(whole, parts, strict=True):
        assert one["losses"] == pytest.approx(other["losses"], rel=1e-4)
    total = [line["losses"]["total"] for line in whole]
    assert np.mean(total[-4:]) < 0.8 * np.mean(total[:4])
    assert list((tmp_path / "whole" / "samples").glob("*.jpg"))


def test_the_result_is_saved_and_measured(samples, portraits, tmp_path):
    network = train_landmarks(config(2), samples, tmp_path)
    path = save_landmarks(network, tmp_path / "landmarks.safetensors", "Apache-2.0")
    again = load_landmark_network(path)
    assert all(
        torch.allclose(a.float(), b.float(), atol=2e-3, rtol=2e-3) for a, b in zip(again.parameters(), network.parameters(), strict=True)
    )
    agreement = measure_agreement(path, portraits)
    assert agreement["portraits"].faces >= 1 and np.isfinite(agreement["portraits"].error)
    save_agreement(agreement, tmp_path / "agreement.json")


@pytest.mark.parametrize("wrong", [{"shares": (1.0,)}, {"batch": 1}])
def test_wrong_configurations_are_refused(wrong):
    with pytest.raises(OptionError):
        LandmarkTraining(LoopConfig(1), **wrong)

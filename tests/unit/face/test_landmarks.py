"""The bundled landmark network: on the sample portrait, moved, turned, mirrored, and on what is no face."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from float_core import FaceLandmarks, read_landmarks
from float_core.errors import CheckpointError, ImageError
from float_core.face.landmark_network import CROP, LandmarkConfig, LandmarkNetwork, Patches
from float_core.face.landmark_points import LEFT_IRIS, LIP_INNER_LOWER, LIP_INNER_UPPER, MIRROR, OVAL, POINTS, places
from float_core.face.landmarks import WEIGHTS, load_landmark_network
from float_core.pixels import from_bytes

BOX = (174, 56, 274, 188)  # the astronaut's face, as in test_detect
# MediaPipe's mesh of this portrait: eye corners, mouth corners, middles of the inner lips, nose tip, chin.
SEEN = {33: (195.0, 100.6), 133: (213.3, 103.6), 362: (236.6, 104.8), 263: (255.7, 103.9), 61: (202.3, 139.5), 291: (245.2, 140.5)}
SEEN |= {13: (223.7, 143.3), 14: (223.4, 150.3), 4: (223.1, 126.3), 152: (221.5, 176.7)}


def tensor(image: Image.Image) -> torch.Tensor:
    return from_bytes(torch.from_numpy(np.array(image.convert("RGB")))).permute(2, 0, 1)[None]


def read(image: Image.Image, box=BOX) -> FaceLandmarks:
    return read_landmarks(tensor(image), torch.tensor([box], dtype=torch.float32))


@pytest.fixture(scope="module")
def astronaut():
    return Image.fromarray(data.astronaut())


@pytest.fixture(scope="module")
def found(astronaut):
    return read(astronaut)


def eyes_apart(face: FaceLandmarks) -> float:
    left, right = face.points[0, list(places((33, 263)))]
    return float((left - right).norm())


def test_the_file_is_small_and_carries_its_sizes():
    assert WEIGHTS.stat().st_size <= 3_000_000
    network = load_landmark_network(WEIGHTS)
    assert all(value.dtype == torch.float32 for value in network.parameters())


def test_a_file_with_something_else_is_refused(tmp_path):
    (tmp_path / "landmarks.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="landmark network"):
        load_landmark_network(tmp_path / "landmarks.safetensors")
    with pytest.raises(CheckpointError, match="landmark network"):
        load_landmark_network(WEIGHTS.with_name("mini.safetensors"))


def test_points_are_where_mediapipe_sees_them(found):
    points = found.points[0, list(places(tuple(SEEN)))]
    assert float((points - torch.tensor(list(SEEN.values()))).norm(dim=-1).mean()) < 0.05 * eyes_apart(found)


def test_the_sample_portrait_is_a_face_that_smiles_at_the_viewer(found):
    assert float(found.is_face[0]) > 0.9
    assert found.pose.abs().max() < 12
    assert float(found.lip_opening[0]) == pytest.approx(0.163, abs=0.08), "teeth show"
    assert torch.allclose(found.lid_opening[0], torch.tensor([0.339, 0.326]), atol=0.07)
    assert found.visible[0].mean() > 0.9


@pytest.mark.parametrize("size", [96, 200, 1024])
def test_another_size_has_the_same_points(astronaut, found, size):
    scale = size / 512
    again = read(astronaut.resize((size, size), Image.Resampling.LANCZOS), tuple(v * scale for v in BOX))
    error = (again.points / scale - found.points).norm(dim=-1).mean()
    assert float(error) < (0.04 if size > 96 else 0.08) * eyes_apart(found)


@pytest.mark.parametrize("angle", [-40, -15, 25, 45])
def test_points_turn_with_the_image(astronaut, found, angle):
    center = (224.0, 122.0)
    turned = read(astronaut.rotate(angle, Image.Resampling.BICUBIC, center=center))
    radians = torch.deg2rad(torch.tensor(float(-angle)))  # PIL turns against the clock
    axes = torch.stack([torch.stack([radians.cos(), -radians.sin()]), torch.stack([radians.sin(), radians.cos()])])
    expected = (found.points[0] - torch.tensor(center)) @ axes.T + torch.tensor(center)
    assert float((turned.points[0] - expected).norm(dim=-1).mean()) < 0.05 * eyes_apart(found)
    assert float(turned.pose[0, 2] - found.pose[0, 2]) == pytest.approx(-angle, abs=6)


def test_a_box_that_is_off_finds_the_same_points(astronaut, found):
    for dx, dy, grow in ((6, 0, 0), (0, -6, 0), (0, 0, 8), (-4, 4, -6)):
        box = (BOX[0] + dx - grow, BOX[1] + dy - grow, BOX[2] + dx + grow, BOX[3] + dy + grow)
        assert float((read(astronaut, box).points - found.points).norm(dim=-1).mean()) < 0.07 * eyes_apart(found)


def test_the_mirrored_image_has_mirrored_points(astronaut, found):
    mirrored = read(astronaut.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (512 - BOX[2], BOX[1], 512 - BOX[0], BOX[3]))
    expected = found.points[0, list(MIRROR)] * torch.tensor([-1.0, 1.0]) + torch.tensor([512.0, 0.0])
    assert float((mirrored.points[0] - expected).norm(dim=-1).mean()) < 0.04 * eyes_apart(found)
    assert torch.allclose(mirrored.lid_opening[0], found.lid_opening[0].flip(0), atol=0.06)
    assert float(mirrored.pose[0, 0] + found.pose[0, 0]) == pytest.approx(0, abs=6)


def test_crops_are_read_without_boxes_and_together(astronaut, found):
    square = (119, 17, 329, 227)  # what prepare_image cuts
    crop = tensor(astronaut.crop(square))
    both = read_landmarks(torch.cat([crop, crop.flip(-1)]))
    corner = torch.tensor([square[0], square[1]])
    assert float((both.points[0] + corner - found.points[0]).norm(dim=-1).mean()) < 0.04 * eyes_apart(found)
    assert torch.allclose(read_landmarks(crop.flip(-1)).points, both.points[1:], atol=1e-2)


def test_what_is_no_face_is_none():
    rng = np.random.default_rng(0)
    images = [
        data.coffee()[50:350, 100:400],
        data.chelsea()[20:280, 80:340],
        data.rocket()[:400, 100:500],
        np.full((128, 128, 3), 128, np.uint8),
        rng.integers(0, 256, (128, 128, 3), dtype=np.uint8),
        data.astronaut()[300:500, 50:250],
    ]
    faces = [float(read_landmarks(tensor(Image.fromarray(image))).is_face[0]) for image in images]
    assert max(faces) < 0.5 and np.mean(faces) < 0.2, faces


def test_a_drawn_head_is_a_face():
    drawn = Image.open(Path(__file__).parents[3] / "assets" / "drawn_face.jpg")
    assert float(read_landmarks(tensor(drawn)).is_face[0]) > 0.5


def test_wrong_shapes_are_refused():
    with pytest.raises(ImageError):
        read_landmarks(torch.zeros(3, 64, 64))
    with pytest.raises(ImageError):
        read_landmarks(torch.zeros(2, 3, 64, 64), torch.zeros(1, 4))


def test_the_mirror_is_its_own_inverse():
    assert [MIRROR[i] for i in MIRROR] == list(range(len(POINTS)))
    assert len(set(POINTS)) == len(POINTS) and set(OVAL) | set(LEFT_IRIS) <= set(POINTS)


def test_patches_lie_on_eyes_and_mouth(found):
    patches = Patches.around(found.points)
    corners = found.points[:, list(places((33, 133, 362, 263)))]
    assert torch.allclose(patches.middle[0, 0], corners[0, :2].mean(0)) and torch.allclose(patches.middle[0, 1], corners[0, 2:].mean(0))
    lips = found.points[0, list(places((*LIP_INNER_UPPER, *LIP_INNER_LOWER)))]
    assert ((lips - patches.middle[0, 2]).norm(dim=-1) < patches.axis[0, 2].norm()).all()


def test_a_face_takes_little_time():
    """A loose bound: far above what a face takes, far below what would stall a preview."""
    network = load_landmark_network(WEIGHTS)
    images = torch.zeros(1, 3, CROP, CROP)
    with torch.inference_mode():
        seconds = []
        for _ in range(5):
            begun = time.process_time()
            network(images)
            seconds.append(time.process_time() - begun)
    assert min(seconds) < 0.1


def test_another_size_of_network_is_loaded(tmp_path):
    from float_core.training.landmark_phase import save_landmarks

    config = LandmarkConfig(32, (8, 16, 16, 16), 16, 16, (8, 8, 8))
    network = LandmarkNetwork(config)
    path = save_landmarks(network, tmp_path / "small.safetensors", "Apache-2.0")
    assert load_landmark_network(path).config == config

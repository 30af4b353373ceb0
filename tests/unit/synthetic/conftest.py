"""A small face mesh and a drawn image of it: what the photo rig is tested on, without a detector."""

from __future__ import annotations

import numpy as np
import pytest

from float_core.synthetic.photo_controls import HeadPose
from float_core.synthetic.portraits import EyeLayout, MeshLayout, Portrait, save_index, save_portrait

SIZE = 192


class _Points:
    """Points of the head frame, each once, with the names that they get."""

    def __init__(self) -> None:
        self.places: list[tuple[float, float]] = []

    def add(self, places: list[tuple[float, float]]) -> tuple[int, ...]:
        numbers = []
        for place in places:
            near = [i for i, other in enumerate(self.places) if np.hypot(place[0] - other[0], place[1] - other[1]) < 1e-6]
            if not near:
                self.places.append(place)
            numbers.append(near[0] if near else len(self.places) - 1)
        return tuple(numbers)


def _arc(left: tuple[float, float], right: tuple[float, float], height: float, count: int) -> list[tuple[float, float]]:
    u = np.linspace(-1, 1, count)
    middle, half = (left[0] + right[0]) / 2, (right[0] - left[0]) / 2
    return [(float(middle + half * a), float((left[1] + right[1]) / 2 + height * (1 - a * a))) for a in u]


def _depth(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    nose = 0.35 * np.exp(-((x / 0.15) ** 2) - ((y - 0.2) / 0.25) ** 2)
    return 1.1 * np.sqrt(np.maximum(0.02, 1 - (x / 1.12) ** 2 - ((y - 0.15) / 1.55) ** 2)) + nose


def make_mesh(gap: float = 0.008) -> tuple[MeshLayout, np.ndarray]:
    """A layout, and its points (N, 3) in the head frame; `gap` between the lips in head units."""
    from scipy.spatial import Delaunay

    points = _Points()
    around = [(float(np.sin(a)), float(0.16 - 1.22 * np.cos(a))) for a in np.linspace(0, 2 * np.pi, 28, endpoint=False)]
    oval = points.add(around)
    lips = {
        "lip_outer_upper": points.add(_arc((-0.37, 0.74), (0.37, 0.74), -0.1, 9)),
        "lip_outer_lower": points.add(_arc((-0.37, 0.74), (0.37, 0.74), 0.13, 9)),
        "lip_inner_upper": points.add(_arc((-0.32, 0.74), (0.32, 0.74), -gap / 2, 9)),
        "lip_inner_lower": points.add(_arc((-0.32, 0.74), (0.32, 0.74), gap / 2, 9)),
    }
    eyes = []
    for side in (-1, 1):
        left, right = (side * 0.46 - 0.2, -0.27), (side * 0.46 + 0.2, -0.27)
        brow = [(side * (0.2 + 0.12 * k), -0.58 - 0.03 * (k % 3)) for k in range(5)]
        upper, lower, fold = (points.add(_arc(left, right, height, 7)) for height in (-0.08, 0.055, -0.15))
        corners = points.add([(left[0] - 0.04, left[1] - 0.01), (right[0] + 0.04, right[1] - 0.01)])
        iris = points.add(
            [(side * 0.46 + dx, -0.29 + dy) for dx, dy in ((0.0, 0.0), (0.085, 0.0), (0.0, -0.085), (-0.085, 0.0), (0.0, 0.085))]
        )
        rows = points.add(brow), points.add([(x, y - 0.08) for x, y in brow])
        eyes.append(EyeLayout(upper, lower, (corners[0], *fold[1:-1], corners[1]), iris, *rows))
    nose = points.add(
        [(0.0, -0.3), (0.0, -0.1), (0.0, 0.1), (0.0, 0.25), (0.0, 0.41), (-0.2, 0.1), (0.2, 0.1), (-0.25, 0.36), (0.25, 0.36)]
    )
    cheeks = tuple(points.add([(s * 0.55, 0.3), (s * 0.6, 0.5)]) for s in (-1, 1))
    points.add([(x, y) for x in np.linspace(-0.75, 0.75, 7) for y in (-0.85, 0.1, 0.6, 1.05) if abs(x) > 0.45 or y in (-0.85, 1.05)])
    flat = np.array(points.places)
    irises = {i for eye in eyes for i in eye.iris}
    kept = np.array([i for i in range(len(flat)) if i not in irises])
    triangles = kept[Delaunay(flat[kept]).simplices]
    rings = [(*e.upper, *e.lower) for e in eyes] + [(*lips["lip_inner_upper"], *lips["lip_inner_lower"])]
    whole = [t for t in triangles if not any(set(t.tolist()) <= set(ring) for ring in rings)]
    head = np.column_stack([flat, _depth(flat[:, 0], flat[:, 1])])
    rigid = (*nose[:5], eyes[0].upper[0], eyes[0].upper[-1], eyes[1].upper[0], eyes[1].upper[-1], oval[0], oval[7], oval[21])
    jaw = tuple(oval[i] for i in (20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8))
    layout = MeshLayout(
        tuple(tuple(int(i) for i in t) for t in whole), **lips, left_eye=eyes[0], right_eye=eyes[1], oval=oval, jaw=jaw, nose=nose,
        nose_base=nose[4], cheeks=cheeks, rigid=rigid, rigid_shape=tuple(tuple(float(v) for v in head[i]) for i in rigid),
    )  # fmt: skip
    return layout, head


def make_portrait(head: np.ndarray, name: str = "one", seed: int = 0) -> Portrait:
    """An image of soft spots with the mesh in front of it, turned a little."""
    angle = np.radians(4.0)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    pose = HeadPose(turn, 0.45, np.array([0.03, -0.06, 0.0]))
    random = np.random.default_rng(seed)
    axis = np.arange(SIZE) * 2 / SIZE - 1
    x, y = np.meshgrid(axis, axis)
    waves = [np.sin(a * x + b * y + c) for a, b, c in random.uniform(-6, 6, (6, 3))]
    image = np.stack([0.5 + 0.14 * sum(w * k for w, k in zip(waves, random.uniform(-1, 1, 6), strict=True)) for _ in range(3)], -1)
    person = ((x / 0.62) ** 2 + ((y + 0.0) / 0.8) ** 2 < 1) | ((y > 0.45) & (np.abs(x) < 0.8))
    return Portrait(name, np.round(image.clip(0, 1) * 255).astype(np.uint8), pose.to_image(head), person.astype(np.float32)[::2, ::2], name)


@pytest.fixture(scope="session")
def mesh():
    return make_mesh()


@pytest.fixture(scope="session")
def portraits(tmp_path_factory, mesh):
    """A folder of three prepared portraits."""
    folder = tmp_path_factory.mktemp("portraits")
    layout, head = mesh
    for seed, name in enumerate(("a", "b", "c")):
        save_portrait(make_portrait(head, name, seed), folder)
    save_index(folder, layout, {"a": "a", "b": "b", "c": "c"}, SIZE)
    return folder

"""Triangles to pixels: no gaps between neighbors, later over earlier, and affine maps that give back what is at the corners."""

from __future__ import annotations

import numpy as np

from float_core.synthetic.photo_patch import Patch
from float_core.synthetic.triangle_raster import affine_of_triangles, paint_triangles


def test_a_fan_covers_its_square_without_a_gap():
    rim = np.array([(2, 2), (9.3, 1.7), (18, 2), (18.4, 11), (18, 18), (8.1, 18.2), (2, 18), (1.8, 7)], float)
    fan = np.stack([np.stack((np.array([10.3, 9.6]), a, b)) for a, b in zip(rim, np.roll(rim, -1, 0), strict=True)])
    painted = paint_triangles(fan, 20)
    assert (painted[3:17, 3:17] >= 0).all() and (painted[:1] == -1).all() and (painted[:, 19:] == -1).all()
    assert set(np.unique(painted)) == set(range(-1, 8))


def test_pixels_belong_to_the_triangle_around_their_center():
    random = np.random.default_rng(1)
    corners = random.uniform(-5, 37, (40, 3, 2))
    painted = paint_triangles(corners, 32)
    x, y = np.meshgrid(np.arange(32) + 0.5, np.arange(32) + 0.5)
    expected = np.full((32, 32), -1)
    for k, triangle in enumerate(corners):
        sides = [(b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) for a, b in zip(triangle, np.roll(triangle, -1, 0), strict=True)]
        inside = np.all([s >= 0 for s in sides], 0) | np.all([s <= 0 for s in sides], 0)
        expected[inside] = k
    assert (painted == expected).mean() > 0.999  # a center on an edge may go to either side


def test_later_triangles_cover_earlier_ones():
    triangle = np.array([(0, 0), (10, 0), (0, 10)], float)
    assert paint_triangles(np.stack([triangle, triangle + 1, triangle]), 8)[1, 1] == 2
    assert paint_triangles(np.stack([triangle, triangle]), 8)[7, 7] == -1


def test_affine_maps_give_the_corners_values():
    random = np.random.default_rng(0)
    corners, values = random.uniform(0, 10, (5, 3, 2)), random.uniform(0, 1, (5, 3, 3))
    maps = affine_of_triangles(corners, values)
    at = np.einsum("tck,tpk->tpc", maps, np.concatenate([corners, np.ones((5, 3, 1))], -1))
    assert np.allclose(at, values)


def test_a_patch_is_read_at_places_of_its_photograph():
    whole = np.zeros((20, 20, 2), np.float32)
    whole[5:9, 7:12] = np.stack([np.arange(20, dtype=np.float32).reshape(4, 5), np.ones((4, 5))], -1)
    patch = Patch.around(whole)
    assert patch.values.shape[:2] == (8, 9) and patch.corner == (5, 3)
    center = np.array([[(7.5) / 10 - 1, (5.5) / 10 - 1], [(8.0) / 10 - 1, 5.5 / 10 - 1]])
    assert np.allclose(patch.at(center), [[0, 1], [0.5, 1]])
    assert Patch.around(np.zeros((6, 6, 2), np.float32)).at(np.zeros((1, 2))).tolist() == [[0, 0]]

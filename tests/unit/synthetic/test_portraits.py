"""Prepared portraits on disk: what is written is read, damage is said, a narrower frame keeps mesh and image together."""

from __future__ import annotations

import numpy as np
import pytest

from float_core.errors import ImageError, OptionError
from float_core.synthetic.portraits import load_portrait, open_portraits, read_identity, reframe

from .conftest import SIZE, make_portrait


def test_what_is_written_is_read(portraits, mesh):
    layout, names = open_portraits(portraits)
    assert layout == mesh[0] and names == ["a", "b", "c"]
    read, made = load_portrait(portraits, "b"), make_portrait(mesh[1], "b", 1)
    assert np.allclose(read.points, made.points, atol=1e-6) and read.identity == read_identity(portraits, "b") == "b"
    assert np.abs(read.image.astype(int) - made.image).mean() < 2  # a JPEG
    assert np.abs(read.person - made.person).max() < 0.01


def test_damage_is_said(portraits, tmp_path):
    for path in portraits.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "a.npz").write_bytes(b"no")
    with pytest.raises(ImageError, match="prepare it again"):
        load_portrait(tmp_path, "a")
    (tmp_path / "portraits.json").write_text("{}")
    with pytest.raises(OptionError, match="no prepared portraits"):
        open_portraits(tmp_path)


def test_a_narrower_frame_keeps_mesh_and_picture_together(mesh):
    portrait = make_portrait(mesh[1])
    near = reframe(portrait, 1.2, (0.5, -1.0))
    assert near.image.shape == portrait.image.shape and near.person.shape == portrait.person.shape
    inside = np.abs(near.points[:, :2]).max(1) < 0.9
    assert inside.sum() > 100

    def colors(one):
        x, y = ((one.points[inside, :2] + 1) / 2 * SIZE).astype(int).T
        return one.image[y, x].astype(float)

    assert np.abs(colors(near) - colors(portrait)).mean() < 8
    assert np.ptp(near.points[:, 2]) == pytest.approx(1.2 * np.ptp(portrait.points[:, 2]), rel=0.01)

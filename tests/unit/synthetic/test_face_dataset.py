"""Faces on disk: shards that depend on the seed alone, resuming, and batches whose mirror images are consistent."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from float_core.errors import OptionError
from float_core.synthetic.face_dataset import FaceDataset, MixedFaces, Shares, _mirrored, write_faces, write_photo_faces


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_faces(tmp_path_factory.mktemp("faces"), heads=3, frames=2, size=64, seed=3)


def test_pairs_have_the_stated_shapes(folder):
    data = FaceDataset(folder, hold_out=1)
    pairs = data.draw(torch.Generator().manual_seed(0), 4, 32)
    assert data.heads == 3 and data.frames == 2 and data.train_heads.tolist() == [0, 1] and data.held_out.tolist() == [2]
    assert pairs.source.shape == pairs.target.shape == (4, 3, 32, 32)
    assert pairs.source.min() >= -1 and pairs.source.max() <= 1
    assert pairs.flow.grid.shape == (4, 64, 64, 2) and pairs.flow.weight.shape == (4, 64, 64)
    assert pairs.source_rig.shape == (4, 20)


def test_equal_seeds_give_equal_images(folder, tmp_path):
    again = FaceDataset(write_faces(tmp_path, heads=3, frames=2, size=64, seed=3), hold_out=0)
    first = FaceDataset(folder, hold_out=0)
    a, b = (data.pairs([0, 2], [0, 1], [1, 0], 64) for data in (first, again))
    assert torch.equal(a.source, b.source) and torch.equal(a.flow.grid, b.flow.grid)


def test_existing_shards_are_kept(folder):
    path = next(folder.glob("faces_*.npy"))
    before = path.stat().st_mtime_ns
    write_faces(folder, heads=3, frames=2, size=64, seed=3)
    assert path.stat().st_mtime_ns == before
    assert not list(folder.glob("*.claim"))


def test_mirroring_twice_changes_nothing(folder):
    pairs = FaceDataset(folder, hold_out=0).pairs([1], [0], [1], 64)
    twice = _mirrored(_mirrored(pairs))
    assert torch.equal(twice.source, pairs.source) and torch.equal(twice.target_rig, pairs.target_rig)
    assert torch.allclose(twice.flow.grid, pairs.flow.grid)


def test_photographs_and_drawn_heads_share_a_folder(portraits, tmp_path):
    write_faces(tmp_path, heads=2, frames=2, size=64, seed=3)
    write_photo_faces(tmp_path, portraits, frames=4, size=64)
    drawn, data = FaceDataset(tmp_path, hold_out=1), FaceDataset(tmp_path, "photo", hold_out=1)
    assert drawn.heads == 2 and data.heads == 3 and data.sources == 3
    pairs = data.pairs([0, 1, 2], [0, 0, 0], [1, 1, 3], 64)
    assert pairs.flow.grid.shape == (3, 128, 128, 2)
    warped = F.avg_pool2d(F.grid_sample(pairs.source, pairs.flow.grid, align_corners=False), 2)
    shown = F.avg_pool2d(pairs.flow.weight[:, None], 2)
    assert shown.mean() > 0.6
    assert ((warped - pairs.target).abs() * shown).sum() / shown.sum() / 3 < 0.4 * (pairs.source - pairs.target).abs().mean()
    assert data.draw(torch.Generator().manual_seed(0), 4, 32).source.shape == (4, 3, 32, 32)


def test_kinds_of_faces_are_mixed_by_their_shares(portraits, tmp_path):
    write_faces(tmp_path, heads=2, frames=2, size=32, seed=1)
    write_photo_faces(tmp_path, portraits, frames=3, size=32)
    faces = MixedFaces(tmp_path, Shares(photo=3.0, clip=5.0, drawn=1.0))  # there are no clips
    assert set(faces.kinds) == {"photo", "drawn"}
    generator = torch.Generator().manual_seed(0)
    sides = [faces.draw(generator, 1, 32).flow.grid.shape[1] for _ in range(200)]
    assert 120 < sides.count(128) < 180  # photographs have finer flows
    with pytest.raises(OptionError, match="no faces of the kinds clip"):
        MixedFaces(tmp_path, Shares(photo=0.0, clip=1.0, drawn=0.0))


def test_photographs_are_as_the_seed_says(portraits, tmp_path):
    folders = [
        write_photo_faces(tmp_path / name, portraits, heads=5, frames=2, size=32, seed=s) for name, s in (("a", 1), ("b", 1), ("c", 2))
    ]
    a, b, c = (FaceDataset(folder, "photo", hold_out=0).pairs([0, 4], [0, 1], [1, 0], 32) for folder in folders)
    assert torch.equal(a.source, b.source) and torch.equal(a.flow.grid, b.flow.grid)
    assert not torch.equal(a.source, c.source)


def test_what_cannot_be_made_is_refused(tmp_path):
    with pytest.raises(OptionError, match="at least 1 head"):
        write_faces(tmp_path, heads=0)
    with pytest.raises(OptionError, match="has no faces_"):
        FaceDataset(tmp_path)
    with pytest.raises(OptionError, match="no prepared portraits"):
        write_photo_faces(tmp_path, tmp_path)

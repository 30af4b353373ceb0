"""Motion files: the same bits after reading, another basis and every kind of wrong file refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from float_core import __version__
from float_core.calibration import basis_fingerprint
from float_core.errors import CheckpointError, OptionError
from float_core.motion_editing import load_motion, read_motion_notes, save_motion
from float_core.types import MotionSequence, Provenance


@pytest.fixture
def motion() -> MotionSequence:
    generator = torch.Generator().manual_seed(2)
    frames = torch.randn(2, 9, 12, generator=generator)
    frames[0, 4, 3] = -0.0
    return MotionSequence(frames, 30000 / 1001, torch.randn(2, 12, generator=generator))


@pytest.fixture
def file(tmp_path, model, motion):
    return save_motion(tmp_path / "new folder" / "take.safetensors", model, motion, notes="the second take, größer")


def test_the_same_bits_come_back(file, model, motion):
    read = load_motion(file, model)
    assert torch.equal(read.latents.view(torch.int32), motion.latents.view(torch.int32))
    assert torch.equal(read.source, motion.source) and read.fps == motion.fps


def test_views_and_missing_sources(tmp_path, model, motion):
    view = MotionSequence(motion.latents[:, ::2], 25.0)
    read = load_motion(save_motion(tmp_path / "a.safetensors", model, view), model)
    assert torch.equal(read.latents, view.latents) and read.source is None
    expanded = replace(motion, source=motion.source[:1].expand(2, -1))
    assert torch.equal(load_motion(save_motion(tmp_path / "b.safetensors", model, expanded), model).source, expanded.source)


def test_an_older_file_is_replaced_and_nothing_else_is_left(tmp_path, model, motion):
    target = tmp_path / "a.safetensors"
    save_motion(target, model, motion)
    save_motion(target, model, replace(motion, fps=25.0))
    assert load_motion(target, model).fps == 25.0
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_notes(file, model, motion):
    notes = read_motion_notes(file)
    assert (notes.frames, notes.batch, notes.latent_size, notes.fps) == (9, 2, 12, motion.fps)
    assert notes.seconds == pytest.approx(9 * 1001 / 30000)
    assert notes.notes == "the second take, größer" and notes.made_by == f"float-portrait {__version__}"
    assert notes.fingerprint == basis_fingerprint(model.basis)


def test_where_it_comes_from_is_there_without_the_makers_folders(tmp_path, model, motion):
    known = replace(model, provenance=Provenance("/home/somebody/models/great.safetensors", "abc" * 20, "own", "none"))
    path = save_motion(tmp_path / "a.safetensors", known, motion)
    assert read_motion_notes(path).model == "great.safetensors (sha256 abcabcabcabc)"
    assert b"somebody" not in path.read_bytes()


def test_half_a_character_in_the_notes(tmp_path, model, motion):
    assert read_motion_notes(save_motion(tmp_path / "a.safetensors", model, motion, notes="cut \ud83d")).notes == "cut ?"


def test_another_basis_is_refused(file, model):
    turned = replace(model, basis_tensor=model.basis * torch.tensor([1.0, 1.0, -1.0, 1.0]))
    with pytest.raises(CheckpointError, match=r"another basis: it was made for tiny\.safetensors .* would move something else"):
        load_motion(file, turned)
    swapped = replace(model, basis_tensor=model.basis[:, [1, 0, 2, 3]])
    with pytest.raises(CheckpointError, match="another basis"):
        load_motion(file, swapped)
    wider = replace(model, basis_tensor=torch.linalg.qr(torch.randn(14, 4))[0])
    with pytest.raises(CheckpointError, match="another basis"):
        load_motion(file, wider)


def test_the_last_digits_of_a_basis_do_not_matter(file, model, motion):
    nearly = replace(model, basis_tensor=model.basis + 1e-7)
    assert torch.equal(load_motion(file, nearly).latents, motion.latents)


def rewritten(file, tensors=None, **changes):
    """The file with other metadata (None: left out) or tensors."""
    with safe_open(file, "pt") as opened:
        metadata = opened.metadata() | changes
        kept = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    save_file(kept if tensors is None else tensors, file, metadata={name: text for name, text in metadata.items() if text is not None})
    return file


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": None}, "not a motion file"),
        ({"kind": "something else"}, "not a motion file"),
        ({"fps": "fast"}, "whose fps is 'fast'"),
        ({"fps": None}, "whose fps is ''"),
        ({"fps": "nan"}, "nan frames per second"),
        ({"fps": "0"}, "0 frames per second"),
        ({"basis": None}, "without the fingerprint of its basis"),
        ({"basis": "[" * 100_000}, "without the fingerprint of its basis"),
        ({"basis": "{}"}, "without the fingerprint of its basis"),
        ({"basis": '["1"]'}, "without the fingerprint of its basis"),
        ({"basis": json.dumps([10**400] * 16)}, "without the fingerprint of its basis"),
        ({"basis": "[NaN]"}, "without the fingerprint of its basis"),
        ({"basis": "[0.5]"}, "another basis"),
        ({"tensors": {"motion": torch.zeros(9, 12)}}, "wrong shape"),
        ({"tensors": {"motion": torch.zeros(1, 0, 12)}}, "wrong shape"),
        ({"tensors": {"motion": torch.zeros(1, 9, 12), "source": torch.zeros(2, 12)}}, "wrong shape"),
        ({"tensors": {"motion": torch.full((1, 9, 12), float("nan"))}}, "not finite"),
        ({"tensors": {"motion": torch.zeros(1, 9, 12), "source": torch.full((1, 12), float("inf"))}}, "not finite"),
        ({"tensors": {"motion": torch.zeros(1, 9, 12, dtype=torch.int32)}}, "not float32"),
        ({"tensors": {"motion": torch.zeros(1, 9, 12, dtype=torch.bfloat16)}}, "not float32"),
        ({"tensors": {"source": torch.zeros(1, 12)}}, "other tensors: source"),
        ({"tensors": {"motion": torch.zeros(1, 9, 12), "extra": torch.zeros(3)}}, "other tensors: extra"),
        ({"tensors": {"motion": torch.zeros(1, 9, 11)}}, "another basis"),
    ],
)
def test_hostile_files_are_refused(file, model, changes, says):
    with pytest.raises(CheckpointError, match=says) as caught:
        load_motion(rewritten(file, **changes), model)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("length", [0, 4, 8, 60, -1])
def test_files_that_were_cut_short(file, length):
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(CheckpointError, match="damaged, or not a safetensors file"):
        read_motion_notes(file)


@pytest.mark.parametrize("content", [b"\x80\x04pickle", b"PK\x03\x04", b"a text", b"\xff" * 100, b'\x08\0\0\0\0\0\0\0{"a":1}\n'])
def test_files_of_another_kind(tmp_path, model, content):
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"Expected a \.safetensors file that save_motion wrote"):
        load_motion(tmp_path / "x.safetensors", model)


def test_no_file_and_a_folder(tmp_path, model):
    with pytest.raises(CheckpointError, match="cannot be read: No such file"):
        load_motion(tmp_path / "none.safetensors", model)
    with pytest.raises(CheckpointError):
        load_motion(tmp_path, model)


def test_what_is_not_saved(tmp_path, model, motion):
    with pytest.raises(OptionError, match=r"expected one that ends in \.safetensors"):
        save_motion(tmp_path / "a.pt", model, motion)
    with pytest.raises(OptionError, match=r"expected \(B, T, 12\)"):
        save_motion(tmp_path / "a.safetensors", model, MotionSequence(torch.zeros(1, 3, 4), 25.0))
    with pytest.raises(OptionError, match="notes is int"):
        save_motion(tmp_path / "a.safetensors", model, motion, notes=3)
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be written"):
        save_motion(tmp_path / "file" / "a.safetensors", model, motion)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]

"""The files of a model: all that `load_model` would read, so that a model in memory is known to be out of date."""

from __future__ import annotations

from pathlib import Path

import pytest

from float_core import CheckpointError, model_files
from float_core.calibration import calibration_path
from float_core.checkpoints.find_parts import AUDIO_FOLDER, EMOTION_FOLDER


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def test_a_file_and_what_comes_to_lie_beside_it(tmp_path):
    weights = touch(tmp_path / "float.pth")
    touch(tmp_path / "other.pth")
    assert model_files(weights) == (weights,)
    beside = {
        calibration_path(weights),
        tmp_path / AUDIO_FOLDER / "config.json",
        tmp_path / AUDIO_FOLDER / "model.safetensors",
        tmp_path / EMOTION_FOLDER / "pytorch_model.bin",
    }
    for path in beside:
        before = set(model_files(weights))
        touch(path)
        assert set(model_files(weights)) - before == {path}


def test_a_folder_of_parts(tmp_path):
    files = {touch(tmp_path / name) for name in ("encoder.safetensors", "decoder.safetensors")}
    touch(tmp_path / "notes.txt")
    assert set(model_files(tmp_path)) == files
    assert set(model_files(tmp_path)) | {touch(calibration_path(tmp_path))} == set(model_files(tmp_path))


def test_the_bundled_model_by_its_name():
    assert {path.name for path in model_files("mini")} == {"mini.safetensors", "mini.calibration.json"}


def test_what_is_not_there():
    with pytest.raises(CheckpointError, match="does not exist"):
        model_files("nothing.safetensors")

"""LoadFLOAT and its cache: a model is loaded again when one of its files has come, gone or changed, and only then."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import float_core
from float_core.calibration import basis_fingerprint, save_calibration

from .comfy_server import ComfyServer, Json
from .conftest import UNTRAINED

NAME = "changing"
AUDIO_FOLDER = "wav2vec2-base-960h"
PROMPT: Json = {
    "1": {"class_type": "LoadFLOAT", "inputs": {"model": f"{NAME}.safetensors", "dtype": "auto", "device": "auto"}},
    "2": {"class_type": "TestTellModel", "inputs": {"model": ["1", 0]}},
}


@pytest.fixture
def folder(server: ComfyServer) -> Iterator[Path]:
    """The model folder, with a model of the test's own."""
    folder = server.base / "models" / "float"
    shutil.copyfile(folder / UNTRAINED, folder / f"{NAME}.safetensors")
    yield folder
    shutil.rmtree(folder / AUDIO_FOLDER, ignore_errors=True)
    for file in folder.glob(f"{NAME}*"):
        file.unlink()


def loaded(server: ComfyServer) -> tuple[bool, bool]:
    """Whether a run loaded the model, and whether the model has a calibration."""
    run = server.run(PROMPT)
    assert (run.refused, run.error) == (None, "")
    return "1" not in run.cached, run.outputs["2"]["calibrated"][0]


def calibration(path: Path) -> float_core.Calibration:
    """Of no direction's meaning."""
    basis = float_core.load_model(path).basis
    plain = float_core.DirectionCalibration((), 0.0, -1.0, 1.0, 0.5)
    count = basis.shape[1]
    mirror = tuple(tuple(float(row == column) for column in range(count)) for row in range(count))
    return float_core.Calibration(basis_fingerprint(basis), (plain,) * count, mirror, "by a test")


def test_a_calibration_and_the_folders_of_audio_networks_are_noticed(server: ComfyServer, folder: Path) -> None:
    assert loaded(server) == (True, False)
    assert loaded(server) == (False, False)
    save_calibration(calibration(folder / f"{NAME}.safetensors"), folder / f"{NAME}.calibration.json")
    assert loaded(server) == (True, True)
    assert loaded(server) == (False, True)
    (folder / AUDIO_FOLDER).mkdir()
    for name in ("config.json", "pytorch_model.bin", "model.safetensors"):
        (folder / AUDIO_FOLDER / name).write_bytes(b"{}")
        assert loaded(server) == (True, True), name
    (folder / AUDIO_FOLDER / "config.json").write_bytes(b"{ }")
    assert loaded(server) == (True, True)
    (folder / f"{NAME}.calibration.json").unlink()
    assert loaded(server) == (True, False)


def test_where_the_models_are_stays_on_the_server(server: ComfyServer, folder: Path) -> None:
    run = server.run(PROMPT)  # other tests' failed runs may show folders: ComfyUI's own tracebacks do
    assert run.outputs["2"]
    assert str(folder) not in str(run.history), "ComfyUI may put there what tells a changed file"


def test_a_calibration_that_does_not_fit_is_said(server: ComfyServer, folder: Path) -> None:
    fitting = calibration(folder / f"{NAME}.safetensors")
    foreign = replace(fitting, fingerprint=tuple(value + 1 for value in fitting.fingerprint))
    save_calibration(foreign, folder / f"{NAME}.calibration.json")
    run = server.run(PROMPT)
    assert run.outputs["2"]["calibrated"] == [False]
    (note,) = [note for note in run.notes if "another basis" in note]
    assert note.startswith(f"models/float/{NAME}.calibration.json"), "without the folders of the server"


def test_a_model_that_was_replaced_is_loaded_again(server: ComfyServer, folder: Path) -> None:
    assert loaded(server)[0]
    model = float_core.load_model(folder / f"{NAME}.safetensors")
    another = float_core.save_model(model, folder / f"{NAME}-new.safetensors", license="another, so that the file has another size")
    another.replace(folder / f"{NAME}.safetensors")
    assert loaded(server)[0]
    assert not loaded(server)[0]

"""Calibrations on disk: written and read back, found beside the weights, and refused where they do not fit."""

import json
import warnings
from dataclasses import replace

import pytest

import float_core
from float_core import Calibration, CheckpointError, DirectionCalibration, DirectionLabel, OptionError, load_model, save_model
from float_core.calibration import basis_fingerprint
from float_core.checkpoints.calibration_file import calibration_of, calibration_path, read_calibration, save_calibration

from .conftest import COMPACT, build

YAW = DirectionLabel("yaw", "head", 0.9, -8.25, "degrees")


def calibration(model) -> Calibration:
    count = model.basis.shape[1]
    directions = [DirectionCalibration((YAW,), 0.75, -2.5, 2.0, 0.8)] + [DirectionCalibration((), 0.0, -1.0, 1.0, 0.5)] * (count - 1)
    mirror = tuple(tuple(-1.0 if k == j == 0 else float(k == j) for j in range(count)) for k in range(count))
    return Calibration(basis_fingerprint(model.basis), tuple(directions), mirror, "made by hand: Größe")


@pytest.fixture
def saved(tmp_path):
    """A model file, and its calibration beside it."""
    path = save_model(build(COMPACT), tmp_path / "tiny.safetensors", license="none")
    save_calibration(calibration(load_model(path)), calibration_path(path))
    return path


def test_the_path_is_beside_the_file_and_inside_a_folder(tmp_path):
    assert calibration_path(tmp_path / "my.model.safetensors") == tmp_path / "my.model.calibration.json"
    assert calibration_path(tmp_path) == tmp_path / "calibration.json"


def test_what_is_written_is_read_back(saved):
    model = load_model(saved)
    assert model.calibration == calibration(model)
    assert read_calibration(saved.with_name("tiny.calibration.json")) == calibration(model)
    assert not list(saved.parent.glob("*.part"))


def test_without_a_file_there_is_none(saved):
    calibration_path(saved).unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_model(saved).calibration is None


def test_another_basis_is_not_used(saved):
    model = load_model(saved)
    other = replace(calibration(model), fingerprint=basis_fingerprint(model.basis.flip(1)))
    save_calibration(other, calibration_path(saved))
    with pytest.warns(UserWarning, match="is for another basis than that of tiny.safetensors"):
        assert load_model(saved).calibration is None


def test_a_damaged_file_does_not_keep_the_model_from_loading(saved):
    path = calibration_path(saved)
    path.write_text(path.read_text()[:200])
    with pytest.warns(UserWarning, match="cannot be read as JSON.*Calibrate the model again"):
        assert load_model(saved).calibration is None


def change(path, edit):
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda data: data.update(format="something"), "is not a calibration"),
        (lambda data: data.update(version=2), "has version 2"),
        (lambda data: data.pop("mirror"), "damaged.*mirror"),
        (lambda data: data["mirror"].pop(), "a mirror of 5 rows"),
        (lambda data: data["directions"][0].update(fit="much"), "damaged"),
        (lambda data: data["directions"][0].update(fit=1.5), "direction 0 has a fit or a strength outside"),
        (lambda data: data["directions"][2].update(low=2), "direction 2 has the range 2"),
        (lambda data: data["directions"][0]["labels"][0].update(group="nose"), "the group 'nose'; expected one of head"),
        (lambda data: data["directions"][0]["labels"][0].update(per_unit=float("nan")), "not finite"),
    ],
)
def test_damage_is_named(saved, edit, message):
    path = calibration_path(saved)
    change(path, edit)
    with pytest.raises(CheckpointError, match=message):
        read_calibration(path)


def test_numbers_that_are_not_finite_are_not_written(saved, tmp_path):
    model = load_model(saved)
    bad = replace(calibration(model), fingerprint=(float("inf"),))
    with pytest.raises(CheckpointError, match="not finite"):
        save_calibration(bad, tmp_path / "bad.json")
    assert not (tmp_path / "bad.json").exists()


def test_weights_are_not_replaced_by_a_calibration(saved):
    before = saved.read_bytes()
    with pytest.raises(OptionError, match=r"the file name is 'tiny\.safetensors'; expected one that ends in \.json"):
        save_calibration(calibration(load_model(saved)), saved)
    assert saved.read_bytes() == before


def test_public_names():
    assert float_core.calibration.read_calibration is read_calibration
    assert float_core.calibration.basis_fingerprint is basis_fingerprint


def test_a_models_calibration_without_its_weights(saved):
    expected = calibration(load_model(saved))
    saved.write_bytes(b"these are not read")
    assert calibration_of(saved) == calibration_of(str(saved)) == expected
    calibration_path(saved).unlink()
    assert calibration_of(saved) is None
    assert calibration_of("mini") == load_model("mini").calibration
    with pytest.raises(CheckpointError, match="does not exist"):
        calibration_of(saved.with_name("nothing.safetensors"))

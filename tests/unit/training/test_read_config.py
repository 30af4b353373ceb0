"""Training configurations: what is wrong in the file is told, and where."""

from __future__ import annotations

import json

import pytest

from float_core.errors import OptionError
from float_core.training.autoencoder_training import AutoencoderTraining
from float_core.training.motion_phase import MotionTraining

STAGE = {"size": 32, "steps": 5, "batch": 2, "learning_rate": 0.001}
AUTOENCODER = {"preset": "mini", "stages": [STAGE], "weights": {"pixel": 1}, "seed": 3}
MOTION = {"preset": "mini", "loop": {"steps": 5}, "phase": {"norm": "l2"}, "name": "own"}


def read(kind, tmp_path, data):
    (tmp_path / "own.json").write_text(json.dumps(data))
    return kind.read(tmp_path / "own.json")


def test_what_is_right(tmp_path):
    first = read(AutoencoderTraining, tmp_path, AUTOENCODER)
    assert first.network.size == 256 and first.stages[0].batch == 2 and first.weights.pixel == 1 and first.basis_seed is None
    staged = read(AutoencoderTraining, tmp_path, AUTOENCODER | {"stages": [STAGE | {"weights": {"adversary": 2.0}}]})
    assert staged.stages[0].weights.adversary == 2 and staged.weights.adversary == 0 and first.stages[0].weights is None
    own = {"size": 16, "latent_size": 12, "basis_size": 4, "channels": [8, 8, 6]}
    second = read(AutoencoderTraining, tmp_path, {"network": own, "stages": [STAGE, STAGE], "basis_seed": 4})
    assert second.network.channels == (8, 8, 6) and len(second.stages) == 2 and second.basis_seed == 4
    motion = read(MotionTraining, tmp_path, MOTION)
    assert motion.audio.kind == "compact" and motion.phase.norm == "l2" and motion.name == "own"


@pytest.mark.parametrize(
    ("kind", "data", "says"),
    [
        (AutoencoderTraining, AUTOENCODER | {"preset": "maxi"}, "preset is 'maxi'; expected one of float-512, mini"),
        (AutoencoderTraining, AUTOENCODER | {"preset": 3}, "preset is 3"),
        (AutoencoderTraining, {"stages": [STAGE]}, "has no network"),
        (AutoencoderTraining, {"preset": "mini"}, "has no stages"),
        (AutoencoderTraining, AUTOENCODER | {"stages": STAGE}, "stages is "),
        (AutoencoderTraining, AUTOENCODER | {"stages": [STAGE | {"steps": "5"}]}, "stages 1: steps is '5'; expected int"),
        (AutoencoderTraining, AUTOENCODER | {"stages": [STAGE, STAGE | {"sise": 5}]}, "stages 2 has 'sise'; expected only size, steps"),
        (AutoencoderTraining, AUTOENCODER | {"stages": [{"size": 32}]}, "stages 1 has no steps, batch, learning_rate"),
        (AutoencoderTraining, AUTOENCODER | {"stages": [5]}, "stages 1 is 5; expected an object"),
        (AutoencoderTraining, AUTOENCODER | {"stages": [STAGE | {"weights": {"advers": 1}}]}, "stages 1: weights has 'advers'"),
        (AutoencoderTraining, AUTOENCODER | {"seed": 1.5}, "seed is 1.5"),
        (AutoencoderTraining, AUTOENCODER | {"weights": {"pixel": True}}, "weights: pixel is True; expected float"),
        (MotionTraining, MOTION | {"preset": "float-512"}, "only the compact audio encoder can be trained, not the one of 'float-512'"),
        (MotionTraining, MOTION | {"phase": {"norm": "l3"}}, "phase: norm is 'l3'"),
        (MotionTraining, MOTION | {"loop": {"steps": None}}, "loop: steps is None"),
        (MotionTraining, {"transformer": {"heads": 0}, "audio": {}, "loop": {"steps": 5}}, "transformer: heads is 0"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, kind, data, says):
    with pytest.raises(OptionError, match=r"own\.json") as told:
        read(kind, tmp_path, data)
    assert says in str(told.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[" * 100_000, b"[1]", b'"text"', b"null", b"3", b"{'a': 1}"])
@pytest.mark.parametrize("kind", [AutoencoderTraining, MotionTraining])
def test_files_that_are_something_else(tmp_path, kind, content):
    (tmp_path / "own.json").write_bytes(content)
    with pytest.raises(OptionError, match=r"own\.json is not a training configuration"):
        kind.read(tmp_path / "own.json")

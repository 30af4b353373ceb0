"""Our own files: what is saved comes back, with its configuration, license and basis."""

import dataclasses
import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from float_core import AudioClip, CheckpointError, OptionError, convert_model, encode_audio, load_model, save_model
from float_core.checkpoints import save_weights

from .conftest import COMPACT, TINY, under, write_wav2vec2_folder


def test_round_trip_in_float32(tmp_path, tiny, same):
    path = save_model(
        tiny, tmp_path / "sub" / "own.safetensors", dtype=torch.float32, license="Apache-2.0", metadata={"trained_on": "heads"}
    )
    model = load_model(path)
    same(model, tiny)
    assert model.config == TINY
    assert model.provenance.layout == "own file"
    assert model.provenance.license == "Apache-2.0"
    with safe_open(path, "pt") as file:
        assert file.metadata()["trained_on"] == "heads"
        assert file.metadata()["float_version"] == "1"
    assert [entry.name for entry in path.parent.iterdir()] == ["own.safetensors"]


def test_round_trip_in_half_precision_keeps_the_basis(tmp_path, compact):
    path = save_model(compact, tmp_path / "own.safetensors", license="Apache-2.0")
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        model = load_model(path, dtype=dtype)
        assert model.config == COMPACT
        assert not model.has("emotion")
        assert torch.equal(model.basis, compact.basis)
        assert model.basis.dtype == torch.float32
    again = load_model(save_model(load_model(path, dtype=torch.float16), tmp_path / "again.safetensors", license="Apache-2.0"))
    assert torch.equal(again.basis, compact.basis)
    for name, tensor in again.transformer.state_dict().items():
        assert torch.equal(tensor, compact.transformer.state_dict()[name].half().float()), name


def test_constants_are_not_stored(tmp_path, compact):
    names = load_file(save_model(compact, tmp_path / "own.safetensors", license="x"))
    assert not [name for name in names if name.endswith(("kernel", "alignment_mask"))]


def test_values_out_of_range_are_refused(tmp_path, compact):
    large = dataclasses.replace(compact, transformer=torch.nn.Linear(1, 1))
    torch.nn.init.constant_(large.transformer.weight, 1e6)
    with pytest.raises(CheckpointError, match=r"not finite.*fmt\.weight"):
        save_model(large, tmp_path / "own.safetensors", license="x")
    assert not list(tmp_path.iterdir())


def test_the_suffix_is_checked(tmp_path, compact):
    with pytest.raises(OptionError, match="safetensors"):
        save_model(compact, tmp_path / "own.pth", license="x")


def spellings(path, folder):
    """Other ways to write the name of a file."""
    (folder / "sub").mkdir()
    link, twin = folder / "link.safetensors", folder / "twin.safetensors"
    link.symlink_to(path)
    twin.hardlink_to(path)
    return path, folder / "sub" / ".." / path.relative_to(folder), link, twin


def test_a_model_is_not_written_over_the_file_that_it_came_from(tmp_path, compact):
    path = save_model(compact, tmp_path / "own.safetensors", dtype=torch.float32, license="x")
    before, model = path.read_bytes(), load_model(path)
    assert model.provenance.files == (str(path),)
    for target in spellings(path, tmp_path):
        with pytest.raises(OptionError, match="is the same file as"):
            save_model(model, target, license="x")
        with pytest.raises(OptionError, match="is the same file as"):
            convert_model(path, target)
    assert path.read_bytes() == before
    assert save_model(model, tmp_path / "new.safetensors", license="x").is_file()
    assert save_model(model, tmp_path / "new.safetensors", license="x").is_file()  # an older result may be replaced


def test_nor_over_the_networks_that_lie_beside(tmp_path, monkeypatch, tensors):
    """Refused before a tensor is read."""
    model = tmp_path / "float.pth"
    torch.save({name: tensor for name, tensor in tensors.items() if not name.startswith(("audio_encoder.wav2vec2.", "emotion_"))}, model)
    folders = {"audio_encoder": tmp_path / "wav2vec2-base-960h", "emotion_model": tmp_path / "elsewhere"}
    write_wav2vec2_folder(folders["audio_encoder"], under(tensors, "audio_encoder."), TINY.audio.network)
    write_wav2vec2_folder(folders["emotion_model"], under(tensors, "emotion_encoder.wav2vec2_for_emotion."), TINY.emotion.network)
    monkeypatch.setattr(save_weights, "load_model", None)
    for folder in folders.values():
        with pytest.raises(OptionError, match="is the same file as"):
            convert_model(model, folder / "model.safetensors", emotion_model=folders["emotion_model"])


def test_conversion_keeps_the_weights_the_license_and_the_origin(tmp_path, compact, same):
    path = save_model(compact, tmp_path / "own.safetensors", dtype=torch.float32, license="Apache-2.0")
    converted = convert_model(path, tmp_path / "new.safetensors", dtype=torch.float32)
    model = load_model(converted)
    same(model, compact, ("autoencoder", "transformer", "audio_encoder"))
    assert model.provenance.license == "Apache-2.0"
    with safe_open(converted, "pt") as file:
        assert file.metadata()["converted_from"] == f"own.safetensors (sha256 {load_model(path).provenance.sha256})"


def test_the_license_of_files_before_0_2_is_read(tmp_path, compact):
    path = save_model(compact, tmp_path / "own.safetensors", license="new words")
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    old = {name.replace("license", "licence"): text for name, text in metadata.items()} | {"float_licence": "old words"}
    save_file(load_file(path), tmp_path / "old.safetensors", metadata=old)
    assert load_model(tmp_path / "old.safetensors").provenance.license == "old words"
    save_file(load_file(path), tmp_path / "both.safetensors", metadata=metadata | {"float_licence": "old words"})
    assert load_model(tmp_path / "both.safetensors").provenance.license == "new words"


def test_own_files_are_held_to_their_configuration(tmp_path, compact):
    path = save_model(compact, tmp_path / "own.safetensors", license="x")
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    extra = tensors | {"emotion_encoder.wav2vec2_for_emotion.classifier.dense.weight": torch.zeros(1)}
    cases = {
        "unexpected": (extra, metadata),
        "format 99": (tensors, metadata | {"float_version": "99"}),
        "not a model configuration": (tensors, metadata | {"float_config": "{"}),
        "missing": ({name: tensor for name, tensor in tensors.items() if "pos_embed" not in name}, metadata),
    }
    for says, (weights, text) in cases.items():
        save_file(weights, tmp_path / "bad.safetensors", metadata=text)
        with pytest.raises(CheckpointError, match=says):
            load_model(tmp_path / "bad.safetensors")


def test_an_emotion_network_beside_serves_a_model_without_one(tmp_path, compact, tensors):
    path = save_model(compact, tmp_path / "own.safetensors", license="x")
    folder = tmp_path / "wav2vec-english-speech-emotion-recognition"
    write_wav2vec2_folder(folder, under(tensors, "emotion_encoder.wav2vec2_for_emotion."), TINY.emotion.network)
    model = load_model(path)
    assert model.has("emotion")
    assert model.require("emotion")(torch.randn(1, 4000)).shape == (1, 7)


@pytest.fixture
def rated(tmp_path, compact):
    """A function: the model in a file that gives the model's rate and its audio encoder's, as older versions wrote it."""
    path = save_model(compact, tmp_path / "own.safetensors", license="x")
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    weights = load_file(path)

    def write(**rates):
        config = json.loads(metadata["float_config"])
        config.pop("fps")
        config.update({"fps": rates["model"]} if "model" in rates else {})
        config["audio"].update({"fps": rates["audio"]} if "audio" in rates else {})
        save_file(weights, path, metadata=metadata | {"float_config": json.dumps(config)})
        return path

    return write


@pytest.mark.parametrize("rates", [{"model": 20.0, "audio": 20.0}, {"model": 20.0}, {"audio": 20.0}, {"model": 20, "audio": 20.0}])
def test_a_file_with_the_rate_in_either_place_loads(rated, rates):
    model = load_model(rated(**rates))
    assert model.config.fps == 20 and model.audio_encoder.fps == 20
    tone = AudioClip(torch.randn(16000, generator=torch.Generator().manual_seed(0)), 16000)
    features = encode_audio(model, tone)
    assert features.fps == 20 and features.features.shape[1] == 20


def test_a_file_with_two_rates_is_refused(rated):
    with pytest.raises(CheckpointError, match=r"own.safetensors: .*two frame rates, 25.0 for the model and 20.0 for its audio encoder"):
        load_model(rated(model=25.0, audio=20.0))


@pytest.mark.parametrize("rate", [0, -25, float("nan"), "25", True])
def test_a_file_with_no_possible_rate_is_refused(rated, rate):
    with pytest.raises(CheckpointError, match="fps is"):
        load_model(rated(model=rate))


def test_the_rate_is_written_once(tmp_path, compact):
    path = save_model(
        dataclasses.replace(compact, config=dataclasses.replace(compact.config, fps=20.0)), tmp_path / "own.safetensors", license="x"
    )
    with safe_open(path, "pt") as file:
        config = json.loads(file.metadata()["float_config"])
    assert config["fps"] == 20.0 and "fps" not in config["audio"]
    assert load_model(path).audio_encoder.fps == 20.0

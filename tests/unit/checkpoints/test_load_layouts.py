"""Every layout that users have, written from one tiny model and loaded back equal."""

import dataclasses
import json
import re
import threading

import pytest
import torch
from safetensors.torch import save_file

from float_core import CheckpointError, OptionError, load_model
from float_core.checkpoints.find_parts import BUNDLED

from .conftest import TINY, under, wav2vec2, write_wav2vec2_folder

AUDIO, EMOTION = "wav2vec2-base-960h", "wav2vec-english-speech-emotion-recognition"


def as_pth(tensors):
    return {name: tensor.clone() for name, tensor in tensors.items() if "wav2vec2" not in name}


def write_folders(folder, tensors, **options):
    audio = {f"wav2vec2.{name}": tensor for name, tensor in under(tensors, "audio_encoder.wav2vec2.").items()}
    write_wav2vec2_folder(folder / AUDIO, audio, TINY.audio.network, **options)
    write_wav2vec2_folder(folder / EMOTION, under(tensors, "emotion_encoder.wav2vec2_for_emotion."), TINY.emotion.network, **options)


def old_spelling(name):
    return name.replace("parametrizations.weight.original0", "weight_g").replace("parametrizations.weight.original1", "weight_v")


def constants():
    blurs = {f"motion_autoencoder.enc.net_app.convs.{i}.{kind}.0.kernel" for i in (1, 2, 3) for kind in ("conv2", "skip")}
    blurs |= {f"motion_autoencoder.dec.convs.{i}.conv.blur.kernel" for i in (0, 2, 4)}
    blurs |= {f"motion_autoencoder.dec.{kind}.{i}.upsample.kernel" for i in (0, 1, 2) for kind in ("to_rgbs", "to_flows")}
    return {name: torch.ones(4, 4) for name in blurs} | {"fmt.alignment_mask": torch.zeros(30, 30, dtype=torch.bool)}


def test_one_file(write, tiny, same):
    model = load_model(write())
    same(model, tiny)
    assert dataclasses.replace(model.config, name="tiny") == TINY
    assert model.provenance.layout == "one file"
    assert "non-commercial" in model.provenance.license
    assert re.fullmatch("[0-9a-f]{64}", model.provenance.sha256)
    assert torch.allclose(model.basis.T @ model.basis, torch.eye(6), atol=1e-6)
    assert not any(parameter.requires_grad for parameter in model.autoencoder.parameters())


def test_constants_and_the_old_spelling_of_weight_norm(write, tensors, tiny, same):
    respelled = {old_spelling(name): tensor for name, tensor in tensors.items()}
    assert respelled.keys() != tensors.keys()
    model = load_model(write(constants(), source=respelled))
    same(model, tiny)
    assert not torch.equal(model.transformer.alignment_mask, torch.zeros(30, 30, dtype=torch.bool))  # ours, not the file's


@pytest.mark.parametrize("nest", [None, "state_dict", "model"])
@pytest.mark.parametrize("zipped", [True, False])
def test_float_pth_with_folders_beside(tmp_path, tensors, tiny, same, nest, zipped):
    flat = as_pth(tensors)
    torch.save(flat if nest is None else {nest: flat, "step": 3}, tmp_path / "float.pth", _use_new_zipfile_serialization=zipped)
    write_folders(tmp_path, tensors, prefix="wav2vec2.", pickled=not zipped)
    model = load_model(tmp_path / "float.pth")
    same(model, tiny)
    assert model.config.audio.projection_size == 192
    assert AUDIO in model.provenance.layout


@pytest.mark.parametrize("prefix", ["wav2vec2.", ""])
def test_folders_as_arguments(tmp_path, tensors, tiny, same, prefix):
    torch.save(as_pth(tensors), tmp_path / "float.pth")
    write_folders(tmp_path / "elsewhere", tensors, prefix=prefix)
    bare = load_model(tmp_path / "float.pth")
    assert not bare.has("audio_encoder")
    assert not bare.has("emotion")
    with pytest.raises(CheckpointError, match="wav2vec2-base-960h"):
        bare.require("audio_encoder")
    elsewhere = tmp_path / "elsewhere"
    same(load_model(tmp_path / "float.pth", audio_encoder=elsewhere / AUDIO, emotion_model=str(elsewhere / EMOTION)), tiny)


def test_a_folder_wins_over_the_file_and_brings_its_heads(tmp_path, write, tensors, tiny):
    config = json.loads(wav2vec2()) | {"num_attention_heads": 8}
    audio = {f"wav2vec2.{name}": tensor for name, tensor in under(tensors, "audio_encoder.wav2vec2.").items()}
    folder = write_wav2vec2_folder(tmp_path / "mine", audio, json.dumps(config))
    model = load_model(write(), audio_encoder=folder)
    assert model.audio_encoder.wav2vec2.config.num_attention_heads == 8


def test_single_parts_from_a_folder(tmp_path, tensors, tiny, same):
    folder = tmp_path / "parts"
    folder.mkdir()
    parts = {
        "encoder": "motion_autoencoder.enc.",
        "decoder": "motion_autoencoder.dec.",
        "projection": "audio_encoder.audio_projection.",
        "wav2vec2": "audio_encoder.wav2vec2.",
        "flow": "fmt.",
        "emotion": "emotion_encoder.wav2vec2_for_emotion.",
    }
    for name, prefix in parts.items():
        save_file(under(tensors, prefix), folder / f"{name}.safetensors")
    torch.save({"body.conv1.weight": torch.zeros(2)}, folder / "detection_Resnet50_Final.pth")  # something else entirely
    model = load_model(folder)
    same(model, tiny)
    assert model.provenance.layout == "folder of parts"
    save_file(under(tensors, "fmt."), folder / "flow-again.safetensors")
    with pytest.raises(CheckpointError, match=r"flow-again.*flow\.safetensors|flow\.safetensors.*flow-again"):
        load_model(folder)


def test_single_part_files(tmp_path, tensors, tiny, same):
    for name, prefix in (("encoder", "motion_autoencoder.enc."), ("decoder", "motion_autoencoder.dec."), ("flow", "fmt.")):
        save_file(under(tensors, prefix), tmp_path / f"{name}.safetensors")
    flow = load_model(tmp_path / "flow.safetensors")
    same(flow, tiny, parts=["transformer"])
    for name in ("encoder", "decoder"):
        half = load_model(tmp_path / f"{name}.safetensors")
        assert not half.has("autoencoder")
        assert half.provenance.layout == f"single part: {name}"
        with pytest.raises(CheckpointError, match="an encoder and a decoder file"):
            half.require("autoencoder")


def test_a_damaged_half_says_so(tmp_path, tensors):
    encoder = under(tensors, "motion_autoencoder.enc.")
    del encoder["fc.1.weight"]
    save_file(encoder, tmp_path / "encoder.safetensors")
    with pytest.raises(CheckpointError, match=r"1 missing: enc\.fc\.1\.weight"):
        load_model(tmp_path / "encoder.safetensors")


def test_half_precision_and_the_basis(write, tensors, tiny):
    model = load_model(write(), dtype=torch.bfloat16)
    assert model.autoencoder.enc.fc[0].weight.dtype == torch.bfloat16
    assert model.transformer.pos_embed.dtype == torch.bfloat16
    assert torch.equal(model.basis, tiny.basis)
    stored_half = {name: tensor.half() for name, tensor in tensors.items()}
    model = load_model(write(source=stored_half, name="half.safetensors"))
    assert {parameter.dtype for parameter in model.transformer.parameters()} == {torch.float32}
    expected, _ = torch.linalg.qr(stored_half["motion_autoencoder.dec.direction.weight"].float() + 1e-8)
    assert torch.equal(model.basis, expected)


def test_emotion_is_read_on_first_use_and_once(write, tiny, monkeypatch):
    from float_core.checkpoints import build_model

    built = []
    network = build_model._network

    def noted(build, *rest):
        built.append(getattr(build, "func", build).__name__)
        return network(build, *rest)

    monkeypatch.setattr(build_model, "_network", noted)
    model = load_model(write())
    assert "SpeechEmotionClassifier" not in built
    assert model.has("emotion")
    assert not model.emotion_loader.loaded
    results = []
    threads = [threading.Thread(target=lambda: results.append(model.require("emotion"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert built.count("SpeechEmotionClassifier") == 1
    assert len(results) == 4
    assert len({id(result) for result in results}) == 1


def test_training_on_a_loaded_model_does_not_touch_its_file(write, tensors):
    def widened(i):  # large enough to stay mapped
        sizes = {"fc1.weight": (4096, 128), "fc1.bias": (4096,), "fc2.weight": (128, 4096)}
        return {f"fmt.blocks.{i}.mlp.{name}": torch.randn(size) for name, size in sizes.items()}

    path = write(widened(0) | widened(1) | widened(2))
    before = path.read_bytes()
    model = load_model(path)
    assert model.config.transformer.mlp_ratio == 32
    for parameter in model.transformer.parameters():
        parameter.add_(1.0)
    assert path.read_bytes() == before


def test_loading_leaves_the_random_state_alone(write):
    path = write()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_model(path)
    assert torch.equal(torch.rand(3), expected)


def test_a_path_wins_over_a_name(write, tmp_path, monkeypatch, tiny, same):
    write(name="mini")
    monkeypatch.chdir(tmp_path)
    same(load_model("mini"), tiny, parts=["autoencoder"])
    monkeypatch.chdir(tmp_path.parent)
    monkeypatch.setitem(BUNDLED, "mini", tmp_path / "mini")
    same(load_model("mini"), tiny, parts=["autoencoder"])
    with pytest.raises(CheckpointError, match=r"does not exist.*mini"):
        load_model("no-such-model")


def test_arguments_are_checked(write):
    path = write()
    with pytest.raises(OptionError, match="device"):
        load_model(path, device="toaster")
    with pytest.raises(OptionError, match="dtype"):
        load_model(path, dtype=torch.int8)
    with pytest.raises(CheckpointError, match="not a folder"):
        load_model(path, audio_encoder=path)

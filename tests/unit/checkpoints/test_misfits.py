"""Files that do not fit: what is wrong is named, the first few by name and the rest by count."""

import json

import pytest
import torch
from safetensors.torch import save_file

from float_core import CheckpointError, load_model
from float_core.checkpoints.key_maps import match, respell

from .conftest import TINY, under, write_wav2vec2_folder


def test_missing_tensors_are_named_and_counted(write, tensors):
    gone = [name for name in tensors if name.startswith("fmt.") and name.endswith("bias")]
    with pytest.raises(CheckpointError) as error:
        load_model(write(dict.fromkeys(gone)))
    assert f"{len(gone)} missing" in str(error.value)
    assert f"and {len(gone) - 5} more" in str(error.value)
    assert sum(name.removeprefix("fmt.") in str(error.value) for name in gone) == 5
    assert "transformer" in str(error.value)


@pytest.mark.parametrize(
    "name",
    [
        "motion_autoencoder.enc.fc.2.weight",
        "motion_autoencoder.enc.net_app.convs.2.conv2.1.weight",
        "motion_autoencoder.enc.net_app.convs.4.weight",
        "motion_autoencoder.dec.direction.weight",
        "motion_autoencoder.dec.convs.5.conv.weight",
        "motion_autoencoder.dec.to_flows.0.conv.weight",
        "fmt.pos_embed",
        "fmt.c_embedder.weight",
        "fmt.x_embedder.proj.weight",
        "fmt.blocks.2.attn.qkv.weight",
        "audio_encoder.wav2vec2.encoder.layers.2.attention.k_proj.weight",
        "audio_encoder.wav2vec2.feature_projection.projection.weight",
        "emotion_encoder.wav2vec2_for_emotion.wav2vec2.encoder.layer_norm.weight",
        "emotion_encoder.wav2vec2_for_emotion.classifier.out_proj.bias",
    ],
)
def test_one_missing_tensor_is_the_one_that_is_named(write, name):
    with pytest.raises(CheckpointError) as error:
        load_model(write({name: None}))
    part = name.split(".", 1)[1]
    assert part in str(error.value)
    if name not in ("fmt.pos_embed", "fmt.c_embedder.weight"):  # sizes that only they tell: the released ones are assumed
        assert "1 missing" in str(error.value)
        assert "shape" not in str(error.value)


@pytest.mark.parametrize(
    "name", ["fmt.x_embedder.proj.weight", "motion_autoencoder.enc.net_app.convs.1.conv2.1.weight", "motion_autoencoder.enc.fc.0.weight"]
)
def test_a_wrong_shape_is_named_with_both_shapes(write, tensors, name):
    shape = [size + 1 for size in tensors[name].shape]
    with pytest.raises(CheckpointError) as error:
        load_model(write({name: torch.zeros(shape)}))
    assert f"found {shape}, expected {list(tensors[name].shape)}" in str(error.value)
    assert "1 of the wrong shape" in str(error.value)
    assert "missing" not in str(error.value)


@pytest.mark.parametrize(
    "name",
    [
        "fmt.blocks.0.attn.extra.weight",
        "fmt.blocks.7.stray",
        "audio_encoder.wav2vec2.lm_head.weight",
        "optimizer.step",
        "motion_autoencoder.x",
    ],
)
def test_unexpected_tensors_are_named(write, name):
    with pytest.raises(CheckpointError, match=f"1 unexpected: .*{name.split('.')[-1]}"):
        load_model(write({name: torch.zeros(2)}))


def test_a_tensor_of_whole_numbers_is_refused(write, tensors):
    name = "fmt.c_embedder.weight"
    with pytest.raises(CheckpointError, match=r"c_embedder\.weight.*int8"):
        load_model(write({name: torch.zeros(tensors[name].shape, dtype=torch.int8)}))


def test_a_projection_for_another_wav2vec2(write, tmp_path, tensors):
    audio = {f"wav2vec2.{name}": tensor for name, tensor in under(tensors, "audio_encoder.wav2vec2.").items()}
    folder = write_wav2vec2_folder(tmp_path / "w", audio, TINY.audio.network)
    with pytest.raises(CheckpointError, match=r"takes 100 values.*gives 192 .*3 layers of 64"):
        load_model(write({"audio_encoder.audio_projection.0.weight": torch.zeros(10, 100)}), audio_encoder=folder)


def test_parts_of_different_models(write):
    wider = {"audio_encoder.audio_projection.0.weight": (11, 192), "audio_encoder.audio_projection.0.bias": (11,)}
    wider |= {"audio_encoder.audio_projection.1.weight": (11,), "audio_encoder.audio_projection.1.bias": (11,)}
    with pytest.raises(CheckpointError, match="feature size is 11, the transformer's audio size 10"):
        load_model(write({name: torch.zeros(shape) for name, shape in wider.items()}))


def test_folders_that_are_not_wav2vec2(write, tmp_path, tensors):
    path = write()
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CheckpointError, match=r"no weights.*model\.safetensors"):
        load_model(path, audio_encoder=empty)
    with pytest.raises(CheckpointError, match="no file in"):
        load_model(empty)
    emotion = under(tensors, "emotion_encoder.wav2vec2_for_emotion.")
    labels = {str(i): name for i, name in enumerate(["neutral", "angry", "disgust", "fear", "happy", "sad", "surprise"])}
    mixed = write_wav2vec2_folder(tmp_path / "mixed", emotion, TINY.emotion.network, id2label=labels)
    with pytest.raises(CheckpointError, match="orders the emotions as neutral"):
        load_model(path, emotion_model=mixed)
    (mixed / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"config\.json"):
        load_model(path, emotion_model=mixed)


@pytest.mark.parametrize(
    "changed",
    [
        {"hidden_size": "64"},
        {"hidden_size": -1},
        {"hidden_size": 0},
        {"num_attention_heads": 0},
        {"num_attention_heads": None},
        {"conv_dim": 5},
        {"conv_kernel": []},
        {"hidden_act": "nothing"},
        {"num_conv_pos_embeddings": 0},
    ],
)
def test_a_network_configuration_that_makes_no_network(write, tmp_path, tensors, changed):
    audio = {f"wav2vec2.{name}": tensor for name, tensor in under(tensors, "audio_encoder.wav2vec2.").items()}
    folder = write_wav2vec2_folder(tmp_path / "w", audio, TINY.audio.network, **changed)
    with pytest.raises(CheckpointError, match=r"does not (make|fit)"):
        load_model(write(), audio_encoder=folder)


def test_labels_that_are_not_numbered_say_nothing(write, tmp_path, tensors):
    emotion = under(tensors, "emotion_encoder.wav2vec2_for_emotion.")
    folder = write_wav2vec2_folder(tmp_path / "w", emotion, TINY.emotion.network, id2label={"first": "angry", "0": None})
    assert load_model(write(), emotion_model=folder).has("emotion")


@pytest.mark.parametrize(
    ("part", "size", "value"),
    [
        ("autoencoder", "size", "32"),
        ("autoencoder", "channels", [20, 16, 12, 0]),
        ("autoencoder", "channels", "wide"),
        ("autoencoder", "basis_size", True),
        ("transformer", "heads", 0),
        ("transformer", "window", None),
        ("transformer", "preceding", -1),
        ("transformer", "mlp_ratio", 1.5),
        ("audio", "network", 5),
        ("audio", "sample_rate", 0),
        ("emotion", "classes", {}),
    ],
)
def test_sizes_of_an_own_file_that_no_network_can_have(tmp_path, tensors, part, size, value):
    config = json.loads(TINY.to_json())
    config[part][size] = value
    save_file(tensors, tmp_path / "own.safetensors", metadata={"float_config": json.dumps(config)})
    with pytest.raises(CheckpointError, match=rf"own\.safetensors.*{size}"):
        load_model(tmp_path / "own.safetensors")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 12\n", "Git LFS pointer"),
        (b"\n<!DOCTYPE html><html></html>", "web page"),
        (b'{"error": "Invalid username or password."}', "JSON text"),
        (b"GGUF\x03\x00\x00\x00", "GGUF"),
        (b"\x00\x01\x00\x00\x00\x00\x00\x00{cut", "cut short"),
        (b"hello", "neither a safetensors file nor a torch pickle"),
        (b"PK\x03\x04 not really", "not a whole torch file"),
        (b"\x80\x02nonsense", "damaged"),
    ],
)
def test_files_that_are_something_else(tmp_path, content, says):
    path = tmp_path / "FLOAT.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=says):
        load_model(path)


@pytest.mark.parametrize("keep", [0.2, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["safetensors", "zip", "legacy"])
def test_files_that_were_cut_short(tmp_path, tensors, kind, keep):
    path = tmp_path / "model"
    flow = under(tensors, "fmt.")
    if kind == "safetensors":
        save_file(flow, path)
    else:
        torch.save(flow, path, _use_new_zipfile_serialization=kind == "zip")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(CheckpointError, match=r"model is|damaged"):
        load_model(path)


class Payload:
    """Would run code if it were unpickled without care."""

    def __reduce__(self):
        return print, ("this must not be printed",)


def test_pickles_with_code_are_refused(tmp_path, capsys):
    torch.save({"state_dict": {"fmt.pos_embed": torch.zeros(1)}, "bad": Payload()}, tmp_path / "float.pth")
    with pytest.raises(CheckpointError, match="could run code"):
        load_model(tmp_path / "float.pth")
    assert capsys.readouterr().out == ""


def test_pickles_without_tensors_and_files_of_others(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="no tensors by name"):
        load_model(tmp_path / "a.pth")
    save_file({"unet.conv.weight": torch.zeros(1)}, tmp_path / "b.safetensors")
    with pytest.raises(CheckpointError, match=r"none of FLOAT's networks.*unet\.conv\.weight"):
        load_model(tmp_path / "b.safetensors")


def test_weight_norm_is_spelled_as_the_module_does():
    new = {"conv.parametrizations.weight.original0": (1,), "conv.parametrizations.weight.original1": (2,)}
    old = {"conv.weight_g": (1,), "conv.weight_v": (2,)}
    for wanted, found in ((new, old), (old, new), (new, new), (old, old)):
        fit = match(wanted, found)
        assert fit.problems() == ""
        assert fit.pairs.keys() == wanted.keys()
    assert respell("other.weight_g", new) == "other.weight_g"

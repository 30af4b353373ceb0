"""Files in the released layout through `load_model`: every name and size of the released checkpoint, and the reference numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from float_core import AudioClip, load_model
from float_core.audio.waveform import prepare
from float_core.checkpoints import find_parts
from float_core.config import FLOAT_512


def sparse_safetensors(path, shapes):
    """A safetensors file of zeros that takes no room on the disk."""
    header, offset = {}, 0
    for name, (kind, shape) in shapes.items():
        size = int(np.prod(shape)) * (4 if kind == "F32" else 1)
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + offset)
    return path


@pytest.fixture(scope="module")
def layout(reference):
    """Every name of the released checkpoint with its type and shape: parameters, constants."""
    parts = json.loads((reference / "checkpoint_layout.json").read_text())
    parameters = {name: ("F32", shape) for part in parts.values() for name, shape in part["parameters"].items()}
    constants = {name: ("BOOL" if "mask" in name else "F32", shape) for part in parts.values() for name, shape in part["buffers"].items()}
    return parameters, constants


@pytest.mark.parametrize("with_constants", [True, False])
def test_the_released_layout_is_the_released_model(tmp_path, layout, monkeypatch, with_constants):
    parameters, constants = layout
    monkeypatch.setattr(find_parts, "file_sha256", lambda path: "0" * 64)  # 2.4 GB of zeros are not worth it
    model = load_model(sparse_safetensors(tmp_path / "FLOAT.safetensors", parameters | (constants if with_constants else {})))
    assert model.config == FLOAT_512
    loaded = [model.autoencoder, model.transformer, model.audio_encoder]
    names = {name for name in parameters if not name.startswith("emotion_encoder.")}
    assert sum(len(list(network.parameters())) for network in loaded) == len(names)
    assert model.has("emotion")


def reference_tensors(refweights, names):
    return {name: torch.from_numpy(refweights.tensor(name, shape)).float() for name, shape in names.items()}


def test_autoencoder_and_audio_numbers_through_files(tmp_path, reference, refweights, relative_error):
    """The 128 auto-encoder in float.pth with a small wav2vec2 beside it, against the numbers of both."""
    from float_core.config import AutoencoderConfig
    from float_core.motion_autoencoder.autoencoder import MotionAutoencoder

    with torch.device("meta"):
        empty = MotionAutoencoder(AutoencoderConfig(size=128, channels=(512, 512, 512, 512, 256, 128)))
    names = {f"motion_autoencoder.{name}": tuple(tensor.shape) for name, tensor in empty.named_parameters()}
    names |= {"audio_encoder.audio_projection.0.weight": (512, 96)}
    names |= {f"audio_encoder.audio_projection.{name}": (512,) for name in ("0.bias", "1.weight", "1.bias")}
    torch.save({"state_dict": reference_tensors(refweights, names)}, tmp_path / "float.pth")
    for folder, file, prefix in (
        ("wav2vec2-base-960h", "audio_tiny.json", "audio_encoder.wav2vec2."),
        ("wav2vec-english-speech-emotion-recognition", "emotion_tiny.json", "emotion_encoder.wav2vec2_for_emotion."),
    ):
        small = json.loads((reference / file).read_text())
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text(json.dumps(small["config"]))
        tensors = reference_tensors(refweights, {prefix + name: shape for name, shape in small["keys"].items()})
        save_file({name.removeprefix(prefix): tensor for name, tensor in tensors.items()}, tmp_path / folder / "model.safetensors")

    model = load_model(tmp_path / "float.pth")
    assert model.config.autoencoder == AutoencoderConfig(size=128, channels=(512, 512, 512, 512, 256, 128))

    expected = np.load(reference / "autoencoder_128.npz")
    image = torch.from_numpy(refweights.picture(128, float(expected["phase"]))).float()[None]
    with torch.no_grad():
        identity, coefficients, _ = model.autoencoder.encode(image)
    assert relative_error(model.basis, expected["q"]) < 1e-5
    assert relative_error(identity.reshape(expected["s_r"].shape), expected["s_r"]) < 1e-5
    assert relative_error(coefficients.reshape(expected["lam"].shape), expected["lam"]) < 1e-5

    expected = np.load(reference / "audio_tiny.npz")
    tone = refweights.tone(float(expected["seconds"]), phase=float(expected["phase"]))
    waveform = prepare(AudioClip(torch.from_numpy(tone).float(), 16000))
    with torch.no_grad():
        features = model.audio_encoder(waveform)[0]
    assert relative_error(features, expected["wa"]) < 1e-5

    expected = np.load(reference / "emotion_tiny.npz")
    with torch.no_grad():
        probabilities = model.require("emotion").probabilities(waveform)
    assert relative_error(probabilities.reshape(expected["probabilities"].shape), expected["probabilities"]) < 1e-5

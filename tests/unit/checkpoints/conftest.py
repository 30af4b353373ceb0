"""A tiny model with every part, and the ways to write it that users have."""

import json

import pytest
import torch
from safetensors.torch import save_file

from float_core.audio.compact_encoder import CompactAudioEncoder
from float_core.audio.speech_emotion import SpeechEmotionClassifier
from float_core.audio.wav2vec2_encoder import Wav2Vec2AudioEncoder
from float_core.checkpoints.build_model import EmotionLoader
from float_core.config import (
    AutoencoderConfig,
    CompactAudioConfig,
    EmotionConfig,
    ModelConfig,
    TransformerConfig,
    Wav2Vec2AudioConfig,
)
from float_core.motion_autoencoder.autoencoder import MotionAutoencoder
from float_core.motion_flow.transformer import FlowMatchingTransformer
from float_core.types import FloatModel, Provenance

PREFIXES = {"autoencoder": "motion_autoencoder.", "transformer": "fmt.", "audio_encoder": "audio_encoder.", "emotion": "emotion_encoder."}


def wav2vec2(large=False, hidden=64):
    """A small configuration of the kind that base or large is; heads 64 wide, as in both."""
    config = {
        "conv_bias": large,
        "conv_dim": [16] * 7,
        "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
        "conv_stride": [5, 2, 2, 2, 2, 2, 2],
        "do_stable_layer_norm": large,
        "feat_extract_norm": "layer" if large else "group",
        "hidden_size": hidden,
        "intermediate_size": 48,
        "model_type": "wav2vec2",
        "num_attention_heads": max(1, hidden // 64),
        "num_conv_pos_embedding_groups": 4,
        "num_conv_pos_embeddings": 16,
        "num_feat_extract_layers": 7,
        "num_hidden_layers": 3,
        "vocab_size": 32,
    }
    return json.dumps(config, sort_keys=True)


TINY = ModelConfig(
    name="tiny",
    autoencoder=AutoencoderConfig(size=32, latent_size=24, basis_size=6, channels=(20, 16, 12, 8), coefficient_layers=3),
    transformer=TransformerConfig(latent_size=24, audio_size=10, hidden_size=128, depth=3, heads=2, window=20, frequency_size=32),
    audio=Wav2Vec2AudioConfig(network=wav2vec2(), projection_size=192, feature_size=10),
    emotion=EmotionConfig(network=wav2vec2(large=True)),
)
COMPACT = ModelConfig(
    name="compact",
    autoencoder=TINY.autoencoder,
    transformer=TINY.transformer,
    audio=CompactAudioConfig(feature_size=10, mel_bands=16, width=12),
)


def build(config):
    """The networks of a configuration with random weights."""
    torch.manual_seed(0)
    audio = Wav2Vec2AudioEncoder if isinstance(config.audio, Wav2Vec2AudioConfig) else CompactAudioEncoder
    networks = {
        "autoencoder": MotionAutoencoder(config.autoencoder),
        "transformer": FlowMatchingTransformer(config.transformer),
        "audio_encoder": audio(config.audio),
    }
    if config.emotion is not None:
        networks["emotion"] = SpeechEmotionClassifier(config.emotion)
    for network in networks.values():
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
        network.eval().requires_grad_(False)
    emotion = networks.pop("emotion", None)
    return FloatModel(
        config=config,
        provenance=Provenance("memory", "", "memory", ""),
        emotion_loader=None if emotion is None else EmotionLoader(lambda: emotion),
        basis_tensor=networks["autoencoder"].basis(),
        **networks,
    )


def named(model):
    """All parameters under the released names."""
    networks = {part: model.require(part) for part in PREFIXES if model.has(part)}
    return {PREFIXES[part] + name: tensor for part, network in networks.items() for name, tensor in network.state_dict().items()}


def write_wav2vec2_folder(folder, tensors, config, *, prefix="wav2vec2.", pickled=False, **more):
    """A Hugging Face folder: config.json and weights, with a head that nothing here needs."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(
        json.dumps(json.loads(config) | {"architectures": ["Wav2Vec2ForCTC"], "torch_dtype": "float32"} | more)
    )
    weights = {name.replace("wav2vec2.", prefix, 1): tensor.clone() for name, tensor in tensors.items()}
    weights |= {"lm_head.weight": torch.zeros(3, 3), "lm_head.bias": torch.zeros(3)}
    if pickled:
        torch.save(weights, folder / "pytorch_model.bin")
    else:
        save_file(weights, folder / "model.safetensors")
    return folder


def under(tensors, prefix):
    """The tensors with a prefix, without it."""
    return {name.removeprefix(prefix): tensor.clone() for name, tensor in tensors.items() if name.startswith(prefix)}


@pytest.fixture(scope="session")
def tiny():
    return build(TINY)


@pytest.fixture(scope="session")
def compact():
    return build(COMPACT)


@pytest.fixture(scope="session")
def tensors(tiny):
    """Read only: copy what you change."""
    return named(tiny)


@pytest.fixture
def write(tensors, tmp_path):
    """write(change) saves the one-file layout, with `change` (a dict: None deletes) applied, and returns its path."""

    def save(change=None, name="FLOAT.safetensors", source=None, **metadata):
        kept = {**(source or tensors), **(change or {})}
        path = tmp_path / name
        save_file({key: value for key, value in kept.items() if value is not None}, path, metadata=metadata or None)
        return path

    return save


@pytest.fixture(scope="session")
def same():
    """Asserts that a model has the parts of another with equal weights."""

    def check(loaded, expected, parts=tuple(PREFIXES)):
        for part in parts:
            assert loaded.has(part), part
            found, wanted = loaded.require(part).state_dict(), expected.require(part).state_dict()
            assert found.keys() == wanted.keys()
            for name, tensor in found.items():
                assert not tensor.is_meta
                assert torch.equal(tensor, wanted[name]), name

    return check

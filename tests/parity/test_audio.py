"""The two wav2vec2 networks against the reference numbers, and their names against the released checkpoint's."""

import importlib.util
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from float_core.audio.speech_emotion import SpeechEmotionClassifier
from float_core.audio.wav2vec2_encoder import Wav2Vec2AudioEncoder
from float_core.audio.waveform import prepare
from float_core.config import FLOAT_512, EmotionConfig, Wav2Vec2AudioConfig
from float_core.frame_rate import frame_count
from float_core.types import AudioClip

DATA = Path(os.environ.get("FLOAT_REFERENCE") or Path(__file__).parent / "data")
TOLERANCE = 1e-5


def reference_weights():
    spec = importlib.util.spec_from_file_location("refweights", DATA / "refweights.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fill(module, prefix, names=None):
    """Reference weights by name; `names` are those that the reference lists, which must be the module's own."""
    draw = reference_weights().tensor
    parameters = dict(module.named_parameters())
    if names is not None:
        assert {name: list(p.shape) for name, p in parameters.items()} == names
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(torch.from_numpy(draw(prefix + name, tuple(parameter.shape))))
    return module.eval()


def load(name):
    facts = json.loads((DATA / f"{name}.json").read_text())
    with np.load(DATA / f"{name}.npz") as arrays:
        expected = {key: torch.from_numpy(np.asarray(arrays[key])) for key in arrays.files}
    seconds, phase = (float(f"{expected[key].item():.6g}") for key in ("seconds", "phase"))
    tone = torch.from_numpy(reference_weights().tone(seconds, phase=phase)).float()
    return facts, expected, prepare(AudioClip(tone, 16000))


def relative(actual, expected):
    return (torch.linalg.vector_norm(actual - expected) / torch.linalg.vector_norm(expected)).item()


def tiny_audio_encoder(facts):
    network = json.dumps(facts["config"])
    size = facts["config"]["num_hidden_layers"] * facts["config"]["hidden_size"]
    encoder = Wav2Vec2AudioEncoder(Wav2Vec2AudioConfig(network=network, projection_size=size))
    fill(encoder.wav2vec2, "audio_encoder.wav2vec2.", facts["keys"])
    fill(encoder.audio_projection, "audio_encoder.audio_projection.")
    return encoder


@torch.no_grad()
def test_audio_features_match_the_reference():
    facts, expected, waveform = load("audio_tiny")
    encoder = tiny_audio_encoder(facts)
    hidden, features = encoder.hidden_states(waveform)[0], encoder(waveform)[0]
    assert features.shape[0] == frame_count(waveform.shape[1], 16000, 25) == expected["frames"]
    print(f"hidden {relative(hidden, expected['hidden']):.2e}, w_a {relative(features, expected['wa']):.2e}")
    assert relative(hidden, expected["hidden"]) < TOLERANCE
    assert relative(features, expected["wa"]) < TOLERANCE


@torch.no_grad()
def test_training_mode_gives_the_same_features():
    facts, expected, waveform = load("audio_tiny")
    assert relative(tiny_audio_encoder(facts).train()(waveform)[0], expected["wa"]) < TOLERANCE


@torch.no_grad()
def test_emotion_matches_the_reference():
    facts, expected, waveform = load("emotion_tiny")
    classifier = SpeechEmotionClassifier(EmotionConfig(network=json.dumps(facts["config"])))
    fill(classifier.wav2vec2_for_emotion, "emotion_encoder.wav2vec2_for_emotion.", facts["keys"])
    logits, probabilities = classifier(waveform)[0], classifier.probabilities(waveform)[0, 0]
    print(f"logits {relative(logits, expected['logits']):.2e}, probabilities {relative(probabilities, expected['probabilities']):.2e}")
    assert relative(logits, expected["logits"]) < TOLERANCE
    assert relative(probabilities, expected["probabilities"]) < TOLERANCE


@pytest.mark.parametrize("with_extras", [False, True])
def test_released_sizes_have_the_released_names(with_extras):
    layout = json.loads((DATA / "checkpoint_layout.json").read_text())
    audio, emotion = FLOAT_512.audio, FLOAT_512.emotion
    if with_extras:  # what config.json files hold besides the architecture
        extras = {
            "torch_dtype": "float16",
            "gradient_checkpointing": True,
            "architectures": ["Wav2Vec2ForCTC"],
            "ctc_loss_reduction": "sum",
        }
        extras |= {"attn_implementation": "flash_attention_2", "transformers_version": "4.7.0.dev0", "pooling_mode": "mean"}
        extras |= {"id2label": {str(i): f"label {i}" for i in range(7)}, "hidden_dropout_prob": 0.1, "finetuning_task": "x"}
        audio = replace(audio, network=json.dumps(json.loads(audio.network) | extras))
        emotion = replace(emotion, network=json.dumps(json.loads(emotion.network) | extras))
    with torch.device("meta"):
        parts = {"audio_encoder.": Wav2Vec2AudioEncoder(audio), "emotion_encoder.": SpeechEmotionClassifier(emotion)}
    for prefix, module in parts.items():
        listed = {}
        for part, tensors in layout.items():
            if part.startswith(prefix[:-1]):
                listed |= tensors["parameters"]
        assert {prefix + name: list(p.shape) for name, p in module.named_parameters()} == listed
        assert not dict(module.named_buffers())

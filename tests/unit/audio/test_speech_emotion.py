import json
import math

import pytest
import torch

from float_core.audio import speech_emotion
from float_core.audio.long_windows import WindowPlan
from float_core.audio.speech_emotion import SpeechEmotionClassifier, choose_emotion
from float_core.audio.waveform import stream_audio
from float_core.config import EMOTIONS, EmotionConfig
from float_core.errors import OptionError
from float_core.types import AudioClip

TINY = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4, "do_stable_layer_norm": True, "feat_extract_norm": "layer",
}  # fmt: skip


@pytest.mark.parametrize("name", EMOTIONS)
def test_one_emotion_is_one_hot(name):
    condition = choose_emotion(name)
    assert condition.probabilities.shape == (1, 1, 7) and condition.probabilities.dtype == torch.float32
    assert condition.probabilities[0, 0].tolist() == [float(other == name) for other in EMOTIONS]


def test_a_mix_is_normalized():
    weights = choose_emotion({"surprise": 3, "happy": 7}).probabilities[0, 0]
    assert torch.allclose(weights, torch.tensor([0, 0, 0, 0.7, 0, 0, 0.3])) and weights.sum() == 1
    assert torch.equal(choose_emotion({"happy": 0.5, "sad": 0}).probabilities, choose_emotion("happy").probabilities)


@pytest.mark.parametrize("wrong", ["joyful", "", {"happy": 1, "joyful": 1}])
def test_unknown_names_list_the_seven(wrong):
    with pytest.raises(OptionError, match="angry, disgust, fear, happy, neutral, sad, surprise"):
        choose_emotion(wrong)


@pytest.mark.parametrize("wrong", [-0.1, math.nan, math.inf, "1", None, True])
def test_bad_weights(wrong):
    with pytest.raises(OptionError, match="weight of emotion 'sad'"):
        choose_emotion({"happy": 1.0, "sad": wrong})


@pytest.mark.parametrize("wrong", [{}, {"happy": 0.0}, None, 3, ["happy"]])
def test_nothing_chosen(wrong):
    with pytest.raises(OptionError):
        choose_emotion(wrong)


@pytest.mark.parametrize("samples", [1, 399, 400, 16000])
@torch.no_grad()
def test_classifier_takes_any_length(samples):
    classifier = SpeechEmotionClassifier(EmotionConfig(json.dumps(TINY))).train()
    assert not classifier.wav2vec2_for_emotion.wav2vec2.training
    probabilities = classifier.probabilities(torch.randn(2, samples))
    assert probabilities.shape == (2, 1, 7) and torch.allclose(probabilities.sum(-1), torch.ones(2, 1))


@pytest.mark.parametrize("network", [TINY, TINY | {"do_stable_layer_norm": False, "feat_extract_norm": "group"}])
@torch.no_grad()
def test_a_long_sound_is_heard_in_windows(monkeypatch, network):
    """Without attention, windows give what the whole gives; with it, nearly so."""
    monkeypatch.setattr(speech_emotion, "speech_windows", lambda rate: WindowPlan(60, 24, 8))
    torch.manual_seed(1)
    classifier = SpeechEmotionClassifier(EmotionConfig(json.dumps(network))).eval()
    classifier.wav2vec2_for_emotion.classifier.out_proj.weight.data.mul_(20)  # so that the seven differ
    recording = torch.randn(1, 320 * 347 + 400) * torch.linspace(0.01, 1, 320 * 347 + 400) + 0.1
    stream = stream_audio(AudioClip(recording[0], 16000), 16000)
    whole, found = classifier.probabilities(recording), classifier.stream_probabilities(stream)
    assert found.shape == whole.shape == (1, 1, 7) and float(whole.std()) > 0.01
    torch.testing.assert_close(found, whole, rtol=0, atol=0.02)
    for layer in classifier.wav2vec2_for_emotion.wav2vec2.encoder.layers:
        layer.attention.out_proj.weight.data.zero_()
    torch.testing.assert_close(classifier.stream_probabilities(stream), classifier.probabilities(recording), rtol=1e-4, atol=1e-4)


@pytest.mark.half_precision
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@torch.no_grad()
def test_half_precision_loses_by_rounding_alone(in_precision, dtype):
    torch.manual_seed(1)
    classifier = SpeechEmotionClassifier(EmotionConfig(json.dumps(TINY))).eval()
    audio = torch.randn(8, 4000)
    exact, best = classifier(audio), in_precision(classifier, dtype)(audio)
    probabilities = in_precision(classifier, dtype).probabilities(audio)
    found = classifier.to(dtype)(audio)
    assert found.dtype == dtype and (found.float() - best).norm() < (best - exact).norm()
    torch.testing.assert_close(classifier.probabilities(audio), probabilities, rtol=0, atol=float((best - exact).abs().max()))

"""What is measured of a whole sound, against the plain formulas, and a group norm that uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from float_core.audio.audio_stream import stream_audio
from float_core.audio.wav2vec2_network import build_wav2vec2
from float_core.audio.wav2vec2_statistics import measure_sound, norm_of_whole_sound
from float_core.audio.waveform import normalize
from float_core.chunks import repeat_last
from float_core.types import AudioClip, AudioFile

GROUP = {
    "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 64, "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4, "vocab_size": 32,
}  # fmt: skip
LAYER = GROUP | {"feat_extract_norm": "layer", "conv_bias": True}


def network(config=GROUP):
    torch.manual_seed(3)
    wav2vec2 = build_wav2vec2(json.dumps(config))
    for parameter in wav2vec2.feature_extractor.parameters():
        parameter.data.normal_(std=0.5)
    return wav2vec2.requires_grad_(False)


def voice(samples: int = 30_000) -> torch.Tensor:
    generator = torch.Generator().manual_seed(samples)
    return 0.2 + torch.randn(samples, generator=generator).cumsum(0).diff() * torch.linspace(0.01, 0.3, samples - 1).sin()


def sound_of(waveform: torch.Tensor, block: int = 4001):
    return stream_audio(AudioFile(Path("a.wav"), 16000, len(waveform), 1, lambda: iter(waveform.split(block))), 16000)


@pytest.mark.parametrize("block", [1, 9, 4001, 10**6])
def test_level_is_that_of_the_whole(block):
    waveform = voice(3000)
    statistics = measure_sound(network(LAYER), sound_of(waveform, block), 3000)
    torch.testing.assert_close(statistics.normalize(waveform), normalize(waveform), rtol=1e-5, atol=1e-6)
    assert statistics.patch_mean is None


def test_silence_and_an_offset_are_zero():
    for value in (0.0, 0.25, 0.1):
        waveform = torch.full((5000,), value)
        statistics = measure_sound(network(), sound_of(waveform), 5000)
        assert float(statistics.normalize(waveform).abs().max()) < 1e-3 and 0 <= statistics.variance < 1e-12
        with norm_of_whole_sound(network(), statistics):
            assert bool(torch.isfinite(network().feature_extractor(torch.zeros(1, 800))).all())


@pytest.mark.parametrize("config", [GROUP, GROUP | {"conv_bias": True}, LAYER], ids=["group", "group and bias", "layer"])
@torch.no_grad()
def test_a_part_gives_the_features_of_the_whole(config):
    wav2vec2, waveform = network(config), voice()
    padded = repeat_last(waveform, 30_400, dim=0)
    whole = wav2vec2.feature_extractor(repeat_last(normalize(waveform), 30_400, dim=0)[None])
    statistics = measure_sound(wav2vec2, sound_of(waveform), 30_400)
    part = statistics.normalize(padded[320 * 40 : 320 * 80])[None]
    with norm_of_whole_sound(wav2vec2, statistics):
        found = wav2vec2.feature_extractor(part)
    torch.testing.assert_close(found, whole[:, :, 40 : 40 + found.shape[2]], rtol=1e-4, atol=1e-4 * float(whole.abs().max()))
    own = wav2vec2.feature_extractor(part)
    assert torch.allclose(own, found, atol=1e-3) == (config is LAYER)  # else its own statistics were in use again


@torch.no_grad()
def test_half_precision_stays_near():
    wav2vec2, waveform = network(), voice()
    statistics = measure_sound(wav2vec2, stream_audio(AudioClip(waveform, 16000), 16000), len(waveform))
    part = statistics.normalize(waveform[8000:16000])[None]
    with norm_of_whole_sound(wav2vec2, statistics):
        expected = wav2vec2.feature_extractor(part)
    half = wav2vec2.to(torch.bfloat16)
    with norm_of_whole_sound(half, measure_sound(half, sound_of(waveform), len(waveform))):
        found = half.feature_extractor(part.bfloat16())
    assert found.dtype == torch.bfloat16 and (found.float() - expected).abs().mean() < 0.05 * expected.abs().mean()


def test_the_hook_goes_whatever_happens():
    wav2vec2 = network()
    statistics = measure_sound(wav2vec2, sound_of(voice()), 30_000)
    with pytest.raises(ZeroDivisionError), norm_of_whole_sound(wav2vec2, statistics):
        raise ZeroDivisionError
    assert not any(module._forward_hooks for module in wav2vec2.modules())

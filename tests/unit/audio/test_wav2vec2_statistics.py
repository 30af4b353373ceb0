"""What is measured of a whole recording, against the plain formulas, and a group norm that uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from float_core.audio.wav2vec2_network import build_wav2vec2
from float_core.audio.wav2vec2_statistics import measure_audio, norm_of_whole_audio
from float_core.audio.waveform import normalize, stream_audio
from float_core.chunks import repeat_last
from float_core.types import AudioFile

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


def stream_of(waveform: torch.Tensor, block: int = 4001):
    return stream_audio(AudioFile(Path("a.wav"), 16000, len(waveform), 1, lambda: iter(waveform.split(block))), 16000)


@pytest.mark.parametrize("block", [1, 9, 4001, 10**6])
def test_level_is_that_of_the_whole(block):
    waveform = voice(3000)
    statistics = measure_audio(network(LAYER), stream_of(waveform, block), 3000)
    torch.testing.assert_close(statistics.normalize(waveform), normalize(waveform), rtol=1e-5, atol=1e-6)
    assert statistics.patch_mean is None


def test_silence_and_an_offset_are_zero():
    for value in (0.0, 0.25, 0.1):
        waveform = torch.full((5000,), value)
        statistics = measure_audio(network(), stream_of(waveform), 5000)
        assert float(statistics.normalize(waveform).abs().max()) < 1e-3 and 0 <= statistics.variance < 1e-12
        with norm_of_whole_audio(network(), statistics):
            assert bool(torch.isfinite(network().feature_extractor(torch.zeros(1, 800))).all())


@pytest.mark.parametrize("config", [GROUP, GROUP | {"conv_bias": True}, LAYER], ids=["group", "group and bias", "layer"])
@torch.no_grad()
def test_a_part_gives_the_features_of_the_whole(config):
    wav2vec2, waveform = network(config), voice()
    padded = repeat_last(waveform, 30_400, dim=0)
    whole = wav2vec2.feature_extractor(repeat_last(normalize(waveform), 30_400, dim=0)[None])
    statistics = measure_audio(wav2vec2, stream_of(waveform), 30_400)
    part = statistics.normalize(padded[320 * 40 : 320 * 80])[None]
    with norm_of_whole_audio(wav2vec2, statistics):
        found = wav2vec2.feature_extractor(part)
    torch.testing.assert_close(found, whole[:, :, 40 : 40 + found.shape[2]], rtol=1e-4, atol=1e-4 * float(whole.abs().max()))
    own = wav2vec2.feature_extractor(part)
    assert torch.allclose(own, found, atol=1e-3) == (config is LAYER)  # else its own statistics were in use again


@pytest.mark.half_precision
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@torch.no_grad()
def test_in_half_precision_only_the_result_is_rounded(dtype):
    """The norm of the whole audio, of what the convolution really gave, to the last bit or its neighbor."""
    wav2vec2, waveform = network(GROUP | {"conv_bias": True}), voice()
    convolution, norm = (next(m for m in wav2vec2.modules() if isinstance(m, kind)) for kind in (nn.Conv1d, nn.GroupNorm))
    convolution.bias.fill_(3.0)  # so that the norm takes the difference of large numbers
    norm.bias.normal_()
    wav2vec2.to(dtype)
    statistics = measure_audio(wav2vec2, stream_of(waveform), len(waveform))
    seen: list[torch.Tensor] = []
    norm.register_forward_hook(lambda _norm, inputs, _output: seen.append(inputs[0].double()))
    with norm_of_whole_audio(wav2vec2, statistics):
        norm.register_forward_hook(lambda _norm, _inputs, output: seen.append(output.double()))
        wav2vec2.feature_extractor(statistics.normalize(waveform)[None].to(dtype))
    x, found = seen
    patches = statistics.normalize(waveform).double().unfold(0, 10, 5) @ convolution.weight[:, 0].double().T + 3.0
    mean, deviation = patches.mean(0)[:, None], (patches.var(0, correction=0)[:, None] + norm.eps).sqrt()
    expected = (x - mean) / deviation * norm.weight.double()[:, None] + norm.bias.double()[:, None]
    torch.testing.assert_close(found, expected, rtol=torch.finfo(dtype).eps, atol=1e-5)


def test_the_hook_goes_whatever_happens():
    wav2vec2 = network()
    statistics, before = measure_audio(wav2vec2, stream_of(voice()), 30_000), _hooks(wav2vec2)
    with pytest.raises(ZeroDivisionError), norm_of_whole_audio(wav2vec2, statistics):
        assert _hooks(wav2vec2) == before + 1
        raise ZeroDivisionError
    assert _hooks(wav2vec2) == before


def _hooks(network: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in network.modules())

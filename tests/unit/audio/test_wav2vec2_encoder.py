import json

import pytest
import torch

from float_core.audio import wav2vec2_encoder
from float_core.audio.long_windows import WindowPlan
from float_core.audio.wav2vec2_encoder import Wav2Vec2AudioEncoder
from float_core.audio.wav2vec2_network import receptive_field
from float_core.audio.waveform import stream_audio
from float_core.config import Wav2Vec2AudioConfig
from float_core.errors import AudioError, OptionError
from float_core.frame_rate import frame_count
from float_core.types import AudioClip

TINY = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4, "vocab_size": 32,
}  # fmt: skip
STABLE = TINY | {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}


def encoder(network=TINY, projection_size=64):
    torch.manual_seed(0)
    return Wav2Vec2AudioEncoder(Wav2Vec2AudioConfig(json.dumps(network), projection_size, feature_size=24)).eval()


@pytest.mark.parametrize("network", [TINY, STABLE])
@pytest.mark.parametrize("samples", [1, 5, 399, 400, 640, 641, 1281, 16000])
@torch.no_grad()
def test_every_length_gives_its_frames(network, samples):
    features = encoder(network)(torch.randn(2, samples))
    assert features.shape == (2, frame_count(samples, 16000, 25), 24) and bool(torch.isfinite(features).all())


@torch.no_grad()
def test_a_batch_is_its_clips():
    model, audio = encoder(), torch.randn(3, 4000)
    assert torch.allclose(model(audio), torch.cat([model(one[None]) for one in audio]), atol=1e-5)


@torch.no_grad()
def test_layers_in_order_and_hooks_removed():
    model, audio = encoder(), torch.randn(1, 3200)
    hidden = model.hidden_states(audio)
    seen = []
    handle = model.wav2vec2.encoder.layers[-1].register_forward_hook(lambda _m, _i, out: seen.append(out))
    assert torch.equal(model.hidden_states(audio), hidden)
    handle.remove()
    last = seen[0] if isinstance(seen[0], torch.Tensor) else seen[0][0]
    assert torch.equal(hidden[..., 32:], last) and not torch.equal(hidden[..., :32], last)
    assert not any(layer._forward_hooks for layer in model.wav2vec2.encoder.layers)


@torch.no_grad()
def test_features_ignore_level_and_offset():
    model, audio = encoder(), torch.randn(1, 3200)
    assert torch.allclose(model(audio), model(audio * 0.1 + 0.3), atol=1e-3)


@pytest.mark.half_precision
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("network", [TINY, STABLE])
@torch.no_grad()
def test_half_precision_loses_by_rounding_alone(in_precision, network, dtype):
    model, audio = encoder(network), torch.randn(2, 3200)
    exact, best = model(audio), in_precision(model, dtype)(audio)
    found = model.to(dtype)(audio)
    assert found.dtype == dtype and (found.float() - best).norm() < (best - exact).norm()


def without_attention(model):
    """Its frames then see only what the positional convolution reaches, so that windows can give exactly what the whole gives."""
    for layer in model.wav2vec2.encoder.layers:
        layer.attention.out_proj.weight.data.zero_()
    return model


@pytest.fixture
def short_windows(monkeypatch):
    monkeypatch.setattr(wav2vec2_encoder, "speech_windows", lambda fps: WindowPlan(60, 24, 8))


@pytest.mark.parametrize("network", [TINY, STABLE])
@pytest.mark.parametrize("samples", [640 * 61, 640 * 150 + 1, 640 * 243 - 1])
@torch.no_grad()
def test_windows_see_the_audio_as_the_whole_does(short_windows, network, samples):
    """Level, group norm, alignment, padding at the end and the joints."""
    model = without_attention(encoder(network))
    audio = torch.randn(1, samples) * torch.linspace(0.01, 1, samples) + 0.1
    pieces = list(model.stream(stream_audio(AudioClip(audio[0], 16000), 16000)))
    assert len(pieces) > 1 and all(piece.dtype == torch.float32 for piece in pieces)
    whole = model(audio)
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_with_attention_windows_are_near_the_whole(short_windows):
    model = encoder()
    audio = torch.randn(1, 640 * 300)
    joined = torch.cat(list(model.stream(stream_audio(AudioClip(audio[0], 16000), 16000))), dim=1)
    whole = model(audio)
    assert joined.shape == whole.shape and not torch.equal(joined, whole)
    assert (joined - whole).norm() < 0.05 * whole.norm()


@pytest.mark.half_precision
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@torch.no_grad()
def test_half_precision_hears_long_audio(short_windows, in_precision, dtype):
    """Level and group norm of the whole in float32, as in the network that hears all at once."""
    model, audio = without_attention(encoder()), torch.randn(1, 640 * 100) * torch.linspace(0.01, 1, 640 * 100) + 1.0
    exact, best = model(audio), in_precision(model, dtype)(audio)
    pieces = list(model.to(dtype).stream(stream_audio(AudioClip(audio[0], 16000), 16000)))
    assert len(pieces) > 1 and all(piece.dtype == torch.float32 for piece in pieces)
    assert (torch.cat(pieces, dim=1) - best).norm() < (best - exact).norm()


def test_wav2vec2_never_trains():
    model = encoder().train()
    assert model.training and model.audio_projection.training and not any(m.training for m in model.wav2vec2.modules())


def test_receptive_field():
    assert receptive_field(encoder().wav2vec2) == 400


def test_errors():
    with pytest.raises(OptionError, match=r"gives 64 \(2 layers of 32\)"):
        encoder(projection_size=9216)
    with pytest.raises(OptionError, match="JSON"):
        Wav2Vec2AudioEncoder(Wav2Vec2AudioConfig("{", 64))
    with pytest.raises(OptionError, match="hubert"):
        encoder(TINY | {"model_type": "hubert"})
    for wrong in (torch.zeros(16000), torch.zeros(1, 0), torch.zeros(1, 1, 16000)):
        with pytest.raises(AudioError, match="shape"):
            encoder()(wrong)

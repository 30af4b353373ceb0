"""A tiny model with random weights in every part but speech emotion, and the best that a network in half precision can give."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from float_core.audio.compact_encoder import CompactAudioEncoder
from float_core.config import AutoencoderConfig, CompactAudioConfig, ModelConfig, TransformerConfig
from float_core.motion_autoencoder.autoencoder import MotionAutoencoder
from float_core.motion_autoencoder.fast_decoders.strip_decoder import StripDecoder
from float_core.motion_flow.guidance import PreparedVelocity
from float_core.motion_flow.transformer import FlowMatchingTransformer
from float_core.types import AudioClip, FloatModel, Provenance

AUTOENCODER = AutoencoderConfig(size=16, latent_size=12, basis_size=4, channels=(8, 8, 6))
AUDIO = CompactAudioConfig(feature_size=5, mel_bands=16, width=8)
TRANSFORMER = TransformerConfig(latent_size=12, audio_size=5, hidden_size=16, depth=1, heads=2, window=10, preceding=3, frequency_size=8)


@pytest.fixture
def model() -> FloatModel:
    torch.manual_seed(7)
    autoencoder, audio_encoder = MotionAutoencoder(AUTOENCODER).eval(), CompactAudioEncoder(AUDIO).eval()
    transformer = FlowMatchingTransformer(TRANSFORMER).eval()
    with torch.no_grad():  # away from the zeros that training starts from
        for parameter in transformer.parameters():
            parameter.normal_(std=0.2)
    return FloatModel(
        config=ModelConfig("tiny", AUTOENCODER, TRANSFORMER, AUDIO),
        provenance=Provenance("tiny.safetensors", "", "", ""),
        autoencoder=autoencoder,
        transformer=transformer,
        audio_encoder=audio_encoder,
        basis_tensor=autoencoder.basis().detach(),
    )


@pytest.fixture
def image() -> torch.Tensor:
    return torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture
def clip() -> AudioClip:
    """25 frames: two windows of 10 and a half one."""
    time = torch.arange(16000) / 16000
    return AudioClip(torch.sin(2 * torch.pi * (200 + 150 * time) * time), 16000)


@pytest.fixture
def before_decoding(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Has a function called before every batch that is decoded."""
    return lambda call: _watch(monkeypatch, StripDecoder, call)


@pytest.fixture
def before_evaluation(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Has a function called before every evaluation of the velocity."""
    return lambda call: _watch(monkeypatch, PreparedVelocity, call)


@pytest.fixture
def in_precision() -> Callable[[nn.Module, torch.dtype], nn.Module]:
    """`in_precision(network, dtype)`: a copy that computes in float32, but rounds its weights and all that goes into and comes out of a
    layer to `dtype`. That is what the network gives in that precision where nothing else is lost, whatever kernels a processor has."""
    return _rounded_copy


def _rounded_copy(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    def rounded(value: Tensor) -> Tensor:
        return value.to(dtype).float()

    network = copy.deepcopy(network).to(dtype).float()
    for layer in network.modules():
        if not list(layer.children()):
            layer.register_forward_pre_hook(lambda _layer, inputs: tuple(map(rounded, inputs)))
            layer.register_forward_hook(lambda _layer, _inputs, output: rounded(output))
    return network


def _watch(monkeypatch: pytest.MonkeyPatch, kind: type, call: Callable[[], object]) -> None:
    original = kind.__call__

    def watched(self: object, *arguments: object) -> object:
        call()
        return original(self, *arguments)

    monkeypatch.setattr(kind, "__call__", watched)

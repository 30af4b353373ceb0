"""The models that are measured: a file's, or the released architecture with random weights. And a portrait and motion to decode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from float_core.audio.compact_encoder import CompactAudioEncoder
from float_core.audio.wav2vec2_encoder import Wav2Vec2AudioEncoder
from float_core.config import PRESETS, CompactAudioConfig, ModelConfig
from float_core.motion_autoencoder.autoencoder import MotionAutoencoder
from float_core.motion_flow.transformer import FlowMatchingTransformer
from float_core.types import FloatModel, MotionSequence, Provenance, SourceIdentity

from .settings import RANDOM_MODEL

_SEED = 4
_DEVIATION = 0.02  # of weights that training starts at zero: all work is then real work
_SWAY = 0.5  # coefficient units


def open_bench_model(name: str, parts: Sequence[str], device: str = "cpu", dtype: torch.dtype = torch.float32) -> FloatModel:
    """ "float-512" with random weights, only the `parts` that are asked for; else what `load_model` loads."""
    from float_core import load_model

    if name == RANDOM_MODEL:
        return random_model(PRESETS[name], parts, torch.device(device), dtype)
    return load_model(name, device=device, dtype=dtype)


def random_model(config: ModelConfig, parts: Sequence[str], device: torch.device, dtype: torch.dtype = torch.float32) -> FloatModel:
    """An architecture with random weights, the same ones at every call: of its auto-encoder, transformer and audio encoder, those named."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        networks = {part: _network(config, part) for part in parts}
    basis: Tensor | None = None
    if "autoencoder" in networks:
        basis = networks["autoencoder"].basis().detach().to(device)  # type: ignore[operator]
    for part, network in networks.items():
        networks[part] = network.to(device, dtype).eval().requires_grad_(False)
    kept: dict[str, Any] = {name: getattr(config, name) if part in networks else None for part, name in _CONFIG_FIELDS.items()}
    return FloatModel(
        config=replace(config, emotion=None, **kept),
        provenance=Provenance(config.name, "", "random weights", "none"),
        autoencoder=networks.get("autoencoder"),
        transformer=networks.get("transformer"),
        audio_encoder=networks.get("audio_encoder"),
        basis_tensor=basis,
        device=device,
        dtype=dtype,
    )


_CONFIG_FIELDS = {"autoencoder": "autoencoder", "transformer": "transformer", "audio_encoder": "audio"}


def _network(config: ModelConfig, part: str) -> nn.Module:
    if part == "autoencoder":
        assert config.autoencoder is not None
        return MotionAutoencoder(config.autoencoder)
    if part == "transformer":
        assert config.transformer is not None
        return _without_zeros(FlowMatchingTransformer(config.transformer))
    assert config.audio is not None
    return CompactAudioEncoder(config.audio) if isinstance(config.audio, CompactAudioConfig) else Wav2Vec2AudioEncoder(config.audio)


@torch.no_grad()
def _without_zeros(network: nn.Module) -> nn.Module:
    for parameter in network.parameters():
        if not bool(parameter.any()):
            parameter.normal_(std=_DEVIATION)
    return network


def portrait_in_motion(model: FloatModel, image: str | Path, frames: int) -> tuple[SourceIdentity, MotionSequence]:
    """The identity in an image, and a motion that sways about its own."""
    from float_core import encode_identity, prepare_image, read_image

    assert model.config.autoencoder is not None
    image = prepare_image(read_image(image), model.config.autoencoder.size).image
    identity = encode_identity(model, image.to(model.device))
    generator = torch.Generator().manual_seed(_SEED)
    sway = torch.randn(1, frames, model.basis.shape[1], generator=generator).to(model.device) * _SWAY
    return identity, MotionSequence(identity.motion[:, None] + sway @ model.basis.T, model.config.fps)

"""What is measured on: a model from a file, or the released architecture with random weights; a portrait in motion; audio of any length."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from float_core import encode_identity, load_model, prepare_image, read_audio, read_image
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
_BLOCK_SECONDS = 30  # of audio that is written at a time
_CONFIG_FIELDS = {"autoencoder": "autoencoder", "transformer": "transformer", "audio_encoder": "audio"}


def open_bench_model(name: str, parts: Sequence[str], device: str = "cpu", dtype: torch.dtype = torch.float32) -> FloatModel:
    """ "float-512" with random weights, only the `parts` that are asked for; else what `load_model` loads."""
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


def open_portrait(model: FloatModel, image: str | Path) -> Tensor:
    """The face in an image file (1, 3, S, S), as the model takes it."""
    return prepare_image(read_image(image), model.require("autoencoder").config.size).image


def portrait_in_motion(model: FloatModel, image: str | Path, frames: int) -> tuple[SourceIdentity, MotionSequence]:
    """The identity in an image, and a motion that sways about its own."""
    identity = encode_identity(model, open_portrait(model, image).to(model.device))
    generator = torch.Generator().manual_seed(_SEED)
    sway = torch.randn(1, frames, model.basis.shape[1], generator=generator).to(model.device) * _SWAY
    return identity, MotionSequence(identity.motion[:, None] + sway @ model.basis.T, model.config.fps)


def write_long_audio(source: str | Path, seconds: float, target: Path) -> Path:
    """The audio of `source`, over and over, `seconds` long, as 16 bit WAV; written in blocks."""
    audio = read_audio(source)
    samples = (audio.waveform.clamp(-1, 1) * 32767).to(torch.int16)
    wanted, block = round(seconds * audio.sample_rate), _BLOCK_SECONDS * audio.sample_rate
    with wave.open(str(target), "wb") as file:
        file.setparams((1, 2, audio.sample_rate, 0, "NONE", ""))
        for start in range(0, wanted, block):
            index = torch.arange(start, min(start + block, wanted)) % len(samples)
            file.writeframes(samples[index].numpy().astype("<i2").tobytes())
    return target

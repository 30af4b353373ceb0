"""Estimates against what is known of the networks: enough for what they take, and not without end."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from float_core.config import PRESETS, AutoencoderConfig, TransformerConfig
from float_core.motion_autoencoder.autoencoder import MotionAutoencoder
from float_core.pipeline.memory_estimates import audio_memory, frame_memory, sampling_memory
from float_core.types import FloatModel

MB = 2**20


class Sized(nn.Module):
    """A network of that size, without weights."""

    def __init__(self, config: object) -> None:
        super().__init__()
        self.config = config


def of_channels(model: FloatModel, finest: int) -> FloatModel:
    return replace(model, autoencoder=Sized(AutoencoderConfig(size=64, latent_size=32, channels=(8, 8, 8, 8, finest))))


def of_transformer(model: FloatModel, config: TransformerConfig | None) -> FloatModel:
    return replace(model, transformer=Sized(config))


def test_frames_follow_the_architecture(model):
    small = of_channels(model, 4)
    assert frame_memory(small, 6) == 6 * frame_memory(small)
    assert frame_memory(of_channels(model, 12)) == 3 * frame_memory(small)


class Largest(TorchDispatchMode):
    """The largest tensor that any operation gives."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, (tuple, list)) else [out]:
            if isinstance(tensor, torch.Tensor):
                self.bytes = max(self.bytes, tensor.nbytes)
        return out


def test_a_decoded_frame_is_estimated_at_some_of_its_largest_maps(model):
    network = MotionAutoencoder(AutoencoderConfig(size=64, latent_size=32, channels=(16, 16, 8, 8, 8))).eval()
    with torch.no_grad():
        _, _, skips = network.encode(torch.zeros(1, 3, 64, 64))
        with Largest() as largest:
            network.decode(torch.randn(2, 32), skips)
    assert 3 * largest.bytes <= frame_memory(replace(model, autoencoder=network), 2) <= 16 * largest.bytes


def test_audio_counts_up_to_the_window_in_which_it_is_heard():
    assert audio_memory(30) == audio_memory(60) / 2
    assert audio_memory(600) == audio_memory(60)
    assert audio_memory(600, 4.0) == audio_memory(4)
    assert audio_memory(600, 300.0) == 5 * audio_memory(60), "a window of the user's own may be longer"


def test_sampling_follows_the_architecture_and_the_steps(model):
    released, bundled = (of_transformer(model, PRESETS[name].transformer) for name in ("float-512", "mini"))
    assert 250 * MB < sampling_memory(released, 10) < 1024 * MB
    assert sampling_memory(bundled, 10) < sampling_memory(released, 10) / 4
    assert sampling_memory(released, 4) > 1.5 * sampling_memory(released, 2)
    assert sampling_memory(released, 1000) == sampling_memory(released, 100), "more steps go in pieces"
    shallow, deep = (of_transformer(model, TransformerConfig(depth=depth)) for depth in (4, 8))
    assert sampling_memory(shallow, 4) < sampling_memory(deep, 4)

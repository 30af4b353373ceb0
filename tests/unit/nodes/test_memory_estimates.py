"""Estimates against what is known of the networks: enough for what they take, and not without end."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from float_core.config import PRESETS, AutoencoderConfig, TransformerConfig
from float_core.motion_autoencoder.autoencoder import MotionAutoencoder
from float_core.motion_flow import guidance

MB = 2**20


@pytest.fixture(scope="module")
def estimates(pack: ModuleType) -> ModuleType:
    return importlib.import_module(f"{pack.__name__}.nodes.memory_estimates")


def test_frames_follow_the_architecture(estimates: ModuleType) -> None:
    config = AutoencoderConfig(size=64, latent_size=32, channels=(8, 8, 8, 8, 4))
    assert estimates.frame_memory(config, 6) == 6 * estimates.frame_memory(config)
    wide = AutoencoderConfig(size=64, latent_size=32, channels=(8, 8, 8, 8, 12))
    assert estimates.frame_memory(wide) == 3 * estimates.frame_memory(config)


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


def test_a_decoded_frame_is_estimated_at_some_of_its_largest_maps(estimates: ModuleType) -> None:
    config = AutoencoderConfig(size=64, latent_size=32, channels=(16, 16, 8, 8, 8))
    network = MotionAutoencoder(config).eval()
    with torch.no_grad():
        _, _, skips = network.encode(torch.zeros(1, 3, 64, 64))
        with Largest() as largest:
            network.decode(torch.randn(2, 32), skips)
    assert 3 * largest.bytes <= estimates.frame_memory(config, 2) <= 16 * largest.bytes


def test_a_sound_counts_up_to_the_window_in_which_long_ones_are_heard(estimates: ModuleType) -> None:
    assert estimates.sound_memory(30) == estimates.sound_memory(60) / 2
    assert estimates.sound_memory(600) == estimates.sound_memory(60)
    assert estimates.sound_memory(600, 4.0) == estimates.sound_memory(4)
    assert estimates.sound_memory(600, 300.0) == 5 * estimates.sound_memory(60), "a window of the user's own may be longer"


def test_sampling_follows_the_architecture_and_the_steps(estimates: ModuleType) -> None:
    released, bundled = PRESETS["float-512"].transformer, PRESETS["mini"].transformer
    assert estimates.TABLE_BYTES == guidance.TABLE_BYTES
    assert 250 * MB < estimates.sampling_memory(released, 10) < 1024 * MB
    assert estimates.sampling_memory(bundled, 10) < estimates.sampling_memory(released, 10) / 4
    assert estimates.sampling_memory(released, 4) > 1.5 * estimates.sampling_memory(released, 2)
    assert estimates.sampling_memory(released, 1000) == estimates.sampling_memory(released, 100), "more steps go in pieces"
    assert estimates.sampling_memory(TransformerConfig(depth=4), 4) < estimates.sampling_memory(TransformerConfig(depth=8), 4)


def test_a_minute_of_images(estimates: ModuleType) -> None:
    assert estimates.image_memory(1500, 512) == 1500 * 512 * 512 * 3 * 4

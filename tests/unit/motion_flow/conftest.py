"""A tiny transformer with random weights, and random conditions for it."""

from __future__ import annotations

import pytest
import torch

from float_core.config import TransformerConfig
from float_core.motion_flow.guidance import WindowConditions
from float_core.motion_flow.transformer import FlowMatchingTransformer

CONFIG = TransformerConfig(latent_size=6, audio_size=5, hidden_size=16, depth=2, heads=2, window=7, preceding=3, frequency_size=8)


@pytest.fixture
def transformer() -> FlowMatchingTransformer:
    torch.manual_seed(1)
    network = FlowMatchingTransformer(CONFIG).eval()
    with torch.no_grad():  # away from the zeros that training starts from
        for parameter in network.parameters():
            parameter.normal_(std=0.3)
    return network


def random_conditions(batch: int, *, emotion_frames: int = 1) -> WindowConditions:
    generator = torch.Generator().manual_seed(batch)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(batch, *shape, generator=generator)

    c = CONFIG
    return WindowConditions(
        audio=draw(c.window, c.audio_size),
        source_motion=draw(c.latent_size),
        emotion=draw(emotion_frames, c.emotion_size).softmax(-1),
        preceding_motion=draw(c.preceding, c.latent_size),
        preceding_audio=draw(c.preceding, c.audio_size),
    )


@pytest.fixture
def conditions() -> WindowConditions:
    return random_conditions(2)

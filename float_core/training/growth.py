"""Adds finer levels to an auto-encoder: what it learned at 64 pixels is kept at 128.

Knows the levels of the architecture, not the losses.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

import torch
import torch.nn.functional as F
from torch import nn

from ..errors import OptionError
from ..motion_autoencoder.autoencoder import MotionAutoencoder
from ..synthetic.face_dataset import FacePairs


class Faces(Protocol):
    """Where images come from."""

    def draw(self, generator: torch.Generator, count: int, size: int, /) -> FacePairs:
        """A random batch."""
        ...


def grow(small: MotionAutoencoder, large: MotionAutoencoder, data: Faces, seed: int, steps: int = 300) -> None:
    """Copies each level that both networks have. The new finest encoder blocks are fitted to the features of the old stem."""
    new_blocks = len(large.config.channels) - len(small.config.channels)
    if new_blocks < 0 or large.config.channels[: len(small.config.channels)] != small.config.channels:
        raise OptionError(f"cannot grow channels {small.config.channels} to {large.config.channels}")
    if new_blocks == 0:
        large.load_state_dict(small.state_dict())
        return
    for index in range(1, len(small.enc.net_app.convs)):
        large.enc.net_app.convs[index + new_blocks].load_state_dict(small.enc.net_app.convs[index].state_dict())
    large.enc.fc.load_state_dict(small.enc.fc.state_dict())
    large.dec.load_state_dict(small.dec.state_dict(), strict=False)  # the new levels are what is missing
    with torch.no_grad():  # a new level starts by adding next to nothing
        for level in range(len(small.dec.to_flows), len(large.dec.to_flows)):
            to_flow, to_rgb = cast(Any, large.dec.to_flows[level]), cast(Any, large.dec.to_rgbs[level])
            to_flow.bias.zero_()
            to_flow.conv.weight.mul_(0.1)
            to_rgb.conv[0].weight.mul_(0.1)
    _fit_stem(small, large, data, seed, steps, new_blocks)


def _fit_stem(small: MotionAutoencoder, large: MotionAutoencoder, data: Faces, seed: int, steps: int, new_blocks: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    device = small.dec.direction.weight.device
    new = nn.Sequential(*[large.enc.net_app.convs[i] for i in range(new_blocks + 1)])
    optimizer = torch.optim.Adam(new.parameters(), lr=5e-3)
    for _ in range(steps):
        image = data.draw(generator, 4, large.config.size).source.to(device)
        with torch.no_grad():
            wanted = small.enc.net_app.convs[0](F.avg_pool2d(image, large.config.size // small.config.size))
        loss = F.mse_loss(new(image), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

"""The discriminators of phase 1 (paper section 3.1): one for whole images, in the manner of StyleGAN2, and small ones for eyes and lips.

Knows nothing of losses and of where images come from.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import OptionError
from .appearance_encoder import ResidualBlock
from .stylegan_layers import ConvLayer, EqualLinear

GROUP = 4  # images whose spread is compared
_FINEST = 32  # channels at S = widest; twice as many at half the size, up to the widest


class Discriminator(nn.Module):
    """Images (B, 3, S, S) to logits (B, 1), large where they look real, and the feature maps on the way, finest first.

    size: side S of the images, a power of two from 8. widest: channels of the coarse levels."""

    def __init__(self, size: int, widest: int = 512) -> None:
        super().__init__()
        if size < 8 or size & (size - 1):
            raise OptionError(f"size is {size}; expected a power of two from 8")
        sides = [size >> i for i in range(size.bit_length() - 2)]  # S ... 4
        channels = [min(widest, max(8, _FINEST * widest // side)) for side in sides]
        self.first = ConvLayer(3, channels[0], 1)
        self.blocks = nn.ModuleList(ResidualBlock(a, b) for a, b in zip(channels, channels[1:], strict=False))
        self.last = ConvLayer(channels[-1] + 1, channels[-1], 3)
        self.hidden = EqualLinear(channels[-1] * 16, channels[-1])
        self.logit = EqualLinear(channels[-1], 1)
        self.size = size

    def forward(self, images: Tensor, dtype: torch.dtype | None = None) -> tuple[Tensor, list[Tensor]]:
        """(B, 3, S, S) in [-1, 1] -> logits (B, 1) float32, features [(B, C, S, S), (B, C, S/2, S/2), ..., (B, C, 4, 4)]. `dtype`: of the
        convolutions; None = that of the weights."""
        if images.shape[1:] != (3, self.size, self.size):
            raise OptionError(f"images are {tuple(images.shape)}; expected (B, 3, {self.size}, {self.size})")
        x = self.first(images.to(dtype or images.dtype).contiguous(memory_format=torch.channels_last))
        features = [x]
        for block in self.blocks:
            x = block(x)
            features.append(x)
        x = self.last(torch.cat([x, group_spread(x)], 1)).float()
        hidden = nn.functional.leaky_relu(self.hidden(x.flatten(1)), 0.2)
        return self.logit(hidden), features


def group_spread(x: Tensor) -> Tensor:
    """(B, C, r, r) -> (B, 1, r, r): the standard deviation over groups of images, mean over channels and pixels; tells a batch of images
    that are all alike."""
    group = next(size for size in range(min(GROUP, len(x)), 0, -1) if len(x) % size == 0)
    groups = x.float().unflatten(0, (group, -1))
    spread = (groups.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))
    return spread.repeat(group)[:, None, None, None].expand(-1, 1, *x.shape[2:]).to(x.dtype)


class PortraitDiscriminators(nn.Module):
    """All of phase 1: whole images at full and at half size, eyes and lips cut out."""

    def __init__(self, size: int, part_size: int = 32, widest: int = 128) -> None:
        super().__init__()
        self.whole = nn.ModuleList([Discriminator(size, widest), Discriminator(size // 2, widest)])
        self.eyes = Discriminator(part_size, widest)
        self.lips = Discriminator(part_size, widest)
        self.part_size = part_size

"""The encoder E (FLOAT, arXiv 2412.01064, section 3.1): an image to its identity latent w_{S->r}, its motion coefficients lambda, and the
skip features that the decoder warps. What the coefficients mean is in motion_basis.py.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..config import AutoencoderConfig
from .stylegan_layers import ConvLayer, EqualConv2d, EqualLinear


class ResidualBlock(nn.Module):
    """(B, in, r, r) -> (B, out, r/2, r/2): (conv2(conv1(x)) + skip(x)) / sqrt(2)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = ConvLayer(in_channels, in_channels, 3)
        half = math.sqrt(0.5)
        self.conv2 = ConvLayer(in_channels, out_channels, 3, downsample=True, gain=half)
        self.skip = ConvLayer(in_channels, out_channels, 1, downsample=True, activated=False, gain=half)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.conv1(x)) + self.skip(x)


class AppearanceNetwork(nn.Module):
    """1x1 convolution, one residual block per halving from S to 4, 4x4 convolution to the identity latent w_{S->r}."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        finest_first = config.channels[::-1]
        blocks = [ResidualBlock(a, b) for a, b in zip(finest_first, finest_first[1:], strict=False)]
        last = EqualConv2d(config.channels[0], config.latent_size, 4)
        self.convs = nn.ModuleList([ConvLayer(3, finest_first[0], 1), *blocks, last])

    def forward(self, images: Tensor, dtype: torch.dtype | None = None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """(B, 3, S, S) -> identity (B, D); features 8x8, 16x16, ..., SxS: the block outputs, without the 4x4 one. `dtype`: to compute in
        another dtype than that of the weights."""
        features = []
        # channels_last: the layout in which blurs and 1x1 convolutions are fast, on a CPU too
        x = images.to(dtype or next(self.parameters()).dtype).contiguous(memory_format=torch.channels_last)
        for layer in self.convs:
            x = layer(x)
            features.append(x)
        return features[-1].flatten(1), tuple(features[-3::-1])


class AppearanceEncoder(nn.Module):
    """The appearance network and `fc`, the linear layers (no activation between them) from identity to motion coefficients."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.net_app = AppearanceNetwork(config)
        sizes = [config.latent_size] * config.coefficient_layers + [config.basis_size]
        self.fc = nn.Sequential(*(EqualLinear(a, b) for a, b in zip(sizes, sizes[1:], strict=False)))

    def forward(self, images: Tensor, dtype: torch.dtype | None = None) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """(B, 3, S, S) in [-1, 1] -> identity w_{S->r} (B, D), coefficients lambda (B, M), skip features."""
        identity, skips = self.net_app(images, dtype)
        identity = identity.float()
        return identity, self.fc(identity), skips

"""The decoder D: the latent w = w_{S->r} + w_{r->D} and the source's skip features to an image (LIA's flow-based generator).

Does not know where latents come from. Convolutions run in the parameters' dtype; flows, grids, warps and the image stay in float32,
since one pixel of a 512 grid is less than bfloat16 resolves near 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import AutoencoderConfig
from .motion_basis import MotionBasis
from .stylegan_layers import (
    ACTIVATION_GAIN,
    ACTIVATION_SLOPE,
    ChannelBias,
    ConvLayer,
    EqualConv2d,
    Implementation,
    ModulatedConv2d,
    activate,
    mix_channels,
    upsample,
)

INITIAL_FLOW = 0.01  # untrained flows are almost the identity
INITIAL_MASK = 0.5  # and untrained masks sigmoid(0.5): the source's features come through from the first step on


@dataclass(frozen=True, eq=False)
class FlowLevel:
    """One level's result, float32. `grid` (B, r, r, 2), x first: where each pixel is sampled, identity + tanh(flow), in grid_sample's
    coordinates (-1 and 1 = the image's edges). `mask` (B, 1, r, r) in (0, 1): the share of the warped source."""

    grid: Tensor
    mask: Tensor


class ConstantInput(nn.Module):
    """The learned 4x4 start of the decoder."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.randn(1, channels, 4, 4))


class UnusedNoise(nn.Module):
    """StyleGAN2's noise strength: checkpoints hold it, nothing reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))


class StyledConv(nn.Module):
    """Demodulated modulated 3x3 convolution, optionally up-sampling, then the activation."""

    def __init__(self, in_channels: int, out_channels: int, latent_size: int, *, upsample: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(in_channels, out_channels, 3, latent_size, upsample=upsample)
        self.noise = UnusedNoise()
        self.activate = ChannelBias(out_channels)

    def forward(self, x: Tensor, latent: Tensor, *, impl: Implementation = "fast") -> Tensor:
        if impl == "reference":
            return activate(self.conv(x, latent, impl=impl), self.activate.bias)
        style = self.conv.style(latent)
        return self.with_style(x, style, self.conv.demodulation(style) * ACTIVATION_GAIN)

    def with_style(self, x: Tensor, style: Tensor, gain: Tensor) -> Tensor:
        """The same with the layer's style s / sqrt(in * k * k), (B, in), and gain sqrt(2) * demodulation, (B, out), at hand."""
        bias = (self.activate.bias * ACTIVATION_GAIN).to(x.dtype)
        scaled = torch.addcmul(bias, self.conv.convolve(x, style), gain.to(x.dtype)[:, :, None, None])
        return F.leaky_relu(scaled, ACTIVATION_SLOPE, inplace=True)


class ToFlow(nn.Module):
    """Modulated 1x1 convolution to (x, y, mask) before tanh and sigmoid, plus the up-sampled one of the level before."""

    def __init__(self, channels: int, latent_size: int, *, first: bool) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))
        self.conv = ModulatedConv2d(channels, 3, 1, latent_size, demodulate=False)
        with torch.no_grad():
            self.conv.weight.mul_(INITIAL_FLOW)
            self.bias[:, 2] = INITIAL_MASK if first else 0.0  # later levels add to the first

    def forward(self, x: Tensor, latent: Tensor, coarser: Tensor | None) -> Tensor:
        return self.with_style(x, self.conv.style(latent), coarser)

    def with_style(self, x: Tensor, style: Tensor, coarser: Tensor | None) -> Tensor:
        """The same with the layer's style s / sqrt(in), (B, C), at hand."""
        # three rows of weights per sample: cheaper to scale than all of the activations
        weights = self.conv.weight[0, :, :, 0, 0].float() * style[:, None, :]  # [B, 3, C]
        flow = mix_channels(x.float(), weights, self.bias.float().flatten())
        return flow if coarser is None else flow + upsample(coarser)


class ToRGB(nn.Module):
    """1x1 convolution of the warp to RGB with its own activation, another bias, plus the up-sampled image of the level before."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))
        self.conv = ConvLayer(channels, 3, 1)

    def forward(self, sampled: Tensor, mask: Tensor | None, coarser: Tensor | None) -> Tensor:
        """The warp is sampled * mask: one factor for each pixel, which may as well come after the 1x1 convolution. Without a mask: of
        features as they are."""
        return self.with_projected(self.project(sampled), mask, coarser)

    def project(self, features: Tensor) -> Tensor:
        """The 1x1 convolution to RGB with the activation's gain, float32. It commutes with sampling, so that it may come before."""
        return cast(EqualConv2d, self.conv[0])(features.float(), gain=ACTIVATION_GAIN)

    def weight(self) -> Tensor:
        """That of `project`, (3, C), float32."""
        conv = cast(EqualConv2d, self.conv[0])
        return conv.weight[:, :, 0, 0].float() * (conv.scale * ACTIVATION_GAIN)

    def with_projected(self, projected: Tensor, mask: Tensor | None, coarser: Tensor | None) -> Tensor:
        """The image from the sampled and projected features (B, 3, r, r)."""
        mixed = (projected if mask is None else projected * mask) + cast(ChannelBias, self.conv[1]).bias.float() * ACTIVATION_GAIN
        image = F.leaky_relu(mixed, ACTIVATION_SLOPE) + self.bias.float()
        return image if coarser is None else image + upsample(coarser)


def identity_grid(size: int, like: Tensor) -> Tensor:
    """(1, r, r, 2), x first, linspace(-1, 1, r)."""
    line = torch.linspace(-1.0, 1.0, size, device=like.device, dtype=torch.float32)
    return torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1)[None]


class FaceDecoder(nn.Module):
    """StyleGAN2's generator with a warp of the source's features at every level from 8x8 on, and the motion basis."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        latent, channels = config.latent_size, config.channels
        self.image_from = config.image_from
        self.direction = MotionBasis(latent, config.basis_size)
        self.input = ConstantInput(channels[0])
        self.conv1 = StyledConv(channels[0], channels[0], latent)
        self.to_rgb1 = ToRGB(channels[0])  # in checkpoints, unused
        self.convs, self.to_rgbs, self.to_flows = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for level, (coarse, fine) in enumerate(zip(channels, channels[1:], strict=False)):
            self.convs.append(StyledConv(coarse, fine, latent, upsample=True))
            self.convs.append(StyledConv(fine, fine, latent))
            self.to_rgbs.append(ToRGB(fine))
            self.to_flows.append(ToFlow(fine, latent, first=level == 0))

    def forward(self, latent: Tensor, skips: tuple[Tensor, ...], dtype: torch.dtype | None = None) -> tuple[Tensor, list[FlowLevel]]:
        """w (B, D), skip features (B or 1, C, r, r) coarsest first -> image (B, 3, S, S) float32, not clamped, and the flows. `dtype`: to
        convolve in another dtype than that of the weights."""
        latent = latent.float()
        start = (
            self.input.input.to(dtype or self.input.input.dtype)
            .expand(latent.shape[0], -1, -1, -1)
            .contiguous(memory_format=torch.channels_last)
        )
        state = self.conv1(start, latent)
        flow: Tensor | None = None
        image: Tensor | None = None
        levels: list[FlowLevel] = []
        for i, skip in enumerate(skips):
            state = self.convs[2 * i + 1](self.convs[2 * i](state, latent), latent)
            flow = self.to_flows[i](state, latent, flow)
            level = read_flow(flow)
            sampled = sample_features(skip, level.grid)
            # warp + state * (1 - mask), warp = sampled * mask, in one pass
            state = torch.lerp(state, sampled.to(state.dtype), level.mask.to(state.dtype))
            image = self.to_rgbs[i](*((sampled, level.mask) if self.image_from == "warp" else (state, None)), image)
            levels.append(level)
        assert image is not None
        return image, levels


def read_flow(flow: Tensor) -> FlowLevel:
    """The three channels before tanh and sigmoid -> grid and mask."""
    offset = torch.tanh(flow[:, :2]).permute(0, 2, 3, 1)
    return FlowLevel(grid=offset + identity_grid(flow.shape[-1], flow), mask=torch.sigmoid(flow[:, 2:]))


def sample_features(skip: Tensor, grid: Tensor) -> Tensor:
    """(B or 1, C, r, r) at (B, r, r, 2) -> (B, C, r, r) float32, before the mask. One source is expanded, not copied."""
    source = skip.float().expand(grid.shape[0], -1, -1, -1)
    sampled = F.grid_sample(source, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return sampled.contiguous(memory_format=torch.channels_last)

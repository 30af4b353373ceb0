"""The decoder as its formulas are written: weights modulated for every sample, one frame at a time, nothing shared or fused.

Every faster decoder is compared with it, in numbers and in time (fast_decoders/README.md).
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from .face_decoder import FaceDecoder, StyledConv, ToFlow, ToRGB, identity_grid
from .stylegan_layers import upsample


def decode_plain(decoder: FaceDecoder, latent: Tensor, skips: tuple[Tensor, ...]) -> Tensor:
    """w (B, D), skip features (B or 1, C, r, r) coarsest first -> images (B, 3, S, S), not clamped. Differentiable."""
    frames = []
    for i in range(len(latent)):
        own = tuple(skip[i : i + 1] if len(skip) > 1 else skip for skip in skips)
        frames.append(_decode_frame(decoder, latent[i : i + 1], own))
    return torch.cat(frames)


def _decode_frame(decoder: FaceDecoder, latent: Tensor, skips: tuple[Tensor, ...]) -> Tensor:
    state = decoder.conv1(decoder.input.input, latent, impl="reference")
    flow: Tensor | None = None
    image: Tensor | None = None
    for level, skip in enumerate(skips):
        for conv in decoder.convs[2 * level : 2 * level + 2]:
            state = cast(StyledConv, conv)(state, latent, impl="reference")
        flow = _flow(cast(ToFlow, decoder.to_flows[level]), state, latent, flow)
        grid = torch.tanh(flow[:, :2]).permute(0, 2, 3, 1) + identity_grid(flow.shape[-1], flow).to(flow.dtype)
        mask = torch.sigmoid(flow[:, 2:])
        warp = F.grid_sample(skip.to(grid.dtype), grid, mode="bilinear", padding_mode="zeros", align_corners=False) * mask
        state = warp + state * (1 - mask)
        image = _image(cast(ToRGB, decoder.to_rgbs[level]), warp if decoder.image_from == "warp" else state, image)
    assert image is not None
    return image


def _flow(layer: ToFlow, state: Tensor, latent: Tensor, coarser: Tensor | None) -> Tensor:
    flow = layer.conv(state, latent, impl="reference") + layer.bias
    return flow if coarser is None else flow + upsample(coarser, impl="reference")


def _image(layer: ToRGB, warp: Tensor, coarser: Tensor | None) -> Tensor:
    image = layer.conv(warp, impl="reference") + layer.bias
    return image if coarser is None else image + upsample(coarser, impl="reference")

"""The styles of all modulated layers of a decoder as one matrix product, and their demodulation from sums of squared weights that are
computed once. Knows nothing of images.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor

from ..face_decoder import FaceDecoder, StyledConv, ToFlow
from ..stylegan_layers import ACTIVATION_GAIN, ModulatedConv2d

Style = tuple[Tensor, Tensor]


class LayerStyles:
    """`LayerStyles(decoder)(w)`: latents (B, D) to a (style, gain) for every layer, in the order in which they run: conv1, then for each
    level the up-sampling convolution, the convolution, and the flow.

    style (B, in) = s / sqrt(in * k * k); gain (B, out) = sqrt(2) * d, d = rsqrt(s^2 @ (sum_k W^2)^T + 1e-8), which for the flows, that are
    not demodulated, is of no use and empty. Takes the weights as they are now; float32."""

    def __init__(self, decoder: FaceDecoder) -> None:
        layers = list(_layers(decoder))
        self._sizes = [layer.weight.shape[2] for layer in layers]
        self._weight = torch.cat([layer.modulation.weight.float() * (layer.modulation.scale * layer.scale) for layer in layers]).t()
        self._bias = torch.cat([layer.modulation.bias.float() * layer.scale for layer in layers])
        self._energies = [layer.energy().t().contiguous() if layer.demodulate else None for layer in layers]

    def __call__(self, latent: Tensor) -> list[Style]:
        """(B, D) float32 -> one Style for each layer."""
        styles = torch.addmm(self._bias, latent, self._weight).split(self._sizes, dim=1)
        return [(style, self._gain(style, energy)) for style, energy in zip(styles, self._energies, strict=True)]

    def _gain(self, style: Tensor, energy: Tensor | None) -> Tensor:
        if energy is None:
            return style[:, :0]
        return torch.rsqrt(style.square() @ energy + 1e-8).mul_(ACTIVATION_GAIN)


def _layers(decoder: FaceDecoder) -> Iterator[ModulatedConv2d]:
    yield decoder.conv1.conv
    for level, to_flow in enumerate(decoder.to_flows):
        for conv in decoder.convs[2 * level : 2 * level + 2]:
            yield cast(StyledConv, conv).conv
        yield cast(ToFlow, to_flow).conv

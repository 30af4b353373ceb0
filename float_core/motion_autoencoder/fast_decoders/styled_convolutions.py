"""The decoder's styled convolutions, prepared: the styles of all layers as one product, and convolutions with prepared weights, for a whole
batch or for one frame, a strip of rows at a time.

Knows nothing of flows or sources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from ..face_decoder import FaceDecoder, StyledConv, ToFlow
from ..stylegan_layers import ACTIVATION_GAIN, ACTIVATION_SLOPE, ModulatedConv2d, blur, blur_kernel
from .winograd import WinogradConvolution, Workspace, pays

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


class SharedConvolution:
    """A styled convolution as `StyledConv` does it for a batch, with its weight in the order that convolutions read, or for Winograd."""

    def __init__(self, layer: StyledConv, size: int) -> None:
        """`size`: the side of the map that comes out."""
        weight = layer.conv.weight[0]
        self._bias = layer.activate.bias * ACTIVATION_GAIN
        self._upsample = layer.conv.upsample
        self._winograd = WinogradConvolution(weight, size) if not self._upsample and pays(weight, size) else None
        if self._winograd is None:
            self._weight = (weight.transpose(0, 1) if self._upsample else weight).contiguous(memory_format=torch.channels_last)

    def __call__(self, x: Tensor, style: Style, workspace: Workspace) -> Tensor:
        """(B, in, r, r) channels-last to (B, out, r or 2r, r or 2r), after the activation."""
        scale, gain = (part[:, :, None, None] for part in style)
        if self._winograd is not None:
            y = self._winograd(x, scale, workspace)
        elif self._upsample:
            y = blur(F.conv_transpose2d(x * scale, self._weight, stride=2), padding=1, gain=4.0)
        else:
            y = F.conv2d(x * scale, self._weight, padding=1)
        return F.leaky_relu_(torch.addcmul(self._bias, y, gain, out=y), ACTIVATION_SLOPE)


class StripConvolutions:
    """`up` and `conv` of one level for one frame at a time. Its own weights W * s * d * sqrt(2) are small where feature maps are large:
    `of_frame` makes them."""

    def __init__(self, up: StyledConv, conv: StyledConv) -> None:
        self._up = up.conv.weight[0].transpose(0, 1).contiguous()  # [in, out, 3, 3]
        self._conv = conv.conv.weight[0]
        self._up_bias, self._conv_bias = (layer.activate.bias.flatten() * ACTIVATION_GAIN for layer in (up, conv))
        self._kernel = blur_kernel(4.0, self._up).expand(len(self._up_bias), 1, 4, 4).contiguous()

    def of_frame(self, state: Tensor, up: Style, conv: Style) -> Callable[[int, int], Tensor]:
        """For one frame's state (1, in, r, r) and its styles and gains (1, channels): a function of (a, b) that gives the rows a to b,
        (1, C, b - a, 2r), after both activations. What is computed twice, at the strips' edges, is three rows."""
        (up_style, up_gain), (style, gain) = up, conv
        up_weight = self._up * up_style[0, :, None, None, None] * up_gain[0, None, :, None, None]
        weight = self._conv * style[0, None, :, None, None] * gain[0, :, None, None, None]
        return partial(self._conv_rows, state, up_weight, weight)

    def _conv_rows(self, state: Tensor, up_weight: Tensor, weight: Tensor, a: int, b: int) -> Tensor:
        first, last = max(a - 1, 0), min(b + 1, 2 * state.shape[2])  # of what the 3x3 convolution reads
        inner = first < a and last > b
        y = F.conv2d(self._up_rows(state, up_weight, first, last), weight, self._conv_bias, padding=(0 if inner else 1, 1))
        return F.leaky_relu_(y if inner else y[:, :, a - first : b - first], ACTIVATION_SLOPE)

    def _up_rows(self, state: Tensor, weight: Tensor, a: int, b: int) -> Tensor:
        """Up-sampled rows a to b. The transposed convolution has 2r + 1 rows, row j from the coarser rows i with 0 <= j - 2i <= 2; the
        blur reads its rows a - 1 to b + 2."""
        first, last = max(a - 1, 0), min(b + 2, 2 * state.shape[2] + 1)
        start = max((first - 1) // 2, 0)
        spread = F.conv_transpose2d(state[:, :, start : (last - 1) // 2 + 1], weight, stride=2)
        spread = spread[:, :, first - 2 * start : last - 2 * start]
        inner = first == a - 1 and last == b + 2
        y = F.conv2d(spread, self._kernel, self._up_bias, padding=(0 if inner else 1, 1), groups=len(self._kernel))
        return F.leaky_relu_(y if inner else y[:, :, a - first : b - first], ACTIVATION_SLOPE)


def strips(size: int, row_bytes: int, strip_bytes: int) -> list[tuple[int, int]]:
    """All rows of a map as (first, last + 1), each strip of at most about `strip_bytes`."""
    height = min(size, max(8, strip_bytes // row_bytes))
    return [(a, min(a + height, size)) for a in range(0, size, height)]

"""The decoder for one source on a CPU in float32: the numbers of `plain_decoder`, several times faster.

Where feature maps are small and weights large, styles scale activations, so that a batch shares the weights; where it is the other way
round, each frame gets weights of its own, on which demodulation and gain ride along. Fine levels are worked in strips of rows, from the
up-sampling convolution to the warp: what one step writes is still in the cache for the next, and no buffer is so large that the C library
hands it back to the system each time. What the weights become is made once for all sources, and anew when they change. Knows nothing of
training, of motion or of videos.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor

from ..face_decoder import FaceDecoder, StyledConv, ToFlow, ToRGB
from ..stylegan_layers import ACTIVATION_GAIN, ACTIVATION_SLOPE, ChannelBias, upsample
from .bilinear_taps import Taps, sample, source_table, taps_of_flow
from .styled_convolutions import LayerStyles, SharedConvolution, StripConvolutions, Style, strips
from .winograd import Workspace

STRIP_BYTES = 8 * 2**20  # of feature maps in one strip
_SMALL = 2**18  # numbers of a weight; smaller ones are summed together


@dataclass(frozen=True, eq=False)
class _Now:
    """What a level hands to the next: `state` (B, C, r, r), `flow` and `image` (B, 3, r, r), None before the first level."""

    state: Tensor
    flow: Tensor | None = None
    image: Tensor | None = None

    def frame(self, i: int) -> _Now:
        parts = (None if part is None else part[i : i + 1] for part in (self.state, self.flow, self.image))
        return _Now(*cast(tuple[Tensor, Tensor, Tensor], tuple(parts)))


class StripWeights:
    """What a decoder's weights, as they are now, become for strips. Serves any number of sources and threads."""

    def __init__(self, decoder: FaceDecoder, *, strip_bytes: int = STRIP_BYTES) -> None:
        self.styles = LayerStyles(decoder)
        self.start = decoder.input.input.contiguous(memory_format=torch.channels_last)
        self.first = SharedConvolution(decoder.conv1, 4)
        self.levels = [_LevelWeights(decoder, i, strip_bytes) for i in range(len(decoder.to_flows))]


class StripDecoder:
    """`StripDecoder(weights, skips)(latent)`: w (B, D) to images (B, 3, S, S) float32, not clamped. `skips` (1, C, r, r), coarsest
    first. Keeps buffers from call to call, so that it serves one thread at a time."""

    def __init__(self, weights: StripWeights, skips: tuple[Tensor, ...]) -> None:
        self._weights, self._workspace = weights, Workspace()
        self._levels = [_Level(level, skip, self._workspace) for level, skip in zip(weights.levels, skips, strict=True)]

    @torch.no_grad()
    def __call__(self, latent: Tensor) -> Tensor:
        """(B, D) -> (B, 3, S, S)."""
        first, *rest = self._weights.styles(latent.float())
        styles = [rest[i : i + 3] for i in range(0, len(rest), 3)]
        now = _Now(self._weights.first(self._weights.start.expand(len(latent), -1, -1, -1), first, self._workspace))
        together = sum(level.shared is not None for level in self._weights.levels)  # the coarse ones
        for level, own in zip(self._levels[:together], styles, strict=False):
            now = level(now, own)
        images = []
        for i in range(len(latent)):
            one = now.frame(i)
            for level, own in zip(self._levels[together:], styles[together:], strict=True):
                one = level(one, [(style[i : i + 1], gain[i : i + 1]) for style, gain in own])
            images.append(one.image)
        return torch.cat(cast(list[Tensor], images))


class _LevelWeights:
    """Of one resolution r. `shared`: a batch shares the convolutions' weights; otherwise each frame has weights `own`."""

    def __init__(self, decoder: FaceDecoder, index: int, strip_bytes: int) -> None:
        up, conv = (cast(StyledConv, layer) for layer in decoder.convs[2 * index : 2 * index + 2])
        to_flow, self.to_rgb = cast(ToFlow, decoder.to_flows[index]), cast(ToRGB, decoder.to_rgbs[index])
        self.flow_weight, self.flow_bias = to_flow.conv.weight[0, :, :, 0, 0], to_flow.bias
        self.last = index + 1 == len(decoder.to_flows)
        self.channels, self.size = len(conv.conv.weight[0]), 8 << index
        self.activation_bias = cast(ChannelBias, self.to_rgb.conv[1]).bias.flatten() * ACTIVATION_GAIN
        self.image_bias = self.to_rgb.bias.flatten()
        # (3, C), where the image takes what the level draws itself too: the 1x1 convolution of a sum is the sum of both
        self.drawn_weight = self.to_rgb.weight() if decoder.image_from == "state" else None
        own = 18 * self.channels < self.size**2  # the 9 * C * C weights are clearly fewer than the r * r * C activations
        self.shared = None if own else (SharedConvolution(up, self.size), SharedConvolution(conv, self.size))
        self.own = StripConvolutions(up, conv) if own else None
        self.strips = strips(self.size, self.channels * self.size * 4, strip_bytes) if own else [(0, self.size)]


class _Level:
    """One resolution r for one source: features, flow, warp and image."""

    def __init__(self, weights: _LevelWeights, skip: Tensor, workspace: Workspace) -> None:
        self._weights, self._workspace = weights, workspace
        # Once for a source: the tables that are sampled. The 1x1 convolution to RGB commutes with sampling, so it is applied here; at the
        # last level nothing else needs the warp.
        self._source = None if weights.last else source_table(skip)
        self._image_source = source_table(weights.to_rgb.project(skip))

    def __call__(self, now: _Now, styles: Sequence[Style]) -> _Now:
        """From the state at r / 2 to that at r, which after the last level is of no use."""
        up, conv, (flow_style, _) = styles
        batch, size, own = len(flow_style), self._weights.size, self._weights
        flow, image = (_upsampled(part, batch, size) for part in (now.flow, now.image))
        flow_weights = own.flow_weight * flow_style[:, None]  # [B, 3, C]
        # The same memory each time: the next level has read it before it is written again.
        state = self._workspace(f"state {size}", (batch, size, size, own.channels)) if self._source is not None else None
        rows = self._features(now.state, up, conv)
        for a, b in own.strips:
            features = rows(a, b)
            pixels = features.permute(0, 2, 3, 1)  # [B, h, r, C]
            strip = flow[:, :, a:b].add_(own.flow_bias).add_(_mixed(flow_weights, pixels))
            taps, mask = taps_of_flow(strip, a, size)
            drawn = None if own.drawn_weight is None else F.linear(pixels.flatten(0, 2), own.drawn_weight).mul_((1 - mask).view(-1, 1))
            image[:, :, a:b].add_(self._colors(taps, drawn).view(*pixels.shape[:3], 3).permute(0, 3, 1, 2))
            if state is not None:
                assert self._source is not None
                warp = sample(self._source, taps).view(pixels.shape)
                torch.addcmul(warp, pixels, (1 - mask).view(*pixels.shape[:3], 1), out=state[:, a:b])  # warp + state * (1 - mask)
        return _Now(now.state if state is None else state.permute(0, 3, 1, 2), flow, image)

    def _features(self, state: Tensor, up: Style, conv: Style) -> Callable[[int, int], Tensor]:
        """The convolutions' result (B, C, b - a, r) by its rows."""
        if self._weights.own is not None:
            return self._weights.own.of_frame(state, up, conv)
        assert self._weights.shared is not None
        first, second = self._weights.shared
        features = second(first(state, up, self._workspace), conv, self._workspace)
        return lambda a, b: features[:, :, a:b]

    def _colors(self, taps: Taps, drawn: Tensor | None) -> Tensor:
        """What the warp, and `drawn` (n, 3) with it, adds to the image, (n, 3)."""
        mixed = sample(self._image_source, taps).add_(self._weights.activation_bias)
        if drawn is not None:
            mixed.add_(drawn)
        return F.leaky_relu_(mixed, ACTIVATION_SLOPE).add_(self._weights.image_bias)


def _mixed(weights: Tensor, pixels: Tensor) -> Tensor:
    """(B, 3, C) over (B, h, r, C) -> (B, 3, h, r)."""
    return (weights @ pixels.flatten(1, 2).transpose(1, 2)).unflatten(2, pixels.shape[1:3])


def _upsampled(coarser: Tensor | None, batch: int, size: int) -> Tensor:
    return torch.zeros(batch, 3, size, size) if coarser is None else upsample(coarser)


_KEPT: WeakKeyDictionary[FaceDecoder, tuple[list[int], StripWeights]] = WeakKeyDictionary()  # with the checksums of the weights


def strip_weights(decoder: FaceDecoder) -> StripWeights:
    """Those of this decoder, made anew only after its weights have changed: making them takes as long as two frames, noticing that there is
    no need a few hundredths of a second. They are kept, and take up to twice the decoder's own memory."""
    sums = _checksums(decoder)
    kept = _KEPT.get(decoder)
    if kept is None or kept[0] != sums:
        kept = _KEPT[decoder] = (sums, StripWeights(decoder))
    return kept[1]


def forget_weights(decoder: FaceDecoder) -> None:
    """Frees what `strip_weights` keeps of it."""
    _KEPT.pop(decoder, None)


@torch.no_grad()
def _checksums(decoder: FaceDecoder) -> list[int]:
    """Of all its weights; the small ones are put together first, as each sum costs a few calls."""
    parts = [part.flatten().view(torch.int32) for part in (*decoder.parameters(), *decoder.buffers())]
    small = torch.cat([part for part in parts if len(part) < _SMALL])
    return [_checksum(bits) for bits in (small, *(part for part in parts if len(part) >= _SMALL))]


def _checksum(bits: Tensor) -> int:
    """Of numbers and their places: sums over the rows and the columns of a square of them, each times its number."""
    side = 1 << (len(bits).bit_length() // 2)
    square, rest = bits[: len(bits) // side * side].view(-1, side), bits[len(bits) // side * side :]
    lines = torch.cat([square.sum(0), square.sum(1), rest.long()])
    return int((lines * (2 * torch.arange(len(lines), device=lines.device) + 1)).sum())

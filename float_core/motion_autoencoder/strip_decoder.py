"""The decoder for one source on a CPU in float32: the numbers of `plain_decoder`, several times faster.

Where feature maps are small and weights large, styles scale activations, so that a batch shares the weights; where it is the other way
round, each frame gets weights of its own, on which demodulation and gain ride along. Fine levels are worked in strips of rows, from the
up-sampling convolution to the warp: what one step writes is still in the cache for the next, and no buffer is so large that the C library
hands it back to the system each time. Knows nothing of training, of motion or of videos.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from .bilinear_taps import Taps, sample, source_table, taps_of_flow
from .face_decoder import FaceDecoder, StyledConv, ToFlow, ToPicture
from .layer_styles import LayerStyles, Style
from .strip_convolutions import SharedConvolution, StripConvolutions, strips
from .stylegan_layers import ACTIVATION_GAIN, ACTIVATION_SLOPE, ChannelBias, upsample

STRIP_BYTES = 8 * 2**20  # of feature maps in one strip
CHANNELS_LAST = torch.channels_last


@dataclass(frozen=True)
class _Now:
    """What a level hands to the next: `state` (B, C, r, r), `flow` and `picture` (B, 3, r, r), None before the first level."""

    state: Tensor
    flow: Tensor | None = None
    picture: Tensor | None = None

    def frame(self, i: int) -> _Now:
        parts = (None if part is None else part[i : i + 1] for part in (self.state, self.flow, self.picture))
        return _Now(*cast(tuple[Tensor, Tensor, Tensor], tuple(parts)))


class StripDecoder:
    """`StripDecoder(decoder, skips)(latent)`: w (B, D) to pictures (B, 3, S, S) float32, not clamped. `skips` (1, C, r, r), coarsest
    first. Takes the weights as they are now; keeps buffers from call to call, so that it serves one thread at a time."""

    def __init__(self, decoder: FaceDecoder, skips: tuple[Tensor, ...], *, strip_bytes: int = STRIP_BYTES) -> None:
        self._styles = LayerStyles(decoder)
        self._start = decoder.input.input.contiguous(memory_format=CHANNELS_LAST)
        self._first = SharedConvolution(decoder.conv1, 4)
        self._levels = [_Level(decoder, i, skip, strip_bytes) for i, skip in enumerate(skips)]

    @torch.no_grad()
    def __call__(self, latent: Tensor) -> Tensor:
        """(B, D) -> (B, 3, S, S)."""
        first, *rest = self._styles(latent.float())
        styles = [rest[i : i + 3] for i in range(0, len(rest), 3)]
        now = _Now(self._first(self._start.expand(len(latent), -1, -1, -1), first))
        together = sum(level.shared for level in self._levels)  # the coarse ones
        for level, own in zip(self._levels[:together], styles, strict=False):
            now = level(now, own)
        pictures = []
        for i in range(len(latent)):
            one = now.frame(i)
            for level, own in zip(self._levels[together:], styles[together:], strict=True):
                one = level(one, [(style[i : i + 1], gain[i : i + 1]) for style, gain in own])
            pictures.append(one.picture)
        return torch.cat(cast(list[Tensor], pictures))


class _Level:
    """One resolution r: features, flow, warp and picture."""

    def __init__(self, decoder: FaceDecoder, index: int, skip: Tensor, strip_bytes: int) -> None:
        up, conv = (cast(StyledConv, layer) for layer in decoder.convs[2 * index : 2 * index + 2])
        to_flow, to_picture = cast(ToFlow, decoder.to_flows[index]), cast(ToPicture, decoder.to_rgbs[index])
        self._flow_weight, self._flow_bias = to_flow.conv.weight[0, :, :, 0, 0], to_flow.bias
        self._channels, self._size = skip.shape[1], skip.shape[-1]
        # Once for a source: the tables that are sampled. The 1x1 convolution to RGB commutes with sampling, so it is applied here; at the
        # last level nothing else needs the warp.
        self._source = source_table(skip) if index + 1 < len(decoder.to_flows) else None
        self._picture_source = source_table(to_picture.project(skip))
        self._activation_bias = cast(ChannelBias, to_picture.conv[1]).bias.flatten() * ACTIVATION_GAIN
        self._picture_bias = to_picture.bias.flatten()
        self._state: Tensor | None = None
        own = 18 * self._channels < self._size**2  # the 9 * C * C weights are clearly fewer than the r * r * C activations
        self._shared = None if own else (SharedConvolution(up, self._size), SharedConvolution(conv, self._size))
        self._own = StripConvolutions(up, conv) if own else None
        self._strips = strips(self._size, self._channels * self._size * 4, strip_bytes) if own else [(0, self._size)]

    @property
    def shared(self) -> bool:
        """Whether a batch shares the weights here; if not, frames come one at a time."""
        return self._shared is not None

    def __call__(self, now: _Now, styles: Sequence[Style]) -> _Now:
        """From the state at r / 2 to that at r, which after the last level is of no use."""
        up, conv, (flow_style, _) = styles
        batch, size = len(flow_style), self._size
        flow, picture = (_upsampled(part, batch, size) for part in (now.flow, now.picture))
        weights = self._flow_weight * flow_style[:, None]  # [B, 3, C]
        state = self._kept_state(batch) if self._source is not None else None
        rows = self._features(now.state, up, conv)
        for a, b in self._strips:
            features = rows(a, b)
            pixels = features.permute(0, 2, 3, 1)  # [B, h, r, C]
            strip = flow[:, :, a:b].add_(self._flow_bias).add_(_mixed(weights, pixels))
            taps, mask = taps_of_flow(strip, a, size)
            picture[:, :, a:b].add_(self._colours(taps).view(*pixels.shape[:3], 3).permute(0, 3, 1, 2))
            if state is not None:
                assert self._source is not None
                warp = sample(self._source, taps).view(pixels.shape)
                torch.addcmul(warp, pixels, (1 - mask).view(*pixels.shape[:3], 1), out=state[:, a:b])  # warp + state * (1 - mask)
        return _Now(now.state if state is None else state.permute(0, 3, 1, 2), flow, picture)

    def _features(self, state: Tensor, up: Style, conv: Style) -> Callable[[int, int], Tensor]:
        """The convolutions' result (B, C, b - a, r) by its rows."""
        if self._own is not None:
            return self._own.of_frame(state, up, conv)
        assert self._shared is not None
        first, second = self._shared
        features = second(first(state, up), conv)
        return lambda a, b: features[:, :, a:b]

    def _kept_state(self, batch: int) -> Tensor:
        """(B, r, r, C), the same memory each time: the next level has read it before it is written again."""
        shape = (batch, self._size, self._size, self._channels)
        if self._state is None or self._state.shape != shape:
            self._state = torch.empty(shape)
        return self._state

    def _colours(self, taps: Taps) -> Tensor:
        """What the warp adds to the picture, (n, 3)."""
        mixed = sample(self._picture_source, taps).add_(self._activation_bias)
        return F.leaky_relu_(mixed, ACTIVATION_SLOPE).add_(self._picture_bias)


def _mixed(weights: Tensor, pixels: Tensor) -> Tensor:
    """(B, 3, C) over (B, h, r, C) -> (B, 3, h, r)."""
    return (weights @ pixels.flatten(1, 2).transpose(1, 2)).unflatten(2, pixels.shape[1:3])


def _upsampled(coarser: Tensor | None, batch: int, size: int) -> Tensor:
    return torch.zeros(batch, 3, size, size) if coarser is None else upsample(coarser)

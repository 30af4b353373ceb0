"""The decoder for one source and a batch of latents, on any device and in any precision: the way for GPUs and for half precision.

All styles come from one product; the source is expanded, not copied; its 1x1 convolutions to RGB are made once, since they commute with
sampling. Convolutions run in the parameters' dtype; flows, grids, warps and the image stay in float32. Knows nothing of training.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import CompileWarning
from ..face_decoder import FaceDecoder, StyledConv, ToFlow, ToRGB, read_flow, sample_features
from .styled_convolutions import LayerStyles

BUCKETS = (1, 2, 4, 8, 16, 32, 64)  # batch sizes that are compiled
GRAPHS = 64  # of all models, precisions and batch sizes of a process; torch's own limit of 8 is soon reached, and then it compiles no more


class BatchDecoder:
    """`BatchDecoder(decoder, skips)(latent)`: w (B, D) to images (B, 3, S, S) float32, not clamped. `skips` (1, C, r, r), coarsest
    first. Takes the weights as they are now.

    With `compile` through torch.compile, with CUDA graphs on a GPU, in a few fixed batch sizes to which latents are filled up; torch keeps
    what it compiled, for other sources too. Where that cannot be done, a CompileWarning says so and the plain way is taken."""

    def __init__(self, decoder: FaceDecoder, skips: tuple[Tensor, ...], *, compile: bool = False) -> None:
        self._decoder, self._styles = decoder, LayerStyles(decoder)
        self._dtype = decoder.input.input.dtype
        layout = torch.channels_last
        self._skips = tuple(skip.float().contiguous(memory_format=layout) for skip in skips[:-1])
        self._projected = cast(ToRGB, decoder.to_rgbs[-1]).project(skips[-1]).contiguous()
        self._compiled: Callable[[Tensor], Tensor] | None = None
        self._sizes: set[int] = set()  # batch sizes that went through it
        if compile:
            mode = "reduce-overhead" if skips[0].is_cuda else "default"
            self._compiled = cast(Callable[[Tensor], Tensor], torch.compile(self._decode, mode=mode, dynamic=False, fullgraph=True))

    @torch.no_grad()
    def __call__(self, latent: Tensor) -> Tensor:
        """(B, D) -> (B, 3, S, S)."""
        if self._compiled is None:
            return self._decode(latent.float())
        filled = self._filled(latent.float())
        try:
            with torch._dynamo.config.patch(cache_size_limit=GRAPHS):
                return self._compiled(filled)[: len(latent)].clone()  # the graph writes its next result into the same memory
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # noqa: BLE001 (whatever a compiler lacks: triton, a C++ compiler, an operation, room for another graph)
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            warnings.warn(f"the decoder cannot be compiled here ({reason}); it goes on without.", CompileWarning, stacklevel=2)
            self._compiled = None
            return self._decode(latent.float())

    def _filled(self, latent: Tensor) -> Tensor:
        """With its last row repeated up to a size that is compiled already (a clip's last batch is smaller than the others), or else up to
        the next bucket; beyond the largest, as it is."""
        known = [size for size in self._sizes if size >= len(latent)]
        size = min(known or [bucket for bucket in BUCKETS if bucket >= len(latent)], default=len(latent))
        self._sizes.add(size)
        return torch.cat([latent, latent[-1:].expand(size - len(latent), -1)])

    def _decode(self, latent: Tensor) -> Tensor:
        decoder, (first, *rest) = self._decoder, self._styles(latent)
        start = decoder.input.input.expand(len(latent), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        state = decoder.conv1.with_style(start, *first)
        flow: Tensor | None = None
        image: Tensor | None = None
        for i, (to_flow, to_rgb) in enumerate(zip(decoder.to_flows, decoder.to_rgbs, strict=True)):
            for layer, style in zip(decoder.convs[2 * i : 2 * i + 2], rest[3 * i : 3 * i + 2], strict=True):
                state = cast(StyledConv, layer).with_style(state, *style)
            flow = cast(ToFlow, to_flow).with_style(state, rest[3 * i + 2][0], flow)
            level = read_flow(flow)
            if i < len(self._skips):
                sampled = sample_features(self._skips[i], level.grid)
                state = torch.lerp(state, sampled.to(self._dtype), level.mask.to(self._dtype))
                image = cast(ToRGB, to_rgb)(*((sampled, level.mask) if decoder.image_from == "warp" else (state, None)), image)
            else:  # nothing but the image needs the last warp, and the image only its three channels
                source = self._projected.expand(len(latent), -1, -1, -1)
                colors = F.grid_sample(source, level.grid, mode="bilinear", padding_mode="zeros", align_corners=False)
                if decoder.image_from == "state":
                    colors = torch.lerp(cast(ToRGB, to_rgb).project(state), colors, level.mask)
                image = cast(ToRGB, to_rgb).with_projected(colors, level.mask if decoder.image_from == "warp" else None, image)
        assert image is not None
        return image

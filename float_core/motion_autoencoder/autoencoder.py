"""The motion auto-encoder (FLOAT, arXiv 2412.01064, section 3.1): image to identity, motion coefficients and features; latents and features
back to images. An image's latent is w_S = w_{S->r} + w_{r->S}, its identity and its motion (equation 8).

Knows nothing of audio, of the flow in motion space, of files or of video.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Literal, overload

import torch
from torch import Tensor, nn

from ..config import AutoencoderConfig
from ..errors import CompileWarning, OptionError
from .appearance_encoder import AppearanceEncoder
from .face_decoder import FaceDecoder
from .fast_decoders.batch_decoder import BatchDecoder
from .fast_decoders.strip_decoder import StripDecoder, forget_weights, strip_weights


class MotionAutoencoder(nn.Module):
    """Encoder `enc` and decoder `dec`. Sizes come from the configuration alone."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.enc = AppearanceEncoder(config)
        self.dec = FaceDecoder(config)

    def encode(self, images: Tensor, *, dtype: torch.dtype | None = None) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """(B, 3, S, S) in [-1, 1] -> identity w_{S->r} (B, D), coefficients lambda (B, M), skip features coarsest (8x8) first.

        `dtype`: that of the convolutions, and of the skip features; None = that of the weights. Training computes in bfloat16 with float32
        weights."""
        size = self.config.size
        if images.ndim != 4 or tuple(images.shape[1:]) != (3, size, size):
            raise OptionError(f"images are {tuple(images.shape)}; expected (B, 3, {size}, {size})")
        return self.enc(images, dtype)

    def basis(self) -> Tensor:
        """Orthonormal motion directions (D, M), float32; differentiable. Decomposes at every call: keep the result where it is fixed."""
        return self.dec.direction()

    @overload
    def decode(
        self, latent: Tensor, skips: tuple[Tensor, ...], *, return_flows: Literal[False] = False, dtype: torch.dtype | None = None
    ) -> Tensor: ...

    @overload
    def decode(
        self, latent: Tensor, skips: tuple[Tensor, ...], *, return_flows: Literal[True], dtype: torch.dtype | None = None
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]: ...

    def decode(
        self, latent: Tensor, skips: tuple[Tensor, ...], *, return_flows: bool = False, dtype: torch.dtype | None = None
    ) -> Tensor | tuple[Tensor, list[Tensor], list[Tensor]]:
        """w = w_{S->r} + w_{r->D} (B, D), skip features (B or 1, C, r, r) -> image (B, 3, S, S) float32, not clamped.

        With `return_flows` also the grids (B, r, r, 2) and masks (B, 1, r, r) per level, 8x8 first. `dtype`: as in `encode`; flows, warps
        and the image are float32 in any case.
        """
        self._check(latent, skips)
        image, levels = self.dec(latent, skips, dtype)
        if not return_flows:
            return image
        return image, [level.grid for level in levels], [level.mask for level in levels]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> MotionAutoencoder:
        """Part of `to`, `half` and their like, which change the weights: lets go of what was prepared of them."""
        forget_weights(self.dec)
        return super()._apply(fn, recurse)

    def prepare(self, skips: tuple[Tensor, ...], *, compile: bool = False) -> Callable[[Tensor], Tensor]:
        """A decoder for one source with all its work done ahead that does not depend on the motion: w (B, D) -> images (B, 3, S, S)
        float32, not clamped; the numbers of `decode`. `skips` (1, C, r, r). Takes the weights as they are now, without gradients.

        `compile`: by torch.compile. With a CompileWarning where that cannot be done, and for float32 on a CPU, whose own way is faster."""
        self._check(torch.empty(1, self.config.latent_size), skips)
        start = self.dec.input.input
        with torch.no_grad():
            if start.device.type != "cpu" or start.dtype != torch.float32:
                forget_weights(self.dec)
                return BatchDecoder(self.dec, skips, compile=compile)
            if compile:
                warnings.warn(
                    "compiling is for GPUs and half precision: float32 on a CPU has a faster way of its own.", CompileWarning, stacklevel=2
                )
            return StripDecoder(strip_weights(self.dec), skips)

    def _check(self, latent: Tensor, skips: tuple[Tensor, ...]) -> None:
        size, resolutions = self.config.latent_size, self.config.resolutions[1:]
        if latent.ndim != 2 or latent.shape[1] != size:
            raise OptionError(f"latent is {tuple(latent.shape)}; expected (B, {size})")
        found = tuple(skip.shape[-1] for skip in skips)
        if found != resolutions:
            raise OptionError(f"skip features are {found} wide; expected {resolutions}, coarsest first")
        if any(skip.shape[0] not in (1, latent.shape[0]) for skip in skips):
            raise OptionError(f"skip features are for {skips[0].shape[0]} images; expected 1 or the latent's batch {latent.shape[0]}")


def constant_keys(config: AutoencoderConfig) -> set[str]:
    """Names (without prefix) of the constants that released files may hold beside the parameters: blur kernels, all (4, 4)."""
    levels = range(len(config.channels) - 1)
    keys = {f"enc.net_app.convs.{i + 1}.{branch}.0.kernel" for i in levels for branch in ("conv2", "skip")}
    keys |= {f"dec.convs.{2 * i}.conv.blur.kernel" for i in levels}
    return keys | {f"dec.{kind}.{i}.upsample.kernel" for i in levels for kind in ("to_rgbs", "to_flows")}

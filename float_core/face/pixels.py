"""Any image as 8-bit RGB pixels, and square images at another size.

It takes whatever Pillow and ComfyUI produce: all Pillow modes, EXIF orientation, ICC profiles, transparency, 16 bit, arrays and tensors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ..errors import ImageError
from ..srgb import DAMAGED, has_alpha, upright_srgb

BACKDROP = 128  # behind transparent pixels: middle gray, which makes neither bright nor dark edges around hair
TOLERANCE = 0.5  # how far float pixels may overshoot [0, 1], as after resampling; beyond it, another range must be meant


def rgb_pixels(image: Any) -> np.ndarray:
    """(H, W, 3) uint8 RGB of a PIL image, or of an (H, W, 3|4) array or tensor: uint8, uint16, or float in [0, 1]."""
    pixels = _from_pillow(image) if isinstance(image, Image.Image) else _from_array(image)
    if not pixels.size:
        raise ImageError(f"the image is empty: {pixels.shape[1]} x {pixels.shape[0]} pixels")
    return pixels


def resize_square(pixels: Tensor, size: int) -> Tensor:
    """(3, n, n) float32 in 0..255 to (3, size, size), rounded to whole values: by area if smaller, cubic if larger."""
    side = pixels.shape[-1]
    if side > size:
        weights = _area_weights(side, size)
        pixels = weights @ pixels @ weights.T
    elif side < size:  # torch's cubic equals OpenCV's: a = -0.75, half-pixel centers, edges repeated
        pixels = F.interpolate(pixels[None], (size, size), mode="bicubic", align_corners=False)[0]
    return pixels.round().clamp(0, 255)


def _area_weights(side: int, size: int) -> Tensor:
    """(size, side): the share of each source pixel in each target pixel, including fractions (as OpenCV's INTER_AREA)."""
    edges = torch.linspace(0, side, size + 1, dtype=torch.float64)
    left = torch.arange(side, dtype=torch.float64)
    overlap = torch.minimum(edges[1:, None], left + 1) - torch.maximum(edges[:-1, None], left)
    return (overlap.clamp(min=0) * size / side).float()


def _from_pillow(image: Image.Image) -> np.ndarray:
    try:
        image.load()
    except DAMAGED as error:  # a lazily opened file that turns out to be damaged
        raise ImageError(f"the image cannot be read: {error}") from error
    upright = upright_srgb(image)
    if upright.mode.startswith("I") or upright.mode == "F":
        return _from_deep_gray(np.asarray(upright))
    if has_alpha(upright):
        return _over_backdrop(np.asarray(upright.convert("RGBA")))
    return np.asarray(upright.convert("RGB"))


def _from_deep_gray(gray: np.ndarray) -> np.ndarray:
    """Gray pixels of 16 or 32 bits. The file does not say their range: it is the smallest of 1, 255 and 65535 that holds them."""
    _require_finite(gray)
    values = gray.astype(np.float64)
    whole = gray.dtype.kind in "iu"
    top = 65535.0 if gray.dtype == np.uint16 or values.max(initial=0) > 255 else 255.0 if whole or values.max(initial=0) > 1 else 1.0
    if values.min(initial=0) < 0 or values.max(initial=0) > 65535:
        raise ImageError(f"gray values go from {values.min():g} to {values.max():g}; expected 0 to 1, 255 or 65535")
    return np.repeat(_to_bytes(values / top)[..., None], 3, axis=2)


def _from_array(image: Any) -> np.ndarray:
    array = image.detach().cpu().numpy() if isinstance(image, Tensor) else np.asarray(image)
    if array.ndim != 3 or array.shape[2] not in (3, 4):
        raise ImageError(f"the image has shape {array.shape}; expected (height, width, 3 or 4)")
    if array.dtype == np.uint16:
        array = array / 65535.0
    if array.dtype.kind == "f":
        _require_finite(array)
        _require_unit_range(array)
        array = _to_bytes(array)
    if array.dtype != np.uint8:
        raise ImageError(f"the image holds {array.dtype}; expected uint8 (0 to 255), uint16, or float (0 to 1)")
    return _over_backdrop(array) if array.shape[2] == 4 else array


def _over_backdrop(rgba: np.ndarray) -> np.ndarray:
    alpha = rgba[..., 3:] / 255.0
    return np.rint(rgba[..., :3] * alpha + BACKDROP * (1 - alpha)).astype(np.uint8)


def _to_bytes(unit: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(unit, 0, 1).astype(np.float64) * 255).astype(np.uint8)


def _require_finite(array: np.ndarray) -> None:
    bad = int(np.count_nonzero(~np.isfinite(array)))
    if bad:
        raise ImageError(f"{bad} of the image's {array.size} values are not finite (NaN or infinite)")


def _require_unit_range(array: np.ndarray) -> None:
    low, high = float(array.min(initial=0)), float(array.max(initial=0))
    if low < -TOLERANCE or high > 1 + TOLERANCE:
        raise ImageError(f"float pixels go from {low:g} to {high:g}; expected 0 to 1. Scale them, or give uint8.")

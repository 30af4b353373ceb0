"""Pastes frames of a crop back into the full image, with a soft edge."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ..easing import smooth
from ..errors import OptionError
from ..types import CropTransform


def paste_back(frames: Tensor, image: Tensor, transform: CropTransform, *, feather: float = 0.1) -> Tensor:
    """Frames (n, 3, S, S) over the image (1 or n, 3, H, W) that they were cropped from. Both are in [-1, 1], as is the result (n, 3, H, W).
    `feather`: width of the soft edge, as a fraction 0 to 0.5 of the side of the crop."""
    x1, y1, x2, y2 = transform.square
    height, width = transform.height, transform.width
    if not 0 <= feather <= 0.5:
        raise OptionError(f"feather is {feather}; expected 0 to 0.5")
    if image.shape[0] not in (1, frames.shape[0]) or image.shape[1:] != (3, height, width):
        raise OptionError(f"the image has shape {tuple(image.shape)}; expected (1 or {frames.shape[0]}, 3, {height}, {width})")
    shrink = transform.size > y2 - y1
    scaled = F.interpolate(frames, (y2 - y1, x2 - x1), mode="bicubic", align_corners=False, antialias=shrink).clamp(-1, 1)
    mask = feather_mask(transform, feather).to(frames).expand(len(frames), 1, -1, -1)
    if transform.roll:
        scaled, mask, (x1, y1, x2, y2) = _turned(scaled, mask, transform)
    left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
    rows, columns = slice(top - y1, bottom - y1), slice(left - x1, right - x1)
    result = image.to(frames).expand(frames.shape[0], -1, -1, -1).clone()
    behind = result[:, :, top:bottom, left:right]
    result[:, :, top:bottom, left:right] = behind + mask[:, :, rows, columns] * (scaled[:, :, rows, columns] - behind)
    return result


def turned_axes(roll: float) -> Tensor:
    """(2, 2): turns columns (x, y) clockwise by degrees."""
    c, s = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    return torch.tensor([[c, -s], [s, c]])


def _turned(frames: Tensor, mask: Tensor, transform: CropTransform) -> tuple[Tensor, Tensor, tuple[int, int, int, int]]:
    """Frames and mask as they lie in the image, in the upright square around the turned one."""
    x1, y1, x2, y2 = transform.square
    side = x2 - x1
    more = math.ceil(side * (math.sqrt(2) - 1) / 2)
    wide = side + 2 * more
    axes = turned_axes(-transform.roll) * (wide / side)
    matrix = torch.cat([axes, torch.zeros(2, 1)], 1).to(frames).expand(len(frames), 2, 3)
    grid = F.affine_grid(matrix, [len(frames), 1, wide, wide], align_corners=False)
    turned = F.grid_sample(frames, grid, mode="bicubic", align_corners=False, padding_mode="border").clamp(-1, 1)
    return turned, F.grid_sample(mask, grid, align_corners=False), (x1 - more, y1 - more, x2 + more, y2 + more)


def feather_mask(transform: CropTransform, feather: float) -> Tensor:
    """(n, n) weights of the crop in its own square: 1 inside, falling to 0 at edges that are inside the image. At the border of the image
    there is nothing to blend with, so the weight stays 1 there."""
    x1, y1, x2, y2 = transform.square
    turned = bool(transform.roll)  # then no edge lies along the border
    across = _ramp(x2 - x1, feather, turned or x1 > 0, turned or x2 < transform.width)
    down = _ramp(y2 - y1, feather, turned or y1 > 0, turned or y2 < transform.height)
    return down[:, None] * across[None, :]


def _ramp(side: int, feather: float, at_start: bool, at_end: bool) -> Tensor:
    position = torch.arange(side) + 0.5
    width = max(feather * side, 1e-6)
    rise = (position / width).clamp(0, 1) if at_start else torch.ones(side)
    fall = ((side - position) / width).clamp(0, 1) if at_end else torch.ones(side)
    weight = torch.minimum(rise, fall)
    return smooth(weight)  # no visible line where the edge begins

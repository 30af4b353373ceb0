"""Losses for training the auto-encoder: images, components, flows and coefficients. There is no discriminator and no loss network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..synthetic.synthetic_faces import Flow


def multi_scale_l1(output: Tensor, target: Tensor, levels: int = 3) -> Tensor:
    """Mean absolute difference of images (B, 3, r, r), at full size, half size and so on."""
    total = F.l1_loss(output, target)
    for _ in range(levels - 1):
        output, target = F.avg_pool2d(output, 2), F.avg_pool2d(target, 2)
        total = total + F.l1_loss(output, target)
    return total / levels


def gradient_l1(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of the differences between neighboring pixels: edges must be in the right place."""
    difference = output - target
    return difference.diff(dim=2).abs().mean() + difference.diff(dim=3).abs().mean()


def detail_l1(output: Tensor, source: Tensor, target: Tensor, grid: Tensor, exact: Flow) -> Tensor:
    """Pixels and edges compared with the source image that the decoder's own finest grid (B, r, r, 2) moves, and with the target where the
    source does not show it. Compared only with the target, a flow that is one pixel off teaches the decoder to blur."""
    moved = F.grid_sample(source, grid.detach(), mode="bilinear", padding_mode="border", align_corners=False)
    shown = F.interpolate(exact.weight[:, None], size=output.shape[-2:], mode="nearest")
    sharp = torch.where(shown > 0.5, moved, target)
    return F.l1_loss(output, sharp) + gradient_l1(output, sharp)


def component_l1(output: Tensor, target: Tensor, masks: tuple[Tensor, ...]) -> Tensor:
    """Absolute difference inside each mask (B, r', r'), divided by its area: the component loss (paper section 3.1), but on pixels."""
    difference = (output - target).abs().mean(1)
    total = difference.new_zeros(())
    for mask in masks:
        if mask.shape[-1] != difference.shape[-1]:
            mask = F.interpolate(mask[:, None], size=difference.shape[-2:], mode="nearest")[:, 0]
        total = total + (difference * mask).sum() / mask.sum().clamp_min(1)
    return total / len(masks)


def _pooled(values: Tensor, weight: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Weighted mean of values (B, r, r, 2) over blocks, and the weight of each block."""
    factor = weight.shape[-1] // size
    if factor == 1:
        return values, weight
    mass = F.avg_pool2d(weight[:, None], factor)
    mean = F.avg_pool2d(values.permute(0, 3, 1, 2) * weight[:, None], factor) / mass.clamp_min(1e-6)
    return mean.permute(0, 2, 3, 1), mass[:, 0]


def flow_l1(grids: list[Tensor], exact: Flow, mouth_weight: float = 30.0, eyes_weight: float = 15.0) -> Tensor:
    """Distance of the sampling grid (B, r, r, 2) of each level to the exact flow, with more weight at mouth and eyes, mean over levels.

    Levels finer than the exact flow are pooled to its size. Pixels that the source does not show are ignored.
    """
    importance = exact.weight * (1 + mouth_weight * exact.mouth + eyes_weight * exact.eyes)
    finest = exact.grid.shape[1]
    total = importance.new_zeros(())
    for grid in grids:
        if grid.shape[1] > finest:
            grid = F.avg_pool2d(grid.permute(0, 3, 1, 2), grid.shape[1] // finest).permute(0, 2, 3, 1)
        target, weight = _pooled(exact.grid, importance, grid.shape[1])
        total = total + ((grid - target).abs().sum(-1) * weight).sum() / weight.sum().clamp_min(1e-6)
    return total / len(grids)

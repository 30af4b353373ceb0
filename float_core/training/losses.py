"""The losses of phase 1 as functions of tensors (paper section 3.1, and what exact flows allow beyond it): pixels, features, components,
adversaries, style, flows and coefficients.

Knows no network: features and logits come in as tensors.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    """Absolute difference of pixels and of edges inside each mask (B, r', r'), divided by its area: the component loss (paper section 3.1),
    but on pixels."""
    error = output - target
    edges = F.pad(error.diff(dim=2).abs(), (0, 0, 0, 1)) + F.pad(error.diff(dim=3).abs(), (0, 1))
    difference = (error.abs() + edges).mean(1)
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


def feature_l1(output: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
    """The perceptual loss: mean absolute difference of feature maps (B, C, r, r), mean over levels."""
    return torch.stack([F.l1_loss(a.float(), b.float()) for a, b in zip(output, target, strict=True)]).mean()


def component_feature_l1(output: Sequence[Tensor], target: Sequence[Tensor], masks: Sequence[Tensor]) -> Tensor:
    """The facial component perceptual loss (paper section 3.1): for each component with mask M and each level n of the features phi,

        |M_n * (phi_n(output) - phi_n(target))|_1 / (C_n * sum of M_n),    M_n = M at the size of level n,

    mean over levels and components. A component that no image of the batch shows counts as 0."""
    total = output[0].new_zeros((), dtype=torch.float32)
    for a, b in zip(output, target, strict=True):
        difference = (a.float() - b.float()).abs().mean(1)
        for mask in masks:
            area = F.adaptive_avg_pool2d(mask[:, None].float(), (difference.shape[1], difference.shape[2]))[:, 0]
            total = total + (difference * area).sum() / area.sum().clamp_min(1e-3)
    return total / (len(output) * len(masks))


def gram_l1(output: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
    """Feature style matching: mean absolute difference of the Gram matrices F F^T / (C r r) of feature maps, mean over levels."""
    return torch.stack([F.l1_loss(gram(a), gram(b)) for a, b in zip(output, target, strict=True)]).mean()


def gram(features: Tensor) -> Tensor:
    """(B, C, r, r) -> (B, C, C)."""
    flat = features.float().flatten(2)
    return flat @ flat.transpose(1, 2) / (flat.shape[1] * flat.shape[2])


def generator_loss(fake: Tensor) -> Tensor:
    """Non-saturating: the mean of softplus(-logit) over the logits (B, 1) of images that the decoder made."""
    return F.softplus(-fake).mean()


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Logistic: the mean of softplus(-logit) over real images plus that of softplus(logit) over made ones."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def gradient_penalty(real: Tensor, images: Tensor) -> Tensor:
    """R1: half of the mean squared norm of the logits' gradient by the real images (B, 3, r, r), which must require it."""
    (gradient,) = torch.autograd.grad(real.sum(), images, create_graph=True)
    return 0.5 * gradient.square().sum((1, 2, 3)).mean()


def cut_component(images: Tensor, mask: Tensor, size: int, margin: float = 1.5) -> tuple[Tensor, Tensor]:
    """Squares (n, 3, size, size) around what a mask (B, r, r) marks, `margin` times as large as its longer side, of those n images
    (B, 3, S, S) that have any of it; and which they are, (B,) bool. Differentiable in the images."""
    shown = mask.flatten(1).sum(1) >= 4
    images, mask = images[shown], mask[shown]
    if len(images) == 0:
        return images.new_zeros(0, images.shape[1], size, size), shown
    places = 2 * (torch.arange(mask.shape[-1], device=mask.device) + 0.5) / mask.shape[-1] - 1
    sides, centers = [], []
    for axis in (1, 2):  # columns (x), then rows (y)
        has = mask.amax(axis) > 0.5
        low = torch.where(has, places, torch.inf).amin(1)
        high = torch.where(has, places, -torch.inf).amax(1)
        sides.append(high - low + 2 / mask.shape[-1])
        centers.append((low + high) / 2)
    half = margin * torch.stack(sides).amax(0) / 2
    line = 2 * (torch.arange(size, device=mask.device) + 0.5) / size - 1
    x, y = (center[:, None] + half[:, None] * line for center in centers)
    grid = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]), -1)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False), shown


def split_eyes(mask: Tensor) -> tuple[Tensor, Tensor]:
    """A mask of both eyes (B, r, r) -> those of the eye on the image's left and of the other one, cut at its middle."""
    places = torch.arange(mask.shape[-1], device=mask.device, dtype=torch.float32)
    columns = mask.sum(1)
    middle = (columns * places).sum(1, keepdim=True) / columns.sum(1, keepdim=True).clamp_min(1e-6)
    left = (places < middle)[:, None].to(mask.dtype)
    return mask * left, mask * (1 - left)

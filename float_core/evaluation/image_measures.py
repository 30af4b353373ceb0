"""Measures of images: how close they are to a reference, how sharp, and whether the background stands still."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor


def psnr(images: Tensor, reference: Tensor, span: float = 2.0) -> float:
    """20 log10(span) - 10 log10(mean squared difference) in dB; `span` = 2 for images in [-1, 1]. Equal images give infinity."""
    error = float((images.double() - reference.double()).square().mean())
    return math.inf if error == 0 else 20 * math.log10(span) - 10 * math.log10(error)


def still_share(frames: Tensor, region: Tensor, limit: float = 0.1) -> float:
    """Share of the pixels of `region` (H, W) whose standard deviation in time over frames (T, 3, H, W) in [-1, 1] is below `limit`."""
    moving = torch.std(frames.float(), dim=0, unbiased=False).mean(0)
    inside = region > 0
    return float((moving[inside] < limit).float().mean())


def ssim(frames: np.ndarray, reference: np.ndarray) -> float:
    """Structural similarity (Wang et al. 2004, Gaussian window of 1.5 pixels) of frames (T, H, W, 3) uint8, mean over them; 1 = equal."""
    from skimage.metrics import structural_similarity

    settings = {"channel_axis": 2, "data_range": 255, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(np.mean([structural_similarity(a, b, **settings) for a, b in zip(frames, reference, strict=True)]))


def sharpness(frames: np.ndarray) -> float:
    """Energy of the Laplacian of frames (T, H, W, 3) uint8: mean square of 4 g(x, y) - g(x+1, y) - g(x-1, y) - g(x, y+1) - g(x, y-1) of the
    gray g."""
    gray = frames @ np.array([0.299, 0.587, 0.114], np.float32)
    middle = gray[:, 1:-1, 1:-1]
    edges = 4 * middle - gray[:, 2:, 1:-1] - gray[:, :-2, 1:-1] - gray[:, 1:-1, 2:] - gray[:, 1:-1, :-2]
    return float(np.square(edges, dtype=np.float64).mean())

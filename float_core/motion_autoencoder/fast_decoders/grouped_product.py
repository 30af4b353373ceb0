"""Many small matrix products at once, by the library that is fastest at it on this processor. Knows nothing of what they stand for."""

from __future__ import annotations

import torch
from torch import Tensor

from ...onednn import grouped_product, has_onednn, pack_groups


class GroupedProduct:
    """`GroupedProduct(weights, shape)(x)`: weights (n, O, C), x (h, w, n, C) -> (h, w, n, O), each of the n by its own weights.

    The plain form is `plain`. torch gives batched products to MKL, which on AMD's processors reaches two thirds of what oneDNN does; oneDNN
    does them as a 1x1 convolution in n groups, with weights in an order of its own, made once for maps of `shape` (h, w) (others are right
    too).
    """

    def __init__(self, weights: Tensor, shape: tuple[int, int]) -> None:
        self._groups, self._out, channels = weights.shape
        self._is_packed = has_onednn()
        self._weights = pack_groups(weights.reshape(-1, channels, 1, 1), self._groups, shape) if self._is_packed else weights

    def __call__(self, x: Tensor) -> Tensor:
        """See the class."""
        if not self._is_packed:
            return plain(x, self._weights)
        height, width = x.shape[:2]
        y = grouped_product(x.view(1, height, width, -1).permute(0, 3, 1, 2), self._weights, self._groups)
        return y.permute(0, 2, 3, 1).reshape(height, width, self._groups, self._out)


def plain(x: Tensor, weights: Tensor) -> Tensor:
    """(h, w, n, C), (n, O, C) -> (h, w, n, O)."""
    y = torch.bmm(x.flatten(0, 1).transpose(0, 1), weights.transpose(1, 2))
    return y.transpose(0, 1).unflatten(0, x.shape[:2])

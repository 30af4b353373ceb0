"""oneDNN's products by the operators that torch's own compiler emits for it: the only place that calls what torch does not promise.

Knows matrices, not what they stand for.
"""

from __future__ import annotations

import platform
from functools import cache
from typing import Any

import torch
from torch import Tensor

_X86 = platform.machine().lower() in ("x86_64", "amd64")


@cache
def has_onednn() -> bool:
    """Whether the functions here work: on an x86 processor, with a torch that has the operators as they are called here."""
    if not _X86 or not torch.backends.mkldnn.is_available():
        return False
    try:
        one, bias = torch.ones(1, 1, 1, 1), torch.zeros(1)
        products = grouped_product(one, pack_groups(one, 1, (1, 1)), 1), linear(one[0, 0], one[0, 0], bias, gelu=False)
        return all(bool(product == 1) for product in products)
    except (AttributeError, RuntimeError, TypeError):  # they may go or change
        return False


def linear(x: Tensor, weight: Tensor, bias: Tensor | None, *, gelu: bool) -> Tensor:
    """x (..., in) @ weight (out, in)^T + bias, and gelu_tanh of it if wanted, float32."""
    name, algorithm = ("gelu", "tanh") if gelu else ("none", "")
    return torch.ops.mkldnn._linear_pointwise(x.contiguous(), weight, bias, name, [], algorithm)


def pack_groups(weights: Tensor, groups: int, shape: tuple[int, int]) -> Tensor:
    """Weights of a 1x1 convolution in groups, (groups * O, C, 1, 1), in the order that is best for maps of this shape."""
    sizes = [1, groups * weights.shape[1], *shape]
    reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
    return reorder(weights.to_mkldnn(), [0, 0], [1, 1], [1, 1], groups, sizes)


def grouped_product(x: Tensor, packed: Tensor, groups: int) -> Tensor:
    """That convolution: (1, groups * C, h, w) channels-last -> (1, groups * O, h, w) channels-last."""
    return torch.ops.mkldnn._convolution_pointwise(x, packed, None, [0, 0], [1, 1], [1, 1], groups, "none", [], "")

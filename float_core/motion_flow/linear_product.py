"""The product of a linear layer, by the library that is fastest at it on this processor. Knows nothing of what the layers stand for."""

from __future__ import annotations

import platform

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LEAST_WEIGHTS = 2**18  # below, the call costs more than the product
_X86 = platform.machine().lower() in ("x86_64", "amd64")


def uses_onednn(layer: nn.Linear, x: Tensor) -> bool:
    """Whether oneDNN is taken: float32 on an x86 processor, layers of some size, and a torch that has it."""
    return (
        _X86
        and x.device.type == "cpu"
        and x.dtype == layer.weight.dtype == torch.float32
        and layer.weight.numel() >= _LEAST_WEIGHTS
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def linear_product(layer: nn.Linear, x: Tensor, *, gelu: bool = False) -> Tensor:
    """layer(x), or gelu_tanh(layer(x)): (..., in) -> (..., out), without a gradient. The plain form is the last line.

    torch gives float32 products to MKL, which reaches about two thirds of oneDNN's rate for the one to two hundred rows of a window on
    AMD's processors (tests/benchmarks); oneDNN also does the activation while the product is still in the cache. torch reaches it for
    float32 by this operator alone, the one that its own compiler emits.
    """
    if uses_onednn(layer, x):
        name, algorithm = ("gelu", "tanh") if gelu else ("none", "")
        return torch.ops.mkldnn._linear_pointwise(x.contiguous(), layer.weight, layer.bias, name, [], algorithm)
    return F.gelu(layer(x), approximate="tanh") if gelu else layer(x)

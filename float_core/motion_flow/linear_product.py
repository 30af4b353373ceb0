"""The product of a linear layer, by the library that is fastest at it on this processor. Knows nothing of what the layers stand for."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..onednn import has_onednn, linear

_LEAST_WEIGHTS = 2**18  # below, the call costs more than the product


def uses_onednn(layer: nn.Linear, x: Tensor) -> bool:
    """Whether oneDNN is taken: float32 on an x86 processor, layers of some size, and a torch that has it."""
    return (
        x.device.type == "cpu"
        and x.dtype == layer.weight.dtype == torch.float32
        and layer.weight.numel() >= _LEAST_WEIGHTS
        and has_onednn()
    )


def linear_product(layer: nn.Linear, x: Tensor, *, gelu: bool = False) -> Tensor:
    """layer(x), or gelu_tanh(layer(x)): (..., in) -> (..., out), without a gradient. The plain form is the last line.

    torch gives float32 products to MKL, which reaches about two thirds of oneDNN's rate for the one to two hundred rows of a window on
    AMD's processors (benchmarks); oneDNN also does the activation while the product is still in the cache.
    """
    if uses_onednn(layer, x):
        return linear(x, layer.weight, layer.bias, gelu=gelu)
    return F.gelu(layer(x), approximate="tanh") if gelu else layer(x)

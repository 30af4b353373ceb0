"""Memory that is used over and over: large buffers that are handed back to the system after each use cost as much as the arithmetic.

Knows nothing of what is kept in it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Workspace:
    """`workspace(name, shape)`: a float32 tensor of this shape, not filled, in the memory of the last one of this name. One thread at a
    time, and one user of a name at a time."""

    def __init__(self) -> None:
        self._kept: dict[str, Tensor] = {}

    def __call__(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """See the class."""
        size = math.prod(shape)
        kept = self._kept.get(name)
        if kept is None or len(kept) < size:
            kept = self._kept[name] = torch.empty(size)
        return kept[:size].view(shape)

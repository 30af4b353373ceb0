"""Building networks without memory of their own."""

import torch
from torch import nn

from float_core.checkpoints.build_model import _without_memory


class WithBuffers(nn.Module):
    """Constants that a careless constructor leaves on the meta device."""

    def __init__(self, size):
        super().__init__()
        self.layer = nn.Module()
        self.layer.weight = nn.Parameter(torch.randn(size))
        self.layer.register_buffer("line", torch.linspace(0, 1, size), persistent=False)
        self.register_buffer("kept", torch.ones(size))


def test_constants_are_real_and_parameters_are_not():
    module = _without_memory(WithBuffers, 3)
    assert module.layer.weight.is_meta
    assert torch.equal(module.layer.line, torch.tensor([0.0, 0.5, 1.0]))
    assert torch.equal(module.kept, torch.ones(3))
    assert "line" not in module.layer.state_dict()

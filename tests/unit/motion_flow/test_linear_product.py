"""Products of linear layers, by whatever library: those of the layer."""

from __future__ import annotations

import pytest
import torch

from float_core.motion_flow.linear_product import linear_product, uses_onednn


@pytest.mark.parametrize("gelu", [False, True])
@torch.no_grad()
def test_products_are_those_of_the_layer(gelu):
    layer = torch.nn.Linear(512, 1024)
    for x in (torch.randn(3, 20, 512), torch.randn(40, 1024)[:, ::2]):
        expected = layer(x)
        expected = torch.nn.functional.gelu(expected, approximate="tanh") if gelu else expected
        torch.testing.assert_close(linear_product(layer, x, gelu=gelu), expected, rtol=1e-5, atol=1e-5)


def test_onednn_is_for_float32_and_large_layers():
    large, small = torch.nn.Linear(512, 1024), torch.nn.Linear(256, 256)
    assert not uses_onednn(small, torch.zeros(2, 256))
    assert not uses_onednn(large.bfloat16(), torch.zeros(2, 512, dtype=torch.bfloat16))

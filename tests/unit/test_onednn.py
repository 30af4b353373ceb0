"""oneDNN's private operators: taken where they work, and only there."""

from __future__ import annotations

import pytest
import torch

from float_core import onednn
from float_core.motion_autoencoder.fast_decoders.grouped_product import GroupedProduct
from float_core.motion_flow.linear_product import linear_product


@pytest.mark.parametrize("name", ["linear", "pack_groups", "grouped_product"])
@pytest.mark.parametrize("error", [AttributeError, RuntimeError, TypeError])
def test_without_one_of_them_the_plain_products_are_taken(monkeypatch, name, error):
    def gone(*_args, **_options):
        raise error("no such operator")

    monkeypatch.setattr(onednn, name, gone)
    monkeypatch.setattr("float_core.motion_flow.linear_product.linear", gone)
    onednn.has_onednn.cache_clear()
    try:
        assert not onednn.has_onednn()
        layer, x = torch.nn.Linear(512, 512), torch.ones(2, 512)
        assert torch.equal(linear_product(layer, x), layer(x))
        weights = torch.ones(3, 2, 4)
        assert torch.equal(GroupedProduct(weights, (1, 1))(torch.ones(1, 1, 3, 4)), torch.full((1, 1, 3, 2), 4.0))
    finally:
        onednn.has_onednn.cache_clear()

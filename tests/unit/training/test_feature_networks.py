"""Feature networks: which is found, what a missing one says, and that features measure likeness."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
import torchvision

from float_core.errors import CheckpointError, OptionError
from float_core.training import feature_networks
from float_core.training.feature_networks import SOURCES, find_features
from float_core.training.losses import feature_l1


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of weights, and no package that holds any."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(feature_networks.importlib.util, "find_spec", lambda name: None)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def save(folder, name):
    torch.manual_seed(0)
    torch.save(getattr(torchvision.models, name)(weights=None).state_dict(), folder / SOURCES[name].file)


def test_what_is_at_hand_is_taken(cache):
    assert find_features("auto").name == "landmarks" and find_features("none") is None
    save(cache, "mobilenet_v2")
    assert find_features("auto").name == "mobilenet_v2"
    with pytest.raises(CheckpointError, match="no weights for vgg19"):
        find_features("vgg19")
    with pytest.raises(OptionError, match="resnet"):
        find_features("resnet")
    (cache / SOURCES["vgg19"].file).write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match="vgg19"):
        find_features("vgg19")


@pytest.mark.parametrize("name", ["mobilenet_v2", "vgg19", "landmarks"])
def test_four_levels_with_gradients(cache, name):
    if name in SOURCES:
        save(cache, name)
    network = find_features(name)
    image = F.interpolate(torch.rand(1, 3, 8, 8) * 2 - 1, size=64, mode="bilinear").requires_grad_()
    levels = network(image)
    sides = [level.shape[-1] for level in levels]
    assert len(levels) == 4 and sides == sorted(sides, reverse=True)
    assert all(0 < level.square().mean().item() < 1.01 for level in levels)
    levels[-1].sum().backward()
    assert image.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in network.parameters()) and not network.train().layers[0].training
    with torch.no_grad():
        near, far = (feature_l1(network(image + d), levels) for d in (0.02 * torch.randn(1, 3, 64, 64), torch.randn(1, 3, 64, 64)))
    assert 0 < near < far

"""The whole auto-encoder at a small size: shapes, names, batches, training, low precision."""

from __future__ import annotations

import pytest
import torch

from float_core.config import MINI, AutoencoderConfig
from float_core.errors import OptionError
from float_core.motion_autoencoder.autoencoder import MotionAutoencoder, constant_keys
from float_core.motion_autoencoder.plain_decoder import decode_plain

SMALL = AutoencoderConfig(size=64, latent_size=24, basis_size=6, channels=(32, 32, 24, 16, 8))


@pytest.fixture
def network() -> MotionAutoencoder:
    torch.manual_seed(0)
    return MotionAutoencoder(SMALL)


@pytest.fixture
def moving(network) -> MotionAutoencoder:
    """With flows as large as a trained network's."""
    with torch.no_grad():
        for layer in network.dec.to_flows:
            layer.conv.weight.mul_(10.0)
    return network


def _images(batch: int, size: int = SMALL.size) -> torch.Tensor:
    line = torch.linspace(0, 6, size)
    waves = torch.sin(line[:, None] * torch.arange(1, 4)[:, None, None]) * torch.cos(line + 0.3)
    return torch.stack([waves.roll(3 * i, -1) for i in range(batch)])


def test_shapes(network):
    identity, coefficients, skips = network.encode(_images(2))
    assert identity.shape == (2, 24) and coefficients.shape == (2, 6) and network.basis().shape == (24, 6)
    assert [tuple(skip.shape) for skip in skips] == [(2, 32, 8, 8), (2, 24, 16, 16), (2, 16, 32, 32), (2, 8, 64, 64)]
    image, grids, masks = network.decode(identity, skips, return_flows=True)
    assert image.shape == (2, 3, 64, 64)
    assert [tuple(grid.shape) for grid in grids] == [(2, r, r, 2) for r in (8, 16, 32, 64)]
    assert [tuple(mask.shape) for mask in masks] == [(2, 1, r, r) for r in (8, 16, 32, 64)]


def test_untrained_flows_are_almost_the_identity_and_masks_let_features_through(network):
    identity, _, skips = network.encode(_images(1))
    _, grids, masks = network.decode(identity, skips, return_flows=True)
    for grid, mask in zip(grids, masks, strict=True):
        line = torch.linspace(-1, 1, grid.shape[1])
        assert (grid[..., 0] - line).abs().mean() < 0.1 and (grid[..., 1] - line[:, None]).abs().mean() < 0.1
        assert 0.4 < mask.mean() < 0.8


@torch.no_grad()
def test_one_source_serves_a_batch_of_latents_without_copies(moving):
    identity, _, skips = moving.encode(_images(1))
    latents = identity + torch.randn(3, 24, generator=torch.Generator().manual_seed(1))
    together = moving.decode(latents, skips)
    alone = torch.cat([moving.decode(latent[None], skips) for latent in latents])
    assert torch.allclose(together, alone, atol=1e-4)
    copied = moving.decode(latents, tuple(skip.expand(3, -1, -1, -1).contiguous() for skip in skips))
    assert torch.allclose(together, copied, atol=1e-5)


@pytest.mark.parametrize("image_from", ["warp", "state"])
def test_decoder_is_its_formulas_gradients_included(moving, image_from):
    moving.dec.image_from = image_from
    identity, _, skips = moving.encode(_images(2))
    torch.nn.init.normal_(moving.dec.to_rgbs[1].conv[1].bias)
    fast, plain = moving.decode(identity, skips), decode_plain(moving.dec, identity, skips)
    assert (fast - plain).norm() <= 1e-5 * plain.norm()
    used = [p for name, p in moving.named_parameters() if not ("noise" in name or "to_rgb1" in name or "fc" in name or "direction" in name)]
    direction = torch.randn(fast.shape, generator=torch.Generator().manual_seed(2))
    for a, b in zip(*(torch.autograd.grad(image, used, direction, retain_graph=True) for image in (fast, plain)), strict=True):
        assert (a - b).norm() <= 5e-4 * b.norm()


def test_every_used_parameter_gets_a_gradient(network):
    source, driving = _images(2), _images(2).flip(-1)
    identity, _, skips = network.encode(source)
    _, coefficients, _ = network.encode(driving)
    network.decode(identity + coefficients @ network.basis().T, skips).sub(driving).abs().mean().backward()
    idle = {name for name, p in network.named_parameters() if p.grad is None}
    assert idle == {name for name, _ in network.named_parameters() if "noise" in name or "to_rgb1" in name}
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


def test_gradients_reach_an_expanded_source(moving):
    identity, _, skips = moving.encode(_images(1))
    moving.decode(identity.detach().expand(2, -1), skips).sum().backward()
    assert moving.enc.net_app.convs[0][0].weight.grad.abs().sum() > 0


def test_a_few_steps_of_training_reduce_the_error(network):
    images, losses = _images(2), []
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(12):
        identity, coefficients, skips = network.encode(images)
        loss = (network.decode(identity + coefficients @ network.basis().T, skips) - images).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.half_precision
@pytest.mark.parametrize(("dtype", "decibels"), [(torch.bfloat16, 60.0), (torch.float16, 76.0)])
@torch.no_grad()
def test_low_precision_decodes_almost_the_same_image(moving, dtype, decibels):
    identity, coefficients, skips = moving.encode(_images(2))
    latent = identity + coefficients @ moving.basis().T
    expected, grids, _ = moving.decode(latent, skips, return_flows=True)
    low = moving.to(dtype)
    image, low_grids, low_masks = low.decode(latent, skips, return_flows=True)
    assert image.dtype == low_grids[0].dtype == low_masks[0].dtype == torch.float32
    peak = expected.max() - expected.min()
    assert 10 * torch.log10(peak**2 / (image - expected).square().mean()) >= decibels
    assert (low_grids[-1] - grids[-1]).abs().mean() * SMALL.size / 2 < 0.25  # pixels


@pytest.mark.half_precision
@torch.no_grad()
def test_low_precision_encodes(network):
    identity, coefficients, skips = network.to(torch.bfloat16).encode(_images(1))
    assert identity.dtype == coefficients.dtype == torch.float32
    assert network.decode(identity, skips).dtype == torch.float32


def test_a_network_is_made_of_parameters_only():
    """So that it can be built on the meta device and filled by assignment."""
    with torch.device("meta"):
        network = MotionAutoencoder(SMALL)
    assert not list(network.buffers())
    filled = {name: torch.zeros(p.shape) for name, p in network.named_parameters()}
    network.load_state_dict(filled, strict=True, assign=True)
    network.decode(torch.zeros(1, 24), network.encode(_images(1))[2])


def test_constant_keys_are_kernels_beside_the_parameters(network):
    keys = constant_keys(SMALL)
    assert len(keys) == 4 * 5
    assert not keys & set(network.state_dict())


def test_the_mini_preset_builds():
    parameters = sum(p.numel() for p in MotionAutoencoder(MINI.autoencoder).parameters())
    assert 1e6 < parameters < 4e6


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 3, 32, 32), (1, 4, 64, 64)])
def test_images_of_a_wrong_shape_are_refused(network, shape):
    with pytest.raises(OptionError, match="expected \\(B, 3, 64, 64\\)"):
        network.encode(torch.zeros(shape))


def test_latents_and_skips_that_do_not_fit_are_refused(network):
    identity, _, skips = network.encode(_images(2))
    with pytest.raises(OptionError, match="expected \\(B, 24\\)"):
        network.decode(identity[:, :5], skips)
    with pytest.raises(OptionError, match="coarsest first"):
        network.decode(identity, skips[::-1])
    with pytest.raises(OptionError, match="batch 3"):
        network.decode(identity[:1].expand(3, -1), skips)

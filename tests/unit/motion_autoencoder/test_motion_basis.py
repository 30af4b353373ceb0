"""The basis is orthonormal, spans the weight and can be trained."""

from __future__ import annotations

import torch

from float_core.basis_fingerprint import basis_fingerprint, same_basis
from float_core.motion_autoencoder.motion_basis import MotionBasis


def test_basis_is_orthonormal_and_spans_the_weight():
    layer = MotionBasis(32, 6)
    basis = layer()
    assert basis.shape == (32, 6)
    assert torch.allclose(basis.T @ basis, torch.eye(6), atol=1e-6)
    assert torch.allclose(basis @ (basis.T @ layer.weight), layer.weight, atol=1e-5)


def test_signs_are_those_of_the_decomposition():
    layer = MotionBasis(16, 4)
    expected = torch.linalg.qr(layer.weight + 1e-8).Q
    assert torch.equal(layer(), expected)


def test_basis_is_differentiable_unless_frozen():
    layer = MotionBasis(16, 4)
    layer()[0].square().sum().backward()
    assert layer.weight.grad is not None and layer.weight.grad.abs().sum() > 0
    layer.requires_grad_(False)
    assert not layer().requires_grad


def test_basis_is_float32_whatever_the_weight_is():
    assert MotionBasis(16, 4).to(torch.bfloat16)().dtype == torch.float32


def some_basis(seed: int, latent: int = 64, directions: int = 20) -> torch.Tensor:
    return torch.linalg.qr(torch.randn(latent, directions, generator=torch.Generator().manual_seed(seed)))[0]


def test_a_fingerprint_is_sixteen_products_with_fixed_vectors():
    basis = some_basis(0, 5, 2)
    r = [(12553 * k * (k + 7) + 3) % 65521 * 2 / 65521 - 1 for k in range(1, 6)]  # of the first number, i = 1
    s = [(48611 * k * (k + 7) + 3) % 65521 * 2 / 65521 - 1 for k in range(1, 3)]
    expected = sum(r[d] * float(basis[d, m]) * s[m] for d in range(5) for m in range(2))
    found = basis_fingerprint(basis)
    assert len(found) == 16
    assert abs(found[0] - expected) < 2e-6


def test_a_fingerprint_tells_bases_apart_and_not_rounding():
    basis = some_basis(0)
    mark = basis_fingerprint(basis)
    assert same_basis(mark, basis_fingerprint(basis + 1e-6 * torch.randn(64, 20, generator=torch.Generator().manual_seed(1))))
    turned, swapped = basis.clone(), basis.clone()
    turned[:, 7] *= -1
    swapped[:, [3, 4]] = swapped[:, [4, 3]]
    for other in (some_basis(1), turned, swapped, basis[:, :19], some_basis(0, 64, 12)):
        assert not same_basis(mark, basis_fingerprint(other))
    assert not same_basis(mark, mark[:8])

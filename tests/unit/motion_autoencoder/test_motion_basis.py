"""The basis is orthonormal, spans the weight and can be trained."""

from __future__ import annotations

import torch

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

"""The orthonormal motion basis Q, whose columns are the directions v_m (FLOAT, arXiv 2412.01064, section 3.1):
motion latents are w_{r->S} = sum_m lambda_m v_m = Q lambda (equation 9), and coefficients are lambda = Q^T w_{r->S}."""

from __future__ import annotations

import torch
from torch import Tensor, nn

OFFSET = 1e-8  # part of the formula: released coefficients were learned against Q of weight + 1e-8


class MotionBasis(nn.Module):
    """`weight` (D, M); its Q factor is the basis."""

    def __init__(self, latent_size: int, basis_size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(latent_size, basis_size))

    def forward(self) -> Tensor:
        """(D, M), Q of the reduced QR decomposition of weight + 1e-8, differentiable, on the weight's device.

        Decomposed in float32 on the CPU, with LAPACK's signs as they come: other back ends may choose other signs, and the signs are
        part of what the encoder has learned.
        """
        weight = self.weight.to(device="cpu", dtype=torch.float32)
        basis, _ = torch.linalg.qr(weight + OFFSET)
        return basis.to(self.weight.device)

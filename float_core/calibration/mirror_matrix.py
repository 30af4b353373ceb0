"""The matrix that mirrors coefficients: coefficients of the mirrored face = mirror @ coefficients of the face.

It is its own inverse: a face that is mirrored twice is itself. Knows fields and the rig, no networks.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..synthetic.rig import MIRROR_SIGNS
from .rig_attribution import Attribution
from .rig_fields import RigFields

_PURE = 0.9  # share of the strengths of a direction that must behave alike under the mirror
_RIDGE, _FLOOR = 1e-2, 1e-2
_STEPS = 60  # of Newton's iteration, which converges quadratically


def mirror_matrix(rig: RigFields, measured: Tensor, found: Attribution) -> Tensor:
    """(M, M). It is diagonal, with the signs of the rig, if every direction moves only controls that a mirror keeps or only controls that
    it reverses; for a direction without labels its own field decides. Otherwise the fields of all directions, as sums of the rig's
    fields, give how the directions mix. `measured` (N, M, r, r, 2) is on frontal heads, so that mirrored fields fit mirrored heads."""
    signs = torch.tensor(MIRROR_SIGNS, dtype=torch.float32)
    turned = (found.strengths * (signs < 0)).sum(1)
    labeled = found.strengths.sum(1) > 0
    turned = torch.where(labeled, turned, (_self_mirror(rig, measured) < 0).float())
    if bool(((turned >= _PURE) | (turned <= 1 - _PURE)).all()):
        return torch.diag(torch.where(turned > 0.5, -1.0, 1.0))
    return _involution(_mixing(rig, measured, signs.double())).float()


def _flat(fields: Tensor, weight: Tensor) -> Tensor:
    """(N, C, r, r, 2) -> (P, C) with the square root of the weight, float64."""
    return (fields * weight[:, None, ..., None].sqrt()).permute(0, 2, 3, 4, 1).reshape(-1, fields.shape[1]).double()


def _self_mirror(rig: RigFields, measured: Tensor) -> Tensor:
    """Correlation (M,) of each field with its own mirror image: 1 if a mirror keeps it, -1 if it reverses it."""
    mirrored = measured.flip(3) * measured.new_tensor([-1.0, 1.0])
    weight = (rig.weight + rig.weight.flip(2)) / 2
    one, other = _flat(measured, weight), _flat(mirrored, weight)
    return ((one * other).sum(0) / one.square().sum(0).clamp_min(1e-30)).float()


def _mixing(rig: RigFields, measured: Tensor, signs: Tensor) -> Tensor:
    """The least squares solution R of controls(R c) = signs * controls(c), with each control weighted by how much it moves the image."""
    fields, flat = _flat(rig.fields, rig.weight), _flat(measured, rig.weight)
    size = fields.square().sum(0).sqrt()
    gram = (fields.T @ fields) / size[:, None] / size
    controls = torch.linalg.solve(gram + _RIDGE * torch.eye(len(gram), dtype=gram.dtype), (fields.T @ flat) / size[:, None])  # [C, M]
    own = controls.T @ controls
    floor = _FLOOR * own.diag().mean() * torch.eye(len(own), dtype=own.dtype)
    return torch.linalg.solve(own + floor, controls.T @ (signs[:, None] * controls))


def _involution(matrix: Tensor) -> Tensor:
    """The matrix sign function by Newton's iteration: each eigenvalue becomes the nearer of 1 and -1, so the square is the identity."""
    tilt = 1e-6 * torch.eye(len(matrix), dtype=matrix.dtype)  # an eigenvalue of 0 has no sign: it becomes 1
    matrix = matrix + tilt
    for _ in range(_STEPS):
        matrix = (matrix + torch.linalg.inv(matrix)) / 2
    return matrix

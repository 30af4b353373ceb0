"""How to tell one motion basis from another: edits, calibrations and motion files belong to one basis and mean nothing in another."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_FINGERPRINT_SIZE, _MODULUS = 16, 65521
FINGERPRINT_TOLERANCE = 1e-3  # another LAPACK differs by 1e-5, another basis by about sqrt(M)


def basis_fingerprint(basis: Tensor) -> tuple[float, ...]:
    """16 numbers that identify a basis Q (D, M), even if columns are swapped or signs are changed: r_i^T Q s_i with fixed r_i (D,) and
    s_i (M,) in [-1, 1], rounded to 6 decimals. Compare two with `same_basis`.

    >>> len(basis_fingerprint(torch.eye(6, 4)))
    16
    """
    q = basis.detach().to("cpu", torch.float64)
    rows, columns = (_fixed_vectors(size, factor) for size, factor in ((q.shape[0], 12553), (q.shape[1], 48611)))
    return tuple(round(float(value), 6) for value in ((rows @ q) * columns).sum(1))


def same_basis(first: Sequence[float], second: Sequence[float]) -> bool:
    """Whether two fingerprints are of the same basis: all numbers are within 1e-3.

    >>> same_basis(basis_fingerprint(torch.eye(6, 4)), basis_fingerprint(-torch.eye(6, 4)))
    False
    """
    return len(first) == len(second) and all(abs(a - b) <= FINGERPRINT_TOLERANCE for a, b in zip(first, second, strict=True))


def _fixed_vectors(size: int, factor: int) -> Tensor:
    """(16, size) in [-1, 1]: quadratic residues, which do not depend on the version of a random generator."""
    i, k = torch.arange(1, _FINGERPRINT_SIZE + 1)[:, None], torch.arange(1, size + 1)[None]
    return ((factor * k * (k + 7 * i) + 3 * i * i) % _MODULUS).double() * (2.0 / _MODULUS) - 1.0

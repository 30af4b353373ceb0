"""The Frechet distance of two sets of features, each taken for a Gaussian (Dowson and Landau 1982): what FID, FVD, E-FID and P-FID are."""

from __future__ import annotations

import numpy as np


def frechet_distance(made: np.ndarray, true: np.ndarray) -> float:
    """|m - n|^2 + tr(A + B - 2 (A B)^1/2) of features (n, K) with means m, n and covariances A, B. Fewer features than K give covariances
    that are not whole: such a distance is too small, and only to be compared with one of as many features. nan for fewer than two."""
    if min(len(made), len(true)) < 2:
        return float("nan")
    first, second = (np.asarray(features, np.float64) for features in (made, true))
    a, b = (np.atleast_2d(np.cov(features, rowvar=False)) for features in (first, second))
    return gaussian_distance(first.mean(0), a, second.mean(0), b)


def gaussian_distance(mean: np.ndarray, covariance: np.ndarray, other_mean: np.ndarray, other_covariance: np.ndarray) -> float:
    """The same of two Gaussians. tr (A B)^1/2 = tr (A^1/2 B A^1/2)^1/2, whose matrix is symmetric: real square roots of eigenvalues."""
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ other_covariance @ root), 0)).sum()
    apart = np.square(mean - other_mean).sum()
    return float(max(0.0, apart + np.trace(covariance) + np.trace(other_covariance) - 2 * shared))

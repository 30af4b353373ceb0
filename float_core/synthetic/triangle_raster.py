"""Triangles to pixels: which triangle each pixel of an image shows, painted in the order given. By numpy alone, no loop over triangles."""

from __future__ import annotations

import numpy as np

_SLACK = 1e-4  # pixels: neighbors overlap by this much, so that no pixel between them stays empty


def paint_triangles(corners: np.ndarray, size: int) -> np.ndarray:
    """(size, size) int32: the row of `corners` (T, 3, 2) that covers a pixel's center, -1 where none does; later ones cover earlier ones.

    Coordinates are pixels, x first, 0 = the image's left or upper edge. Complexity: the rows and pixels covered, not the image.
    """
    x, y = corners[..., 0], corners[..., 1]
    first = np.clip(np.ceil(y.min(1) - 0.5), 0, size).astype(np.int64)
    last = np.clip(np.floor(y.max(1) - 0.5) + 1, 0, size).astype(np.int64)  # one past
    triangle, row = _ragged(first, np.maximum(last - first, 0))
    left, right = _span(x[triangle], y[triangle], row + 0.5)
    start = np.clip(np.ceil(left - 0.5 - _SLACK), 0, size).astype(np.int64)
    stop = np.clip(np.floor(right - 0.5 + _SLACK) + 1, 0, size).astype(np.int64)
    which, column = _ragged(start, np.maximum(stop - start, 0))
    painted = np.full(size * size, -1, np.int32)
    painted[row[which] * size + column] = triangle[which]  # where places repeat, numpy keeps the last
    return painted.reshape(size, size)


def _ragged(first: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each i the numbers first[i] ... first[i] + count[i] - 1: (i of each, the numbers)."""
    which = np.repeat(np.arange(len(first)), count)
    offset = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    return which, first[which] + offset


def _span(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the line at height `at` (n,) enters and leaves triangles with corners x, y (n, 3)."""
    left, right = np.full(len(at), np.inf), np.full(len(at), -np.inf)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        ya, yb = y[:, a], y[:, b]
        crosses = (np.minimum(ya, yb) <= at) & (at <= np.maximum(ya, yb))
        share = (at - ya) / np.where(yb == ya, 1, yb - ya)
        here = x[:, a] + share * (x[:, b] - x[:, a])
        left = np.where(crosses, np.minimum(left, here), left)
        right = np.where(crosses, np.maximum(right, here), right)
    return left, right


def affine_of_triangles(corners: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(T, C, 3): value = a x + b y + c inside each triangle, for `corners` (T, 3, 2) and the `values` (T, 3, C) at them."""
    p, q = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]
    area = np.where(np.abs(area) < 1e-9, 1e-9, area)[:, None]
    dp, dq = values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]
    a = (dp * q[:, 1:] - dq * p[:, 1:]) / area
    b = (dq * p[:, :1] - dp * q[:, :1]) / area
    return np.stack((a, b, values[:, 0] - a * corners[:, 0, :1] - b * corners[:, 0, 1:]), -1)


def opening_triangles(upper: tuple[int, ...], lower: tuple[int, ...]) -> np.ndarray:
    """(T, 3): triangles over the opening between two edges of as many points each, which share their ends."""
    quads = [(upper[k], upper[k + 1], lower[k], lower[k + 1]) for k in range(len(upper) - 1)]
    return np.array([t for a, b, c, d in quads for t in ((a, b, c), (b, d, c))])

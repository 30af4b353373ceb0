"""A patch: what is painted over a part of a photograph, in the pixels of the photograph. It can be read at any place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Patch:
    """`values` (h, w, C) float32; its upper left value lies on pixel `corner` (x, y) of a photograph of `size` pixels."""

    values: np.ndarray
    corner: tuple[int, int]
    size: int

    @classmethod
    def around(cls, values: np.ndarray, margin: int = 2) -> Patch:
        """The part of an image of values (S, S, C) where the last channel is not 0."""
        rows, columns = (np.flatnonzero(values[..., -1].any(axis)) for axis in (1, 0))
        if not len(rows):
            return cls(values[:2, :2], (0, 0), len(values))
        top, left = max(0, rows[0] - margin), max(0, columns[0] - margin)
        cut = values[top : rows[-1] + margin + 1, left : columns[-1] + margin + 1]
        return cls(np.ascontiguousarray(cut), (int(left), int(top)), len(values))

    def at(self, places: np.ndarray) -> np.ndarray:
        """Bilinear values (k, C) at places (k, 2) of the photograph, in [-1, 1]; outside of the patch the values of its border continue."""
        h, w = self.values.shape[:2]
        pixel = ((places + 1) / 2 * self.size - 0.5 - np.array(self.corner)).astype(np.float32)
        base = np.clip(np.floor(pixel).astype(np.int64), 0, [w - 2, h - 2])
        share = np.clip(pixel - base.astype(np.float32), 0, 1)
        first = base[:, 1] * w + base[:, 0]
        flat = self.values.reshape(h * w, -1)
        above = flat[first] + share[:, :1] * (flat[first + 1] - flat[first])
        below = flat[first + w] + share[:, :1] * (flat[first + w + 1] - flat[first + w])
        return above + share[:, 1:] * (below - above)

"""The inside of a photographed eye, between its lids, and the skin of the upper lid, which unfolds when the eye closes.

The inside stays with the eyeball while the lids move over it, and the iris turns. The map from the photograph to the frame consists of
straight pieces, so that it has an exact inverse: the iris moves as a whole disc, and what is beside it stretches or shrinks up to the
corners and the lids.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from .photo_patch import Patch
from .portraits import EyeLayout
from .triangle_raster import affine_of_triangles, paint_triangles

_MOST = 0.55  # an iris goes no further than this share of the white beside it


@dataclass(frozen=True, eq=False)
class EyeFrame:
    """The coordinates of one eye in an image: x from -1 (left corner) to 1 (right corner), y across, in the same unit, as if the eye were
    seen from the front. `matrix` (2, 2) and `origin` (2,): image = matrix @ own + origin."""

    matrix: np.ndarray
    origin: np.ndarray

    @classmethod
    def of(cls, left: np.ndarray, right: np.ndarray, half: float) -> EyeFrame:
        """From the corners (2,) in the image and the eye's half width as seen from ahead."""
        axis = (right - left) / 2
        across = np.array([-axis[1], axis[0]]) / np.linalg.norm(axis) * half
        return cls(np.stack((axis, across), 1), (left + right) / 2)

    def own(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) from the image."""
        return (points - self.origin) @ np.linalg.inv(self.matrix).T

    def image(self, own: np.ndarray) -> np.ndarray:
        """The inverse of `own`."""
        return own @ self.matrix.T + self.origin


@dataclass(frozen=True, eq=False)
class EyeTurn:
    """How the inside of one eye moves, in the eye's own coordinates: the iris (at `iris`, with radius `radius`) moves by `turn` (2,), and
    everything is stretched by `widen` >= 1 from the lower lid. `lids`: heights of the upper and the lower lid in the photograph, at the
    middle of the eye."""

    iris: np.ndarray
    radius: float
    lids: tuple[float, float]
    turn: np.ndarray
    widen: float

    def to_frame(self, own: np.ndarray) -> np.ndarray:
        """From the photograph's own coordinates (..., 2) to the frame's."""
        x, y = own[..., 0], own[..., 1]
        across = self._across()
        before, after = self._knots(x)
        y = _straight_pieces(y, before, after)
        return np.stack((np.interp(x, *across), self.lids[1] + (y - self.lids[1]) * self.widen), -1)

    def to_photo(self, own: np.ndarray) -> np.ndarray:
        """The inverse of `to_frame`."""
        before, after = self._across()
        x = np.interp(own[..., 0], after, before)
        y = self.lids[1] + (own[..., 1] - self.lids[1]) / self.widen
        before, after = self._knots(x)
        return np.stack((x, _straight_pieces(y, after, before)), -1)

    def _across(self) -> tuple[np.ndarray, np.ndarray]:
        """Places along the eye, in the photograph and in the frame."""
        left, right = max(-0.95, self.iris[0] - self.radius), min(0.95, self.iris[0] + self.radius)
        turn = float(np.clip(self.turn[0], -_MOST * (1 + left), _MOST * (1 - right)))
        before = np.array([-2.0, -1.0, left, right, 1.0, 2.0])
        return before, before + np.array([0, 0, turn, turn, 0, 0])

    def _knots(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Heights (..., 4) above x, in the photograph and in the frame: the upper lid, the middle part of the iris, the lower lid."""
        arch = np.clip(1 - x * x, 0.05, 1)
        top, low = self.lids[0] * arch, self.lids[1] * arch
        room = 0.15 * (low - top)
        first = np.clip(self.iris[1] - 0.4 * self.radius, top + room, low - 2 * room)
        last = np.clip(self.iris[1] + 0.4 * self.radius, first + room / 2, low - room)
        edge = np.interp(x, self._across()[0], [0, 0, 1, 1, 0, 0])
        turn = np.clip(self.turn[1] * edge, -0.8 * (first - top), 0.8 * (low - last))
        before = np.stack((top, first, last, low), -1)
        return before, before + np.stack((0 * turn, turn, turn, 0 * turn), -1)


def _straight_pieces(values: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Values (...), mapped so that `before` (..., 4) becomes `after` (..., 4): linear between these points, shifted outside of them."""
    result = np.where(values < before[..., 0], values + after[..., 0] - before[..., 0], values + after[..., -1] - before[..., -1])
    for k in range(before.shape[-1] - 1):
        share = (values - before[..., k]) / (before[..., k + 1] - before[..., k])
        here = (share >= 0) & (share <= 1)
        result = np.where(here, after[..., k] + share * (after[..., k + 1] - after[..., k]), result)
    return result


def paint_lids(image: np.ndarray, points: np.ndarray, eyes: tuple[EyeLayout, EyeLayout], triangles: np.ndarray) -> Patch:
    """The skin between lid and fold when the eyes close, and how much it covers: skin of the color above the fold, with a line of lashes at
    the edge. `image` (S, S, 3) in [0, 1], `points` (N, 2) in pixels."""
    size = len(image)
    layer = np.zeros((size, size, 4), np.float32)
    smooth = F.avg_pool2d(torch.from_numpy(image).permute(2, 0, 1)[None], 5, 1, 2)[0].permute(1, 2, 0).numpy()
    for eye in eyes:
        own = triangles[strip_triangles(triangles, eye)]
        place = {point: (k, 0.0) for k, point in enumerate(eye.fold)} | {point: (k, 1.0) for k, point in enumerate(eye.upper)}
        values = np.array([[place[i] for i in triangle] for triangle in own])
        painted = paint_triangles(points[own], size)
        rows, columns = np.nonzero(painted >= 0)
        maps = affine_of_triangles(points[own], values)[painted[rows, columns]]
        along, down = (maps[..., 0] * (columns + 0.5)[:, None] + maps[..., 1] * (rows + 0.5)[:, None] + maps[..., 2]).T
        fold, edge, lower = (points[list(row)] for row in (eye.fold, eye.upper, eye.lower))
        skin = _lid_skin(smooth, fold + 0.35 * (fold - edge), lower + (edge - fold))
        lashes = np.minimum(_at(smooth, edge), 0.8 * skin)
        lashes[:] = np.median(lashes[1:-1], 0)
        steps = np.arange(len(fold))
        colors = [np.stack([np.interp(along, steps, c[:, k]) for k in range(3)], -1) for c in (skin, lashes)]
        line = np.clip((down - 0.78) / 0.17, 0, 1)[:, None]
        round_light = 1.03 - 0.12 * (2 * down[:, None] - 0.9) ** 2
        layer[rows, columns, :3] = colors[0] * round_light * (1 - line) + colors[1] * line
        layer[rows, columns, 3] = np.clip(down / 0.4, 0, 1)
    return Patch.around(layer)


def _lid_skin(image: np.ndarray, above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """(k, 3): the color of an upper lid, from the skin above its fold and below the eye, since either may be in shadow or under hair."""
    upper, lower = _at(image, above), _at(image, below)
    skin = 0.4 * upper + 0.6 * np.maximum(lower, upper)
    usual = np.median(skin[1:-1], 0)
    return usual + np.clip(skin - usual, -0.1, 0.1)


def strip_triangles(triangles: np.ndarray, eye: EyeLayout) -> np.ndarray:
    """Which triangles (T,) lie between an upper lid's edge and its fold."""
    return np.asarray(np.isin(triangles, [*eye.upper, *eye.fold]).all(1))


def _at(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    place = np.clip(points.astype(int), 0, len(image) - 1)
    return image[place[:, 1], place[:, 0]].astype(np.float64)

"""What is around the face of a photograph when the head moves: hair and ears turn with it, the neck follows less and less, shoulders and
background do not move. Where the person hides the background, it is filled in.

Rings of points go from the outline of the face to the border of the image. The innermost ring is the outline itself, so that there is
never a gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..easing import smooth
from .photo_controls import HeadPose
from .portraits import MeshLayout, Portrait

_RINGS = 16
_SKULL_FALL = 0.5  # head units beyond the outline within which the skull's depth falls off to the ears' and a little behind
_BEHIND = 0.05
_NECK = 1.15  # head units below the jaw where nothing follows any more
_AIR = 0.8  # head units beyond the hair's edge within which motion ends; the background there is a layer of its own
_SKIN = 0.42  # head units beyond the outline that skin stretches


@dataclass(frozen=True, eq=False)
class Surroundings:
    """`inner` (R, 2): two mesh points for each ray, which starts in the middle between them; `points` (R, K, 3) in the photograph, with z;
    `follow` (R, K): how much of the head's motion a point takes; `stretch` (R, K): how much of the outline's expression. The last ring is
    outside of the image."""

    inner: np.ndarray
    points: np.ndarray
    follow: np.ndarray
    stretch: np.ndarray

    @classmethod
    def of(cls, portrait: Portrait, layout: MeshLayout, pose: HeadPose) -> Surroundings:
        """The rings of one portrait."""
        oval = np.array(layout.oval)
        inner = np.stack([np.stack((oval, oval), 1), np.stack((oval, np.roll(oval, -1)), 1)], 1).reshape(-1, 2)
        start = portrait.points[inner].mean(1)
        center = portrait.points[oval, :2].mean(0)
        direction = start[:, :2] - center
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        border = np.min((np.sign(direction) - start[:, :2]) / np.where(direction == 0, 1e-9, direction), axis=1)
        border = np.maximum(border, 1e-3)[:, None]
        share = (np.arange(_RINGS + 1) / _RINGS) ** 1.25
        along = np.concatenate([border * share, np.full((len(start), 1), 3.0)], 1)
        flat = start[:, None, :2] + along[..., None] * direction[:, None]
        distance = along / pose.unit
        near = np.exp(-((distance / _SKULL_FALL) ** 2))
        behind = pose.place[2] - _BEHIND * pose.unit
        z = behind + (start[:, None, 2] - behind) * near
        down = np.maximum(direction @ pose.rotation[:2, 1], 0)[:, None]
        follow = _follow(portrait.person, flat, distance, down)
        follow *= 1 - np.minimum(2 * down, 1) * _smooth((along / border - 0.7) / 0.3)  # shoulders stand, hair goes on beyond the border
        follow += (1 - follow) * np.exp(-((distance / 0.1) ** 2))
        stretch = np.exp(-((distance / _SKIN) ** 2)) * (1 - _smooth((along / border - 0.5) / 0.5))
        follow[:, 0], stretch[:, 0], follow[:, -1] = 1, 1, 0
        return cls(inner, np.concatenate([flat, z[..., None]], -1), follow, stretch)

    def triangles(self, first: int) -> np.ndarray:
        """(T, 3): triangles between the rings, the outermost first; point k of ray r has the number first + r * K + k."""
        rays, rings = self.follow.shape
        ring, ray = (grid.ravel() for grid in np.meshgrid(np.arange(rings - 1)[::-1], np.arange(rays), indexing="ij"))
        a, b = first + ray * rings + ring, first + (ray + 1) % rays * rings + ring
        return np.stack([np.stack((a, a + 1, b), 1), np.stack((a + 1, b + 1, b), 1)], 1).reshape(-1, 3)

    def moved(self, rest: HeadPose, pose: HeadPose, moves: np.ndarray) -> np.ndarray:
        """(R, K, 2): the points when the head goes from `rest` to `pose` and the points of the mesh move by `moves` (N, 3) in the head
        frame."""
        rigid = pose.to_image(rest.to_head(self.points)) - self.points
        skin = moves[self.inner].mean(1) @ pose.rotation.T * pose.unit
        return (self.points + self.follow[..., None] * rigid + self.stretch[..., None] * skin[:, None])[..., :2]


def _follow(person: np.ndarray, flat: np.ndarray, distance: np.ndarray, down: np.ndarray) -> np.ndarray:
    """How much of the head's motion each point takes (R, K): all of it on hair, less further out and down the neck."""
    size = len(person)
    row, column = (np.clip(((flat[..., i] + 1) / 2 * size).astype(int), 0, size - 1) for i in (1, 0))
    inside = np.minimum.accumulate(person[row, column], axis=1) > 0.5
    reach = np.where(inside, distance, 0)[:, :-1].max(1)
    wide = np.concatenate([reach[-4:], reach, reach[:4]])
    reach = np.lib.stride_tricks.sliding_window_view(wide, 9).mean(1)  # neighbors alike: hair moves as one
    beyond = 1 - _smooth((distance - reach[:, None] - 0.1) / _AIR)
    return beyond * (1 - _smooth(distance * down / _NECK))


def _smooth(x: np.ndarray) -> np.ndarray:
    return smooth(np.clip(x, 0, 1))


def person_cover(person: np.ndarray, size: int) -> Tensor:
    """(S, S): 1 on the person and slightly beyond, so that the edge of the hair moves too; 0 on the background; soft between them."""
    mask = F.interpolate(torch.from_numpy(person)[None, None].float(), size=(size, size), mode="bilinear", align_corners=False)
    reach = max(1, size // 85)
    grown = F.max_pool2d((mask > 0.25).float(), 2 * reach + 1, 1, reach)
    soft = max(1, size // 170)
    return F.avg_pool2d(grown, 2 * soft + 1, 1, soft, count_include_pad=False)[0, 0]


def fill_background(image: Tensor, cover: Tensor) -> Tensor:
    """The image (1, 3, S, S) without its person: what `cover` (S, S) hides is filled from around it, from coarse to fine."""
    known = (cover == 0).float()[None, None]
    return known * image + (1 - known) * _pull_push(image * known, known)


def _pull_push(color: Tensor, weight: Tensor) -> Tensor:
    """Colors (1, 3, S, S), already weighted, averaged where they are known and carried to where they are not."""
    if color.shape[-1] <= 2:
        return color.sum((2, 3), keepdim=True).expand_as(color) / weight.sum().clamp_min(1e-6)
    smaller = [F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False) for x in (color, weight)]
    coarse = _pull_push(*smaller)
    coarse = F.interpolate(coarse, size=color.shape[-2:], mode="bilinear", align_corners=False)
    here = weight.clamp(max=1)
    return color + (1 - here) * coarse

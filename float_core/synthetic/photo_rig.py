"""A photograph that moves: a prepared portrait, drawn at any controls of the rig, with the exact flow back to the photograph and between
any two of its frames.

Each pixel knows which layer it shows (background, hair and neck, skin, the inside of an eye or of the mouth) and which place of the
photograph. That is the flow, and the photograph is resampled through it once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import rig as rigs
from .eye_inside import EyeFrame, EyeTurn, strip_triangles
from .eyewear import Eyewear
from .mouth_inside import InsideSamples
from .photo_controls import GAZE_X, GAZE_Y, HeadPose, iris_place
from .photo_mesh import PhotoMesh
from .photo_paint import PhotoPaint, reach_out
from .photo_surroundings import Surroundings
from .portraits import MeshLayout, Portrait
from .triangle_raster import affine_of_triangles, opening_triangles, paint_triangles

BACKGROUND, AROUND, SKIN, LEFT_EYE, RIGHT_EYE, UPPER_MOUTH, LOWER_MOUTH = range(7)
_FINE = 2  # frames are drawn this many times larger and averaged: smooth edges
_SAME = 0.012  # half image widths: what a flow finds this near to where it should be, is seen there
_HAIR_END = 0.05  # half image widths
_BROWS = ("brow_inner", "brow_outer")
_LIDS_FROM, _LIDS_OVER = 0.15, 0.45  # closure at which the lids' own skin begins to show, and over how much more it comes


@dataclass(frozen=True, eq=False)
class PhotoFrame:
    """`image` (3, S, S) in [-1, 1]; `controls` (20,); `flow` (S, S, 2): places in the photograph, in [-1, 1], `shown` (S, S): 1 where the
    photograph has them; `masks` (4, S, S) in [0, 1]: mouth, eyes, face, hair."""

    image: Tensor
    controls: np.ndarray
    flow: Tensor
    shown: Tensor
    masks: Tensor


@dataclass(frozen=True, eq=False)
class Moved:
    """A portrait's geometry at `controls` (20,): `corners` (T, 3, 2) of all triangles in the frame, in [-1, 1], and their `order`, back to
    front; `mouth`: (3, 3) maps of the mouth's layers from the frame to the photograph; `eyes`: where they are and how they turn."""

    controls: np.ndarray
    pose: HeadPose
    corners: np.ndarray
    order: np.ndarray
    mouth: tuple[np.ndarray, np.ndarray]
    eyes: tuple[tuple[EyeFrame, EyeTurn], ...]


@dataclass(frozen=True, eq=False)
class Look:
    """What the pixels of a frame show: `layer` (n, n), `triangle` (n, n) and `place` (n, n, 2) in the photograph, in [-1, 1]; `cover`
    (n, n): 1 where the person hides the background, which does not move; `inside`: the mouth's pixels `where` (flat numbers)."""

    moved: Moved
    layer: np.ndarray
    triangle: np.ndarray
    place: np.ndarray
    cover: np.ndarray
    where: np.ndarray
    inside: InsideSamples


class PhotoRig:
    """One portrait, ready to be drawn; `rest` (20,) are the controls that its photograph shows.

    >>> layout, names = open_portraits(folder)
    >>> rig = PhotoRig(load_portrait(folder, names[0]), layout)
    >>> controls = rig.rest.copy()
    >>> controls[index("jaw_open")] = 0.8
    >>> frame = rig.draw(controls, 256)
    """

    def __init__(self, portrait: Portrait, layout: MeshLayout) -> None:
        self.mesh = PhotoMesh.of(portrait.points, layout)
        self.rest = self.mesh.rest
        self._points = portrait.points
        self._eyewear = Eyewear.of(portrait.image, portrait.points, self.mesh.pose, layout)
        self._around = Surroundings.of(portrait, layout, self.mesh.pose)
        self._paint = PhotoPaint.of(portrait, self.mesh)
        self._triangles, self._layers = self._topology(layout)
        self._strips = [strip_triangles(self._triangles, eye) & (self._layers == SKIN) for eye in layout.eyes]
        self._photo_corners = np.concatenate([portrait.points[:, :2], self._around.points[..., :2].reshape(-1, 2)])[self._triangles]
        self._fronts = _signed_area(self._photo_corners) > 0
        self._photo_eyes = self._eye_frames(portrait.points, self.mesh.pose.unit)
        self.still = self.look(self.move(self.rest), len(portrait.image))

    def draw(self, controls: np.ndarray, size: int) -> PhotoFrame:
        """The portrait at controls (20,) in natural units, at `size` pixels."""
        moved = self.move(controls)
        coarse = self.look(moved, size)
        flow, shown = self.flow(coarse, self.still)
        return PhotoFrame(self.image(self.look(moved, _FINE * size), size), moved.controls, flow, shown, self.masks(coarse))

    def move(self, controls: np.ndarray) -> Moved:
        """The geometry at controls (20,). Under glasses the brows do not move, as they would bend the glasses: `controls` of the result say
        so."""
        controls = np.array(controls, np.float32)
        for name in _BROWS if self._eyewear.glasses else ():
            controls[rigs.index(name)] = self.rest[rigs.index(name)]
        pose, head = self.mesh.pose_of(controls), self.mesh.in_head(controls)
        points = pose.to_image(head)
        around = self._around.moved(self.mesh.pose, pose, head - self.mesh.head)
        corners = np.concatenate([points[:, :2], around.reshape(-1, 2)])[self._triangles]
        jaw = self.mesh.jaw_angle(controls), self.mesh.jaw_side(controls)
        eyes = zip(self._eye_frames(points, pose.unit), self._eye_turns(controls), strict=True)
        maps = self._paint.inside.maps(self.mesh.pose, pose, *jaw)
        return Moved(controls, pose, corners, self._order(points, corners), maps, tuple(eyes))

    def look(self, moved: Moved, size: int) -> Look:
        """What the pixels of a frame of `size` show."""
        corners = ((moved.corners + 1) * (size / 2)).astype(np.float32)
        triangle = moved.order[np.maximum(paint_triangles(corners[moved.order], size), 0)]
        place = _apply(affine_of_triangles(corners, self._photo_corners).astype(np.float32), triangle, _centers(size))
        layer = self._layers[triangle]
        cover = self._cover(layer, place)
        layer[cover < 0.5] = BACKGROUND
        for number, here, (frame, turn) in zip((LEFT_EYE, RIGHT_EYE), self._photo_eyes, moved.eyes, strict=True):
            where = np.flatnonzero(layer == number)
            place.reshape(-1, 2)[where] = here.image(turn.to_photo(frame.own(_pixels(where, size))))
        where = np.flatnonzero(layer == UPPER_MOUTH)
        inside = InsideSamples.of(self._paint.inside, moved.mouth, _pixels(where, size))
        layer.ravel()[where] = np.where(inside.hangs, UPPER_MOUTH, LOWER_MOUTH)
        place.reshape(-1, 2)[where] = np.where(inside.hangs[:, None], inside.places[:, 0], inside.places[:, 1])
        return Look(moved, layer, triangle, place, cover, where, inside)

    def image(self, look: Look, size: int) -> Tensor:
        """The image (3, S, S) in [-1, 1] of a look of that size or a multiple of it."""
        image = self._paint.person(look.place, look.cover)
        flat = image.view(-1, 3)
        self._close_lids(look, flat)
        if len(look.where):
            lips = reach_out(look.moved.controls, self.rest)
            color = self._paint.mouth(look.inside, look.where, len(look.layer), look.moved.pose.unit, lips)
            flat[torch.from_numpy(look.where)] = color
        finer = len(image) // size
        image = image.view(size, finer, size, finer, 3).mean((1, 3))
        return (image.permute(2, 0, 1) * 2 - 1).clamp(-1, 1)

    def masks(self, look: Look) -> Tensor:
        """(4, n, n) in [0, 1]: mouth, eyes, face, hair."""
        seen = F.grid_sample(self._paint.masks, torch.from_numpy(look.place)[None], align_corners=False)[0]
        return seen * torch.from_numpy(look.layer != BACKGROUND)

    def flow(self, target: Look, source: Look) -> tuple[Tensor, Tensor]:
        """Exact backward flow (n, n, 2) from a target's pixels to a source frame, in [-1, 1], and where the source shows them (n, n)."""
        place = self._in_frame(target, source.moved)
        size = len(source.layer)
        at = np.clip(np.floor((place + 1) / 2 * size).astype(np.int64), 0, size - 1)
        same = (source.layer[at[..., 1], at[..., 0]] == target.layer) & (np.abs(place).max(-1) < 1)
        error = np.abs(source.place[at[..., 1], at[..., 0]] - target.place).max(-1)
        shown = same & ((error < _SAME + 2 / size) | (target.layer == BACKGROUND))
        return torch.from_numpy(place), torch.from_numpy(shown).float()

    def _topology(self, layout: MeshLayout) -> tuple[np.ndarray, np.ndarray]:
        """All triangles (T, 3), and the layer of each."""
        parts = {
            AROUND: self._around.triangles(len(self._points)),
            UPPER_MOUTH: opening_triangles(layout.lip_inner_upper, layout.lip_inner_lower),
            LEFT_EYE: opening_triangles(layout.left_eye.upper, layout.left_eye.lower),
            RIGHT_EYE: opening_triangles(layout.right_eye.upper, layout.right_eye.lower),
            SKIN: np.array(layout.triangles),
        }
        return np.concatenate(list(parts.values())), np.repeat(np.array(list(parts), np.int8), [len(part) for part in parts.values()])

    def _order(self, points: np.ndarray, corners: np.ndarray) -> np.ndarray:
        """Back to front: the surroundings, the openings, then the skin from far to near, upper lids over lower ones. Skin that faces away
        is left out."""
        skin = np.flatnonzero((self._layers == SKIN) & ((_signed_area(corners) > 0) == self._fronts))
        depth = points[self._triangles[skin], 2].mean(1) + 0.08 * self.mesh.pose.unit * (self._strips[0] | self._strips[1])[skin]
        return np.concatenate([np.flatnonzero(self._layers != SKIN), skin[np.argsort(depth, kind="stable")]])

    def _eye_frames(self, points: np.ndarray, unit: float) -> list[EyeFrame]:
        ends = [(eye.upper[0], eye.upper[-1]) for eye in self.mesh.layout.eyes]
        return [EyeFrame.of(points[a, :2], points[b, :2], self._half_width(a, b) * unit) for a, b in ends]

    def _half_width(self, left: int, right: int) -> float:
        return float(np.linalg.norm(self.mesh.head[right] - self.mesh.head[left])) / 2

    def _eye_turns(self, controls: np.ndarray) -> list[EyeTurn]:
        delta = controls - self.rest
        turn = np.array([GAZE_X * delta[rigs.index("gaze_x")], GAZE_Y * delta[rigs.index("gaze_y")]])
        turns = []
        for eye, frame, shut in zip(self.mesh.layout.eyes, self._photo_eyes, self.mesh.shut(controls), strict=True):
            rim = self.mesh.head[list(eye.iris[1:]), :2] - self.mesh.head[eye.iris[0], :2]
            radius = float(np.linalg.norm(rim, axis=1).mean()) / self._half_width(eye.upper[0], eye.upper[-1])
            middle = len(eye.upper) // 2
            top, low = frame.own(self._points[[eye.upper[middle], eye.lower[middle]], :2])[:, 1]
            turns.append(EyeTurn(iris_place(self.mesh.head, eye), radius, (float(top), float(low)), turn, max(1.0, 1 - shut)))
        return turns

    def _cover(self, layer: np.ndarray, place: np.ndarray) -> np.ndarray:
        size = len(self._paint.cover)
        at = np.clip(((place + 1) * (size / 2)).astype(np.int32), 0, size - 1)
        beyond = np.maximum(np.abs(place[..., 0]), -place[..., 1]) - 1  # hair that the border cuts ends a little outside of it
        cover = self._paint.cover[at[..., 1], at[..., 0]] * np.clip(1.4 - beyond / _HAIR_END, 0, 1)
        return np.where(layer == AROUND, cover, np.float32(1))

    def _close_lids(self, look: Look, flat: Tensor) -> None:
        """Puts the skin of closed lids over the stretched inside of the open eyes."""
        for strip, shut in zip(self._strips, self.mesh.shut(look.moved.controls), strict=True):
            share = float(np.clip((shut - _LIDS_FROM) / _LIDS_OVER, 0, 1))
            where = np.flatnonzero(strip[look.triangle]) if share else ()
            if len(where):
                lid = torch.from_numpy(self._paint.lids.at(look.place.reshape(-1, 2)[where]))
                index = torch.from_numpy(where)
                flat[index] = torch.lerp(flat[index], lid[:, :3], share * lid[:, 3:])

    def _in_frame(self, target: Look, source: Moved) -> np.ndarray:
        """Where in a source frame those places of the photograph are that the pixels of a target show, (n, n, 2)."""
        maps = affine_of_triangles(self._photo_corners, source.corners).astype(np.float32)
        place = _apply(maps, target.triangle, (target.place[..., 0], target.place[..., 1]))
        flat, layer, photo = place.reshape(-1, 2), target.layer.ravel(), target.place.reshape(-1, 2)
        still = np.flatnonzero(layer == BACKGROUND)
        flat[still] = _pixels(still, len(place))
        for number, here, (frame, turn) in zip((LEFT_EYE, RIGHT_EYE), self._photo_eyes, source.eyes, strict=True):
            where = np.flatnonzero(layer == number)
            flat[where] = frame.image(turn.to_frame(here.own(photo[where])))
        for number, matrix in zip((UPPER_MOUTH, LOWER_MOUTH), source.mouth, strict=True):
            where = np.flatnonzero(layer == number)
            inverse = np.linalg.inv(matrix)
            flat[where] = photo[where] @ inverse[:2, :2].T + inverse[:2, 2]
        return place


def _apply(maps: np.ndarray, triangle: np.ndarray, at: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """(n, n, 2): the affine map (T, 2, 3) of each triangle at x and y, which broadcast to (n, n)."""
    result = np.empty((*triangle.shape, 2), np.float32)
    for axis in (0, 1):
        a, b, c = (np.ascontiguousarray(maps[:, axis, k])[triangle] for k in range(3))
        a *= at[0]
        b *= at[1]
        np.add(a, b, out=a)
        np.add(a, c, out=result[..., axis])
    return result


def _centers(size: int) -> tuple[np.ndarray, np.ndarray]:
    """x (n,) and y (n, 1) of pixel centers, in pixels."""
    axis = np.arange(size, dtype=np.float32) + 0.5
    return axis, axis[:, None]


def _pixels(where: np.ndarray, size: int) -> np.ndarray:
    """(k, 2): centers of pixels given by flat numbers, in [-1, 1]."""
    return np.stack((where % size, where // size), -1) * (2 / size) + (1 / size - 1)


def _signed_area(corners: np.ndarray) -> np.ndarray:
    p, q = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]

"""A photograph that moves: a prepared portrait, drawn at any controls of the rig, with the exact flow back to the photograph and between
any two of its frames.

Every pixel knows which layer it shows (surroundings, skin, the inside of an eye or of the mouth) and which place of the photograph: that
is the flow, and the photograph is resampled through it once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .eye_inside import EyeFrame, EyeTurn, paint_lids, strip_triangles
from .mouth_inside import MouthInside, opening_triangles, plane_to_image
from .photo_controls import GAZE_X, GAZE_Y, HeadPose, iris_place
from . import rig as rigs
from .photo_mesh import PhotoMesh, turn_jaw
from .photo_surroundings import Surroundings, fill_background, person_cover
from .portraits import MeshLayout, Portrait
from .triangle_raster import affine_of_triangles, paint_triangles

BACKGROUND, AROUND, SKIN, LEFT_EYE, RIGHT_EYE, UPPER_MOUTH, LOWER_MOUTH = range(7)
_FINE = 2  # frames are drawn this many times larger and averaged: smooth edges
_SAME = 0.012  # half image widths: what a flow finds this near to where it should be, is visible


@dataclass(frozen=True, eq=False)
class PhotoFrame:
    """`image` (3, S, S) in [-1, 1]; `controls` (20,); `flow` (S, S, 2): the place in the photograph, in [-1, 1], `shown` (S, S): 1 where the
    photograph has it; masks (S, S) in [0, 1]."""

    image: Tensor
    controls: np.ndarray
    flow: Tensor
    shown: Tensor
    mouth: Tensor
    eyes: Tensor
    face: Tensor
    hair: Tensor


@dataclass(frozen=True, eq=False)
class Moved:
    """A portrait at some controls: `corners` (T, 3, 2) of all triangles in the frame, `upper`, `lower` maps of the mouth's layers from the
    frame to the photograph and `eyes`, their coordinates in the frame with the turn of the iris."""

    controls: np.ndarray
    pose: HeadPose
    corners: np.ndarray
    mouth: tuple[np.ndarray, np.ndarray]  # (3, 3) from the frame to the photograph
    eyes: tuple[tuple[EyeFrame, EyeTurn], tuple[EyeFrame, EyeTurn]]
    order: np.ndarray  # of triangles, back to front


@dataclass(frozen=True, eq=False)
class Look:
    """What pixels of a frame show: `layer` (n, n), `triangle` (n, n) and `place` (n, n, 2) in the photograph, in [-1, 1];
    `cover` (n, n): 1 where the person hides the background, which is not moved."""

    moved: Moved
    layer: np.ndarray
    triangle: np.ndarray
    place: np.ndarray
    cover: np.ndarray
    inside: _Inside


@dataclass(frozen=True, eq=False)
class _Inside:
    """The mouth's pixels: `where` (flat numbers), drawn `color` (k, 3), `shown` (k, 2) of the photograph at `places` (k, 2, 2)."""

    where: np.ndarray
    color: np.ndarray
    shown: np.ndarray
    places: np.ndarray


class PhotoRig:
    """One portrait, ready to be drawn.

    >>> layout, names = open_portraits(folder)
    >>> rig = PhotoRig(load_portrait(folder, names[0]), layout)
    >>> controls = rig.rest.copy()
    >>> controls[index("jaw_open")] = 0.8
    >>> frame = rig.draw(controls, 256)
    """

    def __init__(self, portrait: Portrait, layout: MeshLayout) -> None:
        self.portrait = portrait
        self.mesh = PhotoMesh.of(portrait.points, layout)
        self.rest = self.mesh.rest
        self._around = Surroundings.of(portrait, layout, self.mesh.pose)
        pixels = portrait.image.astype(np.float32) / 255
        self._photo = torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()
        cover = person_cover(portrait.person, len(pixels))
        self._background = fill_background(self._photo, cover)
        self._cover = cover.numpy()
        self._inside = MouthInside.of(pixels, self.mesh)
        self._tiles = [np.dstack([rgba, shown]) for rgba, shown in ((self._inside.upper, self._inside.shown_upper), (self._inside.lower, self._inside.shown_lower))]
        self._triangles, self._layers = self._topology(layout)
        self._photo_corners = np.concatenate([portrait.points[:, :2], self._around.points[..., :2].reshape(-1, 2)])[self._triangles]
        self._fronts = _signed_area(self._photo_corners) > 0
        self._masks = _photo_masks(portrait, self.mesh)
        self._lids = paint_lids(pixels, (portrait.points[:, :2] + 1) / 2 * len(pixels), layout.eyes, np.array(layout.triangles))
        strips = [strip_triangles(np.array(layout.triangles), eye) for eye in layout.eyes]
        self._strips = np.concatenate([np.zeros((2, len(self._triangles) - len(layout.triangles)), bool), strips], 1)
        self._still_eyes: list[EyeFrame] = []
        rest = self.move(self.rest)
        self._still_eyes = [frame for frame, _ in rest.eyes]
        self._still = self._look(rest, portrait.image.shape[0])

    def draw(self, controls: np.ndarray, size: int) -> PhotoFrame:
        """The portrait at controls (20,), at `size` pixels."""
        return self.frame(self.look(controls, size), size)

    def look(self, controls: np.ndarray, size: int) -> Look:
        """What the pixels of that frame show, at twice its size."""
        return self._look(self.move(controls), _FINE * size)

    def frame(self, look: Look, size: int) -> PhotoFrame:
        """The frame of a look made for `size`."""
        image = self._colors(look).permute(2, 0, 1)[None]
        image = F.avg_pool2d(image, look.layer.shape[0] // size)[0] * 2 - 1
        coarse = self._look(look.moved, size)
        flow, shown = self.flow(coarse, self._still)
        grid = torch.from_numpy(coarse.place).float()[None]
        mouth, eyes, face, hair = F.grid_sample(self._masks, grid, align_corners=False)[0].unbind(0)
        return PhotoFrame(image.clamp(-1, 1), look.moved.controls, flow, shown, mouth, eyes, face, hair)

    def coarse_look(self, look: Look, size: int) -> Look:
        """The same frame at another size, for flows."""
        return self._look(look.moved, size)

    def masks(self, look: Look) -> Tensor:
        """Masks (4, n, n) of mouth, eyes, face, hair."""
        return F.grid_sample(self._masks, torch.from_numpy(look.place).float()[None], align_corners=False)[0]

    def flow(self, target: Look, source: Look) -> tuple[Tensor, Tensor]:
        """Exact backward flow (n, n, 2) from a target's pixels to a source frame, in [-1, 1], and where the source shows them (n, n)."""
        place = self._forward(target, source.moved)
        still = target.layer == BACKGROUND
        place[still] = _pixels(len(place))[still]
        size = source.layer.shape[0]
        at = np.clip(np.floor((place + 1) / 2 * size).astype(np.int64), 0, size - 1)
        same = (source.layer[at[..., 1], at[..., 0]] == target.layer) & (np.abs(place).max(-1) < 1)
        near = still | (np.abs(source.place[at[..., 1], at[..., 0]] - target.place).max(-1) < _SAME + 2 / size)
        return torch.from_numpy(place).float(), torch.from_numpy(same & near).float()

    def move(self, controls: np.ndarray) -> Moved:
        """The portrait's geometry at controls (20,) in natural units."""
        controls = np.asarray(controls, np.float32)
        pose, rest = self.mesh.pose_of(controls), self.mesh.pose
        head = self.mesh.in_head(controls)
        points = pose.to_image(head)
        around = self._around.moved(rest, pose, head - self.mesh.head)
        vertices = np.concatenate([points[:, :2], around.reshape(-1, 2)])
        corners = vertices[self._triangles]
        return Moved(controls, pose, corners, self._mouth_maps(controls, pose), self._eyes(controls, points), self._order(points, corners))

    def _topology(self, layout: MeshLayout) -> tuple[np.ndarray, np.ndarray]:
        parts = [
            self._around.triangles(len(self.portrait.points)),
            opening_triangles(layout.lip_inner_upper, layout.lip_inner_lower),
            *(opening_triangles(eye.upper, eye.lower) for eye in layout.eyes),
            np.array(layout.triangles),
        ]
        layers = (AROUND, UPPER_MOUTH, LEFT_EYE, RIGHT_EYE, SKIN)
        return np.concatenate(parts), np.repeat(layers, [len(part) for part in parts])

    def _order(self, points: np.ndarray, corners: np.ndarray) -> np.ndarray:
        """Around, openings, then the skin from far to near; skin that has turned its back is left out."""
        skin = np.flatnonzero((self._layers == SKIN) & ((_signed_area(corners) > 0) == self._fronts))
        depth = points[self._triangles[skin], 2].mean(1)
        return np.concatenate([np.flatnonzero(self._layers != SKIN), skin[np.argsort(depth, kind="stable")]])

    def _mouth_maps(self, controls: np.ndarray, pose: HeadPose) -> tuple[np.ndarray, np.ndarray]:
        depth = self._inside.depth
        to_photo = _homogeneous(*plane_to_image(self.mesh.pose, depth))
        upper = _homogeneous(*plane_to_image(pose, depth))
        corners = turn_jaw(np.array([[0, 0, depth], [1, 0, depth], [0, 1, depth]], float), self.mesh.jaw_angle(controls))
        corners[:, 0] += self.mesh.jaw_side(controls)
        o, a, b = pose.to_image(corners)[:, :2]
        lower = _homogeneous(np.stack((a - o, b - o), 1), o)
        return to_photo @ np.linalg.inv(upper), to_photo @ np.linalg.inv(lower)

    def _eyes(self, controls: np.ndarray, points: np.ndarray) -> tuple[tuple[EyeFrame, EyeTurn], tuple[EyeFrame, EyeTurn]]:
        found = []
        delta = controls - self.rest
        for eye, shut in zip(self.mesh.layout.eyes, self.mesh.shut(controls), strict=True):
            left, right = points[eye.upper[0], :2], points[eye.upper[-1], :2]
            corners = self.mesh.head[[eye.upper[0], eye.upper[-1]]]
            half = float(np.linalg.norm(corners[1] - corners[0])) / 2
            frame = EyeFrame.of(left, right, half * self.mesh.pose_of(controls).unit)
            rim = self.mesh.head[list(eye.iris[1:])] - self.mesh.head[eye.iris[0]]
            radius = float(np.linalg.norm(rim[:, :2], axis=1).mean()) / half
            turn = np.array([GAZE_X * delta[rigs.index("gaze_x")], GAZE_Y * delta[rigs.index("gaze_y")]])
            middle = self.portrait.points[[eye.upper[len(eye.upper) // 2], eye.lower[len(eye.lower) // 2]], :2]
            top, low = (self._still_eyes[len(found)] if self._still_eyes else frame).own(middle)[:, 1]
            found.append((frame, EyeTurn(iris_place(self.mesh.head, eye), radius, (float(top), float(low)), turn, max(1.0, 1 - shut))))
        return found[0], found[1]

    def _look(self, moved: Moved, size: int) -> Look:
        corners = (moved.corners[moved.order] + 1) / 2 * size
        triangle = moved.order[np.maximum(paint_triangles(corners, size), 0)]
        maps = affine_of_triangles((moved.corners + 1) / 2 * size, self._photo_corners).astype(np.float32)
        x = np.arange(size, dtype=np.float32) + 0.5
        place = np.empty((size, size, 2), np.float32)
        for axis in (0, 1):
            a, b, c = (maps[:, axis, k][triangle] for k in range(3))
            place[..., axis] = a * x + b * x[:, None] + c
        layer = self._layers[triangle].astype(np.int8)
        at = np.clip(((place + 1) * (0.5 * len(self._cover))).astype(np.int32), 0, len(self._cover) - 1)
        cover = np.where(layer == AROUND, self._cover[at[..., 1], at[..., 0]], 1)
        layer[cover < 0.5] = BACKGROUND
        for number, side in ((LEFT_EYE, 0), (RIGHT_EYE, 1)):
            rows, columns = np.nonzero(layer == number)
            pixels = np.stack((columns, rows), -1) * (2 / size) + (1 / size - 1)
            frame, turn = moved.eyes[side]
            place[rows, columns] = self._still_eyes[side].image(turn.to_photo(frame.own(pixels)))
        return self._look_inside(moved, layer, triangle, place, cover)

    def _look_inside(self, moved: Moved, layer: np.ndarray, triangle: np.ndarray, place: np.ndarray, cover: np.ndarray) -> Look:
        """Adds the mouth's inside: which of its layers each pixel shows, and where that is in the photograph."""
        size = len(layer)
        rows, columns = np.nonzero(layer == UPPER_MOUTH)
        pixels = np.stack((columns, rows, np.zeros(len(rows))), -1) * (2 / size) + (1 / size - 1)
        pixels[:, 2] = 1
        places = np.stack([(pixels @ matrix.T)[:, :2] for matrix in moved.mouth], 1)
        samples = [_bilinear(tile, places[:, k], self._inside.corner, len(self._cover)) for k, tile in enumerate(self._tiles)]
        upper, lower = samples
        color = self._inside.dark + lower[:, 3:4] * (lower[:, :3] - self._inside.dark)
        color = color + upper[:, 3:4] * (upper[:, :3] - color)
        shown = np.stack((upper[:, 4], lower[:, 4]), -1)
        hangs = (np.maximum(upper[:, 3], shown[:, 0]) > 0.5) | (np.maximum(lower[:, 3], shown[:, 1]) < 0.5)
        hangs &= ~((shown[:, 1] > 0.5) & (shown[:, 0] < 0.5))
        layer[rows, columns] = np.where(hangs, UPPER_MOUTH, LOWER_MOUTH)
        place[rows, columns] = np.where(hangs[:, None], places[:, 0], places[:, 1])
        return Look(moved, layer, triangle, place, cover, _Inside(rows * size + columns, color, shown, places))

    def _colors(self, look: Look) -> Tensor:
        """(n, n, 3) in [0, 1]."""
        grid = torch.from_numpy(look.place).float()[None]
        image = F.grid_sample(self._photo, grid, padding_mode="reflection", align_corners=False)[0].permute(1, 2, 0).contiguous()
        away = F.interpolate(self._background, size=look.layer.shape, mode="bilinear", align_corners=False)[0].permute(1, 2, 0)
        image = away + torch.from_numpy(look.cover).float()[..., None] * (image - away)
        self._close_lids(look, image)
        inside = look.inside
        if not len(inside.where):
            return image
        open_mouth = torch.zeros(look.layer.size)
        open_mouth[torch.from_numpy(inside.where)] = 1
        reach = max(1, int(0.05 * look.moved.pose.unit * len(look.layer) / 2))
        shade = _shade(open_mouth.view(look.layer.shape), reach).flatten()[inside.where].numpy()[:, None]
        photo = F.grid_sample(self._photo, torch.from_numpy(inside.places).float()[None], align_corners=False)[0].permute(1, 2, 0).numpy()
        total = inside.shown.sum(1, keepdims=True)
        shown = inside.shown / np.maximum(total, 1)
        drawn = inside.color * shade * (1 - shown.sum(1, keepdims=True))
        color = drawn + photo[:, 0] * shown[:, :1] + photo[:, 1] * shown[:, 1:]
        reach_out = np.clip((look.moved.controls - self.rest)[rigs.index("pucker")], 0, 1)
        color = color * (1 - 0.55 * reach_out)  # lips that reach out cast a shadow
        image.view(-1, 3)[torch.from_numpy(inside.where)] = torch.from_numpy(color).float()
        return image

    def _close_lids(self, look: Look, image: Tensor) -> None:
        """Lays the skin of closed lids over what was stretched of the open ones."""
        for strip, shut in zip(self._strips, self.mesh.shut(look.moved.controls), strict=True):
            share = float(np.clip((shut - 0.15) / 0.45, 0, 1))
            if not share:
                continue
            where = np.flatnonzero(strip[look.triangle.ravel()] & (look.layer.ravel() == SKIN))
            rgba = _bilinear(self._lids, look.place.reshape(-1, 2)[where])
            flat = image.view(-1, 3)
            index = torch.from_numpy(where)
            cover = torch.from_numpy(share * rgba[:, 3:])
            flat[index] = flat[index] + cover * (torch.from_numpy(rgba[:, :3]) - flat[index])

    def _forward(self, target: Look, source: Moved) -> np.ndarray:
        """Where in a source frame each pixel's place of the photograph is, (n, n, 2)."""
        maps = affine_of_triangles(self._photo_corners, source.corners).astype(np.float32)[target.triangle]
        x, y = target.place[..., 0], target.place[..., 1]
        place = maps[..., 0] * x[..., None] + maps[..., 1] * y[..., None] + maps[..., 2]
        for number, side in ((LEFT_EYE, 0), (RIGHT_EYE, 1)):
            here = target.layer == number
            frame, turn = source.eyes[side]
            place[here] = frame.image(turn.to_frame(self._still_eyes[side].own(target.place[here])))
        for number, matrix in ((UPPER_MOUTH, source.mouth[0]), (LOWER_MOUTH, source.mouth[1])):
            here = target.layer == number
            own = np.concatenate([target.place[here], np.ones((here.sum(), 1))], 1)
            place[here] = (own @ np.linalg.inv(matrix).T)[:, :2]
        return place


def _bilinear(tile: np.ndarray, places: np.ndarray, corner: tuple[int, int] = (0, 0), size: int = 0) -> np.ndarray:
    """Values (k, C) of a tile at places (k, 2) of an image of `size` pixels (0: the tile's own) in which it starts at `corner`."""
    h, w = tile.shape[:2]
    at = (places + 1) / 2 * (size or w) - 0.5 - np.array(corner)
    base = np.floor(at).astype(int)
    x, y = np.clip(base[:, 0], 0, w - 2), np.clip(base[:, 1], 0, h - 2)
    fx, fy = np.clip(at[:, 0] - x, 0, 1)[:, None].astype(np.float32), np.clip(at[:, 1] - y, 0, 1)[:, None].astype(np.float32)
    above = tile[y, x] + fx * (tile[y, x + 1] - tile[y, x])
    below = tile[y + 1, x] + fx * (tile[y + 1, x + 1] - tile[y + 1, x])
    return above + fy * (below - above)


def _pixels(size: int) -> np.ndarray:
    """(n, n, 2): pixel centers in [-1, 1], x first."""
    axis = np.arange(size, dtype=np.float32) * (2 / size) + (1 / size - 1)
    return np.stack(np.meshgrid(axis, axis), -1)


def _signed_area(corners: np.ndarray) -> np.ndarray:
    p, q = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]


def _homogeneous(matrix: np.ndarray, origin: np.ndarray) -> np.ndarray:
    return np.block([[matrix, origin[:, None]], [np.zeros((1, 2)), np.ones((1, 1))]])


def _shade(opening: Tensor, reach: int) -> Tensor:
    """How much light falls into an opening (n, n): less near its edge, least below the upper one."""
    kernel = 2 * reach + 1
    wide = F.avg_pool2d(opening[None, None], kernel, 1, reach)
    wide = F.avg_pool2d(wide, kernel, 1, reach)[0, 0]
    lowered = torch.roll(wide, reach // 2 + 1, 0)
    return (0.5 + 0.7 * lowered).clamp(max=1)


def _photo_masks(portrait: Portrait, mesh: PhotoMesh) -> Tensor:
    """(1, 4, 128, 128) over the photograph: mouth, eyes, face, hair."""
    size, layout = 128, mesh.layout
    y, x = np.mgrid[:size, :size] * 2 / size + (1 / size - 1)
    grid = np.stack((x, y), -1)
    mouth = _ellipse(grid, portrait.points[[*layout.lip_outer_upper, *layout.lip_outer_lower], :2], 1.3, 1.5)
    eyes = [_ellipse(grid, portrait.points[[*eye.upper, *eye.lower], :2], 1.35, 2.0) for eye in layout.eyes]
    corners = np.concatenate([portrait.points[np.array(t), :2] for t in (layout.triangles, *(opening_triangles(e.upper, e.lower) for e in layout.eyes), opening_triangles(layout.lip_inner_upper, layout.lip_inner_lower))])
    face = (paint_triangles((corners + 1) / 2 * size, size) >= 0).astype(np.float32)
    person = F.interpolate(torch.from_numpy(portrait.person)[None, None], size=(size, size), mode="bilinear")[0, 0].numpy()
    small = F.interpolate(torch.from_numpy(portrait.image).permute(2, 0, 1)[None].float(), size=(size, size), mode="area")[0].permute(1, 2, 0).numpy() / 255
    skin = np.median(small[face > 0], 0)
    unlike = np.abs(small - skin).sum(-1) > 0.25 + 0.25 * skin.mean()
    height = mesh.pose.to_head(np.concatenate([grid, np.full((size, size, 1), mesh.pose.place[2])], -1))[..., 1]
    hair = (person > 0.5) & (face == 0) & unlike & (height < 1.1)
    return torch.from_numpy(np.stack([mouth, np.maximum(*eyes), face, hair]).astype(np.float32))[None]


def _ellipse(grid: np.ndarray, points: np.ndarray, wide: float, high: float) -> np.ndarray:
    center, half = (points.max(0) + points.min(0)) / 2, (points.max(0) - points.min(0)) / 2
    half = np.maximum(half * [wide, high], [1e-3, 0.35 * half[0]])
    return (((grid - center) / half) ** 2).sum(-1) < 1

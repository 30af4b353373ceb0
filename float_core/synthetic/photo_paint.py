"""The colors of a photograph that moves: resampled once, over the background, with the inside of the mouth and the skin of closed lids."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import rig as rigs
from .eye_inside import paint_lids
from .mouth_inside import InsideSamples, MouthInside
from .photo_mesh import PhotoMesh
from .photo_patch import Patch
from .photo_surroundings import fill_background, person_cover
from .portraits import Portrait
from .triangle_raster import opening_triangles, paint_triangles

_MASK_SIZE = 128
_LIGHT_REACH = 0.05  # head units: so far into the mouth its edge casts a shadow


@dataclass(frozen=True, eq=False)
class PhotoPaint:
    """All that colors come from. `photo`, `background` (1, 3, S, S) in [0, 1]; `cover` (S, S) of the person; `masks` (1, 4, m, m): mouth,
    eyes, face, hair of the photograph."""

    photo: Tensor
    background: Tensor
    cover: np.ndarray
    inside: MouthInside
    lids: Patch
    masks: Tensor
    _backgrounds: dict[int, Tensor] = field(default_factory=dict)  # by size

    @classmethod
    def of(cls, portrait: Portrait, mesh: PhotoMesh) -> PhotoPaint:
        """Painted for one portrait."""
        pixels = portrait.image.astype(np.float32) / 255
        photo = torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()
        cover = person_cover(portrait.person, len(pixels))
        points = (portrait.points[:, :2] + 1) / 2 * len(pixels)
        return cls(
            photo,
            fill_background(photo, cover),
            cover.numpy(),
            MouthInside.of(pixels, mesh),
            paint_lids(pixels, points, mesh.layout.eyes, np.array(mesh.layout.triangles)),
            _photo_masks(portrait, photo, mesh),
        )

    def person(self, place: np.ndarray, cover: np.ndarray) -> Tensor:
        """(n, n, 3) in [0, 1]: the photograph at places (n, n, 2), over the background where `cover` (n, n) says so."""
        grid = torch.from_numpy(place)[None]
        image = F.grid_sample(self.photo, grid, padding_mode="reflection", align_corners=False)[0].permute(1, 2, 0)
        size = len(place)
        if size not in self._backgrounds:
            away = F.interpolate(self.background, size=(size, size), mode="bilinear", align_corners=False)
            self._backgrounds.clear()
            self._backgrounds[size] = away[0].permute(1, 2, 0).contiguous()
        away = self._backgrounds[size]
        return torch.lerp(away, image, torch.from_numpy(cover)[..., None]).contiguous()

    def mouth(self, samples: InsideSamples, where: np.ndarray, size: int, unit: float, reach_out: float) -> Tensor:
        """(k, 3): colors of the mouth's inside at the pixels `where` (flat numbers) of a frame of `size`; `unit`: of the head, in half
        widths; `reach_out`: how far the lips are pushed out, which keeps light away."""
        grid = torch.from_numpy(samples.places).float()[None]
        photo = F.grid_sample(self.photo, grid, align_corners=False)[0].permute(1, 2, 0).numpy()
        shade = _shade(where, size, max(1, int(_LIGHT_REACH * unit * size / 2)))[:, None]
        color = samples.color * shade * (1 - samples.shown.sum(1, keepdims=True)) + (photo * samples.shown[..., None]).sum(1)
        return torch.from_numpy(color * (1 - 0.55 * reach_out)).float()


def reach_out(controls: np.ndarray, rest: np.ndarray) -> float:
    """How much further the lips are pushed out than in the photograph, 0 to 1."""
    return float(np.clip((controls - rest)[rigs.index("pucker")], 0, 1))


def _shade(where: np.ndarray, size: int, reach: int) -> np.ndarray:
    """(k,): how much light falls on the pixels of an opening: less near its edge, least below the upper one."""
    rows, columns = np.divmod(where, size)
    top, left = rows.min() - 2 * reach, columns.min() - 2 * reach
    opening = torch.zeros(1, 1, int(np.ptp(rows)) + 4 * reach + 1, int(np.ptp(columns)) + 4 * reach + 1)
    opening[0, 0, rows - top, columns - left] = 1
    for _ in range(2):
        opening = F.avg_pool2d(F.avg_pool2d(opening, (2 * reach + 1, 1), 1, (reach, 0)), (1, 2 * reach + 1), 1, (0, reach))
    light = opening[0, 0, rows - top - reach // 2 - 1, columns - left]
    return (0.5 + 0.7 * light).clamp(max=1).numpy()


def _photo_masks(portrait: Portrait, photo: Tensor, mesh: PhotoMesh) -> Tensor:
    size, layout = _MASK_SIZE, mesh.layout
    axis = np.arange(size) * (2 / size) + (1 / size - 1)
    grid = np.stack(np.meshgrid(axis, axis), -1)
    mouth = _ellipse(grid, portrait.points[[*layout.lip_outer_upper, *layout.lip_outer_lower], :2], 1.3, 1.5)
    eyes = [_ellipse(grid, portrait.points[[*eye.upper, *eye.lower], :2], 1.35, 2.0) for eye in layout.eyes]
    openings = [opening_triangles(eye.upper, eye.lower) for eye in layout.eyes]
    triangles = np.concatenate([np.array(layout.triangles), *openings, opening_triangles(layout.lip_inner_upper, layout.lip_inner_lower)])
    face = paint_triangles((portrait.points[triangles, :2] + 1) / 2 * size, size) >= 0
    person = F.interpolate(torch.from_numpy(portrait.person)[None, None], size=(size, size), mode="bilinear")[0, 0].numpy()
    small = F.interpolate(photo, size=(size, size), mode="area")[0].permute(1, 2, 0).numpy()
    skin = np.median(small[face], 0)
    unlike = np.abs(small - skin).sum(-1) > 0.25 + 0.25 * skin.mean()
    height = mesh.pose.to_head(np.concatenate([grid, np.full((size, size, 1), mesh.pose.place[2])], -1))[..., 1]
    hair = (person > 0.5) & ~face & unlike & (height < 1.1)
    return torch.from_numpy(np.stack([mouth, np.maximum(*eyes), face, hair]).astype(np.float32))[None]


def _ellipse(grid: np.ndarray, points: np.ndarray, wide: float, high: float) -> np.ndarray:
    center, half = (points.max(0) + points.min(0)) / 2, (points.max(0) - points.min(0)) / 2
    half = np.maximum(half * [wide, high], [1e-3, 0.35 * half[0]])
    return (((grid - center) / half) ** 2).sum(-1) < 1

"""The inside of a mouth: what a photograph shows of it; behind that, teeth, tongue and darkness, drawn in the light of the photograph.

Everything is painted once, on the pixels of the photograph around the mouth, in two layers: one moves with the skull (upper teeth and
gum), one with the jaw (lower teeth, tongue). Lengths are in head units; a millimeter is about 0.0154.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..easing import smooth
from . import rig as rigs
from .photo_controls import JAW_GAP, HeadPose
from .photo_mesh import PhotoMesh, expected_gap, turn_jaw
from .photo_patch import Patch
from .triangle_raster import opening_triangles, paint_triangles

DEPTH = 0.1  # how far the teeth are behind the lips
_UPPER_TEETH = (0.13, 0.228, 0.315, 0.372, 0.412, 0.44)  # right ends as seen from ahead, from the middle outwards
_LOWER_TEETH = (0.083, 0.166, 0.253, 0.322, 0.378, 0.42)
_BELOW_LIP = 0.03  # upper incisors' edge below the line where lips meet
_BEHIND_LIP = 0.02  # lower incisors' edge below the lower lip's
_HALF = 0.6  # half the painted width


@dataclass(frozen=True, eq=False)
class MouthInside:
    """`upper` moves with the skull, `lower` with the jaw: patches with the drawn color (3), how much it covers, and how much of the
    photograph belongs to that layer; `dark` (3,) is behind everything; `depth`: z of both in the head frame."""

    upper: Patch
    lower: Patch
    dark: np.ndarray
    depth: float

    @classmethod
    def of(cls, image: np.ndarray, mesh: PhotoMesh) -> MouthInside:
        """Painted for a photograph (S, S, 3) in [0, 1]."""
        layout, head = mesh.layout, mesh.head
        upper, lower = head[list(layout.lip_inner_upper)], head[list(layout.lip_inner_lower)]
        middle = len(upper) // 2
        depth = float((upper[middle, 2] + lower[middle, 2]) / 2) - DEPTH
        corner, x, y = _plane(mesh.pose, depth, (upper[0, 0] + upper[-1, 0]) / 2, upper[middle, 1], image.shape[0])
        h, w = x.shape
        x = x - (upper[0, 0] + upper[-1, 0]) / 2
        hole = _hole(mesh, image.shape[0])[corner[1] : corner[1] + h, corner[0] : corner[0] + w]
        part = _raised(mesh)
        line = float(upper[middle, 1]) + part
        pixels = image[corner[1] : corner[1] + h, corner[0] : corner[0] + w]
        edge = _teeth_edge(pixels, hole, x, y, line + _BELOW_LIP)
        white = _tooth_white(image, mesh, pixels, hole)
        soft = 2.0 / (mesh.pose.unit * image.shape[0] / 2)  # two pixels
        above = _step(edge - 0.035 * (x / 0.37) ** 2 - y, soft)
        fallen = JAW_GAP * float(mesh.rest[rigs.index("jaw_open")])
        drawn = _draw_upper(x, y - edge, white, soft), _draw_lower(x, y - line - fallen - _BEHIND_LIP, white, soft)
        skin = _skin_light(image, mesh)
        colorful = float(np.clip(8 * (skin.max() - skin.min()) / skin.max(), 0, 1))  # 0 for a photograph in black and white
        upper_layer, lower_layer, dark = (_less_colorful(c, colorful) for c in (*drawn, white * [0.15, 0.06, 0.055]))
        layers = ((upper_layer, hole * above), (lower_layer, hole * (1 - above)))
        patches = [Patch(np.dstack([drawn, shown]).astype(np.float32), corner, len(image)) for drawn, shown in layers]
        return cls(patches[0], patches[1], dark, depth)

    def maps(self, rest: HeadPose, pose: HeadPose, jaw_angle: float, jaw_side: float) -> tuple[np.ndarray, np.ndarray]:
        """(3, 3) homogeneous maps of both layers from a frame to the photograph."""
        plane = np.array([[0, 0, self.depth], [1, 0, self.depth], [0, 1, self.depth]], float)
        turned = turn_jaw(plane, jaw_angle) + np.array([jaw_side, 0.0, 0.0])
        to_photo, upper, lower = (_homogeneous(p.to_image(h)[:, :2]) for p, h in ((rest, plane), (pose, plane), (pose, turned)))
        return to_photo @ np.linalg.inv(upper), to_photo @ np.linalg.inv(lower)


@dataclass(frozen=True, eq=False)
class InsideSamples:
    """The inside of the mouth at k pixels: the drawn `color` (k, 3); `shown` (k, 2): how much of the photograph is seen at `places` (k, 2,
    2) of the two layers; `hangs` (k,): True where the upper layer is seen."""

    color: np.ndarray
    shown: np.ndarray
    places: np.ndarray
    hangs: np.ndarray

    @classmethod
    def of(cls, inside: MouthInside, maps: tuple[np.ndarray, np.ndarray], pixels: np.ndarray) -> InsideSamples:
        """For pixels (k, 2) of a frame, in [-1, 1]."""
        places = np.stack([pixels @ m[:2, :2].T + m[:2, 2] for m in maps], 1)
        upper, lower = inside.upper.at(places[:, 0]), inside.lower.at(places[:, 1])
        color = inside.dark + lower[:, 3:4] * (lower[:, :3] - inside.dark)
        color = color + upper[:, 3:4] * (upper[:, :3] - color)
        shown = np.stack((upper[:, 4], lower[:, 4]), -1)
        behind = np.maximum(lower[:, 3], shown[:, 1]) > 0.5
        hangs = np.where(shown.max(1) > 0.5, shown[:, 0] >= shown[:, 1], (upper[:, 3] > 0.5) | ~behind)
        return cls(color, shown / np.maximum(shown.sum(1, keepdims=True), 1), places, hangs)


def _less_colorful(color: np.ndarray, share: float) -> np.ndarray:
    """Colors (..., 3 or 4) with this share of their saturation."""
    gray = color[..., :3].mean(-1, keepdims=True)
    return np.concatenate([gray + share * (color[..., :3] - gray), color[..., 3:]], -1).astype(np.float32)


def _raised(mesh: PhotoMesh) -> float:
    """How far the upper lip is above the line where the lips would meet."""
    gap = expected_gap(mesh.rest)
    return min(0.07, 0.5 * gap) if gap else 0.0


def _plane(pose: HeadPose, depth: float, x: float, y: float, size: int) -> tuple[tuple[int, int], np.ndarray, np.ndarray]:
    """The pixels around the mouth: their corner, and their x, y in the head frame, on the plane of the teeth."""
    center = pose.to_image(np.array([x, y + 0.1, depth]))[:2]
    reach = _HALF * pose.unit
    low = np.clip(((center - reach + 1) / 2 * size).astype(int), 0, size - 1)
    high = np.clip(((center + reach + 1) / 2 * size).astype(int) + 1, low + 1, size)
    grid = np.meshgrid(*((np.arange(a, b) + 0.5) / size * 2 - 1 for a, b in zip(low, high, strict=True)))
    matrix = np.linalg.inv(_homogeneous(pose.to_image(np.array([[0, 0, depth], [1, 0, depth], [0, 1, depth]], float))[:, :2]))
    own = np.stack(grid, -1) @ matrix[:2, :2].T + matrix[:2, 2]
    return (int(low[0]), int(low[1])), own[..., 0], own[..., 1]


def _homogeneous(plane: np.ndarray) -> np.ndarray:
    """(3, 3): the map of the plane whose points (0, 0), (1, 0), (0, 1) are seen at `plane` (3, 2)."""
    origin, right, down = plane
    return np.array([[*(column), 0.0] for column in (right - origin, down - origin)] + [[*origin, 1.0]]).T


def _hole(mesh: PhotoMesh, size: int) -> np.ndarray:
    """(S, S) in [0, 1]: where the photograph shows the mouth's inside."""
    if not expected_gap(mesh.rest):
        return np.zeros((size, size), np.float32)
    points = (mesh.pose.to_image(mesh.head)[:, :2] + 1) * size  # at twice the size
    triangles = opening_triangles(mesh.layout.lip_inner_upper, mesh.layout.lip_inner_lower)
    fine = (paint_triangles(points[triangles], 2 * size) >= 0).astype(np.float32)
    return fine.reshape(size, 2, size, 2).mean((1, 3))


def _teeth_edge(pixels: np.ndarray, hole: np.ndarray, x: np.ndarray, y: np.ndarray, usual: float) -> float:
    """Height of the edge of the upper incisors: where the photograph gets dark below bright teeth, or else the usual height."""
    middle = (hole > 0.9) & (np.abs(x) < 0.12)
    rows = np.flatnonzero(middle.sum(1) > 3)
    if len(rows) < 4:
        return usual
    light = np.array([pixels[r][middle[r]].mean() for r in rows])
    height = np.array([y[r][middle[r]].mean() for r in rows])
    top = int(light[: max(2, int(0.7 * len(rows)))].argmax())
    darker = np.flatnonzero(light[top:] < 0.62 * light[top])
    if light[top] < 0.3 * pixels.max() or not len(darker):
        return float(max(usual, height[-1])) if light[-1] > 0.6 * light[top] else usual
    return float(height[top + darker[0]])


def _tooth_white(image: np.ndarray, mesh: PhotoMesh, pixels: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """(3,): the color of a lit tooth: that of the teeth in the photograph, else of the whites of the eyes, within limits that the skin
    sets."""
    shown = pixels[hole > 0.9]
    skin = _skin_light(image, mesh)
    if len(shown) > 60:
        bright = shown[shown.mean(1) >= np.quantile(shown.mean(1), 0.85)].mean(0)
        if bright.mean() > 0.8 * skin.mean() and bright.min() > 0.55 * bright.max():
            return bright
    points = (mesh.pose.to_image(mesh.head)[:, :2] + 1) / 2 * image.shape[0]
    triangles = np.concatenate([opening_triangles(eye.upper, eye.lower) for eye in mesh.layout.eyes])
    eyes = image[paint_triangles(points[triangles], image.shape[0]) >= 0]
    white = eyes[eyes.mean(1) >= np.quantile(eyes.mean(1), 0.75)].mean(0) if len(eyes) > 20 else skin
    light = float(np.clip(1.1 * white.mean(), skin.mean(), max(skin.mean(), 0.85)))
    tint = 0.2 * white / white.mean() + 0.3 * skin / skin.mean() + 0.5 * np.array([1.08, 1.0, 0.86])
    return light * tint


def _skin_light(image: np.ndarray, mesh: PhotoMesh) -> np.ndarray:
    """(3,): the color of lit skin, from the cheeks and the nose."""
    points = [i for side in mesh.layout.cheeks for i in side] + list(mesh.layout.nose)
    place = np.clip(((mesh.pose.to_image(mesh.head[points])[:, :2] + 1) / 2 * len(image)).astype(int), 0, len(image) - 1)
    colors = image[place[:, 1], place[:, 0]]
    return colors[colors.mean(1) >= np.quantile(colors.mean(1), 0.6)].mean(0)


def _step(x: np.ndarray, width: float) -> np.ndarray:
    """0 below 0, 1 above, soft over `width`."""
    return smooth(np.clip(x / width + 0.5, 0, 1))


def _row_of_teeth(x: np.ndarray, ends: tuple[float, ...], soft: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For a row of teeth: how dark the gap at x is, how far x is from the middle of its tooth (-1 to 1), and which tooth it is."""
    bounds = np.array([0.0, *ends])
    side = np.abs(x)
    tooth = np.clip(np.searchsorted(bounds, side, side="right") - 1, 0, len(ends) - 1)
    width = np.diff(bounds)[tooth]
    inside = 2 * (side - bounds[tooth]) / width - 1
    gap = np.exp(-(((1 - np.abs(inside)) * width / 2 / np.maximum(0.008, 0.5 * soft)) ** 2))
    return gap, np.clip(inside, -1.5, 1.5), tooth


def _draw_upper(x: np.ndarray, y: np.ndarray, white: np.ndarray, soft: float) -> np.ndarray:
    """Upper teeth and gum; y is counted down from the edge of the incisors."""
    gap, inside, tooth = _row_of_teeth(x, _UPPER_TEETH, soft)
    length = np.array([0.15, 0.135, 0.145, 0.125, 0.11, 0.1])[tooth]
    shorter = np.array([0.0, 0.012, 0.002, 0.012, 0.02, 0.03])[tooth]
    edge = -0.03 * (x / 0.37) ** 2 - shorter - 0.016 * np.abs(inside) ** 3
    gum_line = edge - length - 0.02 * (1 - inside**2)
    round_light = (1 - 0.8 * np.clip(np.abs(x) / 0.45, 0, 1) ** 2) * (1 - 0.1 * inside**2)
    down = np.clip((y - gum_line) / length, 0, 1)
    ivory = white * (0.8 + 0.16 * down[..., None]) * round_light[..., None] * (1 - 0.22 * gap[..., None])
    gum = white * [0.66, 0.4, 0.38] * (0.75 * round_light)[..., None]
    tooth_cover = _step(y - gum_line, soft)[..., None]
    cover = _step(edge - y, soft) * _step(0.47 - np.abs(x), 0.06)
    return np.concatenate([gum + tooth_cover * (ivory - gum), cover[..., None]], -1).astype(np.float32)


def _draw_lower(x: np.ndarray, y: np.ndarray, white: np.ndarray, soft: float) -> np.ndarray:
    """Lower teeth and the tongue behind them; y is counted down from the edge of the incisors at the jaw."""
    gap, inside, _ = _row_of_teeth(x, _LOWER_TEETH, soft)
    edge = -0.025 * (x / 0.37) ** 2 + 0.008 * np.abs(inside) ** 3
    round_light = (1 - 0.85 * np.clip(np.abs(x) / 0.42, 0, 1) ** 2) * (1 - 0.1 * inside**2)
    deep = np.clip(1 - y / 0.14, 0, 1)
    ivory = white * (0.5 + 0.2 * deep)[..., None] * round_light[..., None] * (1 - 0.35 * gap[..., None])
    teeth = _step(y - edge, soft) * _step(0.42 - np.abs(x), 0.06)
    back = -0.06 - 0.06 * np.clip(1 - (x / 0.3) ** 2, -1, 1)  # the tongue's highest line
    rise = np.clip((y - back) / 0.1, 0, 1)
    groove = 1 - 0.12 * np.exp(-((x / 0.02) ** 2))
    tongue = white * [0.66, 0.36, 0.35] * ((0.6 + 0.4 * rise) * groove * (1 - 0.5 * np.clip(np.abs(x) / 0.33, 0, 1) ** 2))[..., None]
    tongue_cover = _step(y - back, 0.05) * _step(0.36 - np.abs(x), 0.1)
    color = tongue + teeth[..., None] * (ivory - tongue)
    return np.concatenate([color, np.maximum(tongue_cover, teeth)[..., None]], -1).astype(np.float32)

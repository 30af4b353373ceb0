"""Geometry of the synthetic heads: where a point of the skin is seen, and which point of the skin a pixel shows.

Three frames, all with y down and 1 = half the image: view p (the image), surface c (s along the width of the head, t = height on an
upright head: a frontal view unrolled at the sides) and material m (the skin at rest: eyes and lips closed, no expression). pixel ->
surface casts a ray to an ellipsoid with a nose; surface -> material removes smooth displacements, then the openings of eyes and mouth.
Both directions are exact up to the tolerance of the fixed points, so the flow between two poses is exact too. Knows nothing of colors.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..easing import smooth
from . import rig as rigs

# name: (mean, half range), drawn uniformly
SHAPE_RANGES: dict[str, tuple[float, float]] = {
    "width": (0.47, 0.05),
    "height": (0.73, 0.05),
    "jaw_width": (0.17, 0.13),
    "depth": (0.62, 0.06),
    "center_y": (-0.11, 0.03),
    "eye_x": (0.2, 0.02),
    "eye_y": (-0.17, 0.03),
    "eye_width": (0.094, 0.014),
    "eye_open": (0.041, 0.012),
    "brow_gap": (0.125, 0.03),
    "brow_tilt": (0.0, 0.03),
    "nose_y": (0.05, 0.03),
    "nose_height": (0.1, 0.04),
    "nose_width": (0.07, 0.015),
    "mouth_y": (0.275, 0.03),
    "mouth_width": (0.162, 0.03),
    "mouth_curve": (0.0, 0.015),
    "lip_upper": (0.038, 0.014),
    "lip_lower": (0.048, 0.016),
    "teeth": (0.02, 0.012),
}
_SURFACE_STEPS = 3  # fixed point for the nose
_INVERT_STEPS = 5  # fixed point for the expression


@dataclass(frozen=True)
class HeadShape:
    """Proportions of B heads: `values` (B, number of entries of SHAPE_RANGES)."""

    values: Tensor

    @classmethod
    def sample(cls, count: int, generator: torch.Generator) -> HeadShape:
        """Uniform in SHAPE_RANGES."""
        mean, half = torch.tensor(list(SHAPE_RANGES.values())).unbind(1)
        return cls(mean + half * (2 * torch.rand(count, len(mean), generator=generator) - 1))

    def __getitem__(self, name: str) -> Tensor:
        return self.values[:, list(SHAPE_RANGES).index(name), None, None]

    @property
    def chin_y(self) -> Tensor:
        """Height of the chin, (B, 1, 1)."""
        return self["center_y"] + self["height"]

    @property
    def brow_y(self) -> Tensor:
        """Height of the brows, (B, 1, 1)."""
        return self["eye_y"] - self["brow_gap"]


@dataclass(frozen=True)
class Surface:
    """What pixels show: `point` c (B, H, W, 2); `inside` (B, H, W), > 0 on the head; `normal` (B, H, W, 3) in the view."""

    point: Tensor
    inside: Tensor
    normal: Tensor


@dataclass(frozen=True)
class Skin:
    """`point` m (B, H, W, 2); `mouth`, `eye_left`, `eye_right` (B, H, W): signed distance into the opening, > 0 where it is open."""

    point: Tensor
    mouth: Tensor
    eye_left: Tensor
    eye_right: Tensor


def pixel_grid(size: int) -> Tensor:
    """Pixel centers (1, size, size, 2) in [-1, 1], x first, as grid_sample has them with align_corners=False."""
    axis = (torch.arange(size) * 2 + 1) / size - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack((x, y), -1)[None]


def control(rig: Tensor, name: str) -> Tensor:
    """One control of (B, 20), as (B, 1, 1)."""
    return rig[:, rigs.index(name), None, None]


def rotation(rig: Tensor) -> Tensor:
    """Head to view (B, 3, 3), yaw after pitch; z points to the viewer."""
    yaw, pitch = (torch.deg2rad(rig[:, rigs.index(name)]) for name in ("yaw", "pitch"))
    cy, sy, cp, sp = yaw.cos(), yaw.sin(), pitch.cos(), pitch.sin()
    zero, one = torch.zeros_like(cy), torch.ones_like(cy)
    turn = torch.stack((cy, zero, sy, zero, one, zero, -sy, zero, cy), -1).view(-1, 3, 3)
    nod = torch.stack((one, zero, zero, zero, cp, sp, zero, -sp, cp), -1).view(-1, 3, 3)
    return turn @ nod


def to_head_plane(rig: Tensor, p: Tensor) -> Tensor:
    """Undo shift, scale and roll."""
    x = (p[..., 0] - control(rig, "shift_x")) * (-control(rig, "scale")).exp()
    y = (p[..., 1] - control(rig, "shift_y")) * (-control(rig, "scale")).exp()
    angle = torch.deg2rad(control(rig, "roll"))
    return torch.stack((x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()), -1)


def from_head_plane(rig: Tensor, h: Tensor) -> Tensor:
    """The inverse of `to_head_plane`."""
    angle = torch.deg2rad(control(rig, "roll"))
    x = h[..., 0] * angle.cos() - h[..., 1] * angle.sin()
    y = h[..., 0] * angle.sin() + h[..., 1] * angle.cos()
    size = control(rig, "scale").exp()
    return torch.stack((x * size + control(rig, "shift_x"), y * size + control(rig, "shift_y")), -1)


def _jaw_shift(shape: HeadShape, rig: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """How far the jaw moves a point at upright height y: (dx, dy)."""
    ramp = smooth(((y - shape["mouth_y"]) / (shape.chin_y - shape["mouth_y"])).clamp(0, 1))
    return 0.05 * control(rig, "jaw_side") * ramp, 0.09 * control(rig, "jaw_open") * ramp


def _breadth(shape: HeadShape, y: Tensor) -> Tensor:
    """What makes a head of an ellipse: how broad jaw and skull are at upright height y, as a factor."""
    jaw = shape["jaw_width"] * torch.exp(-(((y - shape.chin_y + 0.2) / 0.22) ** 2))
    return 1 + jaw + 0.14 * torch.exp(-(((y + 0.62) / 0.25) ** 2))


def _close_jaw(shape: HeadShape, rig: Tensor, h: Tensor) -> Tensor:
    x, y = h.unbind(-1)
    rest = y
    for _ in range(_INVERT_STEPS):
        rest = y - _jaw_shift(shape, rig, rest)[1]
    return torch.stack(((x - _jaw_shift(shape, rig, rest)[0]) / _breadth(shape, rest), rest), -1)


def _nose(shape: HeadShape, c: Tensor) -> Tensor:
    """Height of the nose over the ellipsoid: a ridge that ends in a tip."""
    s, t = c.unbind(-1)
    length = torch.where(t < shape["nose_y"], 0.16, 0.05)
    return shape["nose_height"] * torch.exp(-((s / shape["nose_width"]) ** 2) - ((t - shape["nose_y"]) / length) ** 2)


def ray_cast(axes: tuple[Tensor, Tensor, Tensor], center_y: Tensor, turn: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """Nearest point q (B, H, W, 3) of an ellipsoid in its own frame, and the discriminant (> 0 where the ray hits)."""
    origin = torch.stack((h[..., 0], h[..., 1] - center_y, torch.zeros_like(h[..., 0])), -1) @ turn[:, None]  # R^T o
    inverse = torch.stack([1 / axis for axis in axes], -1)  # [B, 1, 1, 3]
    o, d = origin * inverse, turn[:, 2][:, None, None] * inverse  # R^T (0, 0, 1) is R's third row
    a, b, c = (d * d).sum(-1), (o * d).sum(-1), (o * o).sum(-1) - 1
    discriminant = b * b - a * c
    distance = (-b + discriminant.clamp_min(0).sqrt()) / a
    return origin + distance[..., None] * turn[:, 2][:, None, None], discriminant


def _axes(shape: HeadShape) -> tuple[Tensor, Tensor, Tensor]:
    return shape["width"], shape["height"], shape["depth"]


def _unroll(shape: HeadShape, q: Tensor) -> Tensor:
    """Head frame to surface c."""
    sine = (q[..., 1] / shape["height"]).clamp(-0.999, 0.999)
    radius = (1 - sine**2).sqrt()
    longitude = torch.atan2(q[..., 0] / shape["width"], q[..., 2] / shape["depth"])
    return torch.stack((shape["width"] * radius * longitude, q[..., 1] + shape["center_y"]), -1)


def _roll_up(shape: HeadShape, c: Tensor) -> Tensor:
    """The inverse of `_unroll`, with the nose."""
    y = (c[..., 1] - shape["center_y"]).clamp(-0.999 * shape["height"], 0.999 * shape["height"])
    radius = (1 - (y / shape["height"]) ** 2).sqrt()
    longitude = c[..., 0] / (shape["width"] * radius)
    z = shape["depth"] * radius * longitude.cos() + _nose(shape, c)
    return torch.stack((shape["width"] * radius * longitude.sin(), y, z), -1)


def view_to_surface(shape: HeadShape, rig: Tensor, p: Tensor) -> Surface:
    """Which point of the head a pixel shows."""
    turn = rotation(rig)
    h = _close_jaw(shape, rig, to_head_plane(rig, p))
    axis = turn[:, :2, 2][:, None, None]  # where the head's z axis points in the view
    q, discriminant = ray_cast(_axes(shape), shape["center_y"], turn, h)
    c = _unroll(shape, q)
    for _ in range(_SURFACE_STEPS):
        nearest, _ = ray_cast(_axes(shape), shape["center_y"], turn, h - axis * _nose(shape, c)[..., None])
        c = _unroll(shape, nearest)
    squared = torch.stack([axis_length**2 for axis_length in _axes(shape)], -1)
    normal = torch.nn.functional.normalize((q / squared) @ turn.transpose(1, 2)[:, None], dim=-1)
    return Surface(c, discriminant * shape["width"] ** 2, normal)


def surface_to_view(shape: HeadShape, rig: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Where a point of the surface is seen: p (B, H, W, 2), and its facing (> 0: towards the viewer)."""
    q = _roll_up(shape, c)
    turn = rotation(rig)
    seen = q @ turn.transpose(1, 2)[:, None]
    squared = torch.stack([axis**2 for axis in _axes(shape)], -1)
    facing = ((q / squared) @ turn.transpose(1, 2)[:, None])[..., 2]
    h = torch.stack((seen[..., 0], seen[..., 1] + shape["center_y"]), -1)
    dx, dy = _jaw_shift(shape, rig, h[..., 1])
    return from_head_plane(rig, torch.stack((h[..., 0] * _breadth(shape, h[..., 1]) + dx, h[..., 1] + dy), -1)), facing


def _displacements(shape: HeadShape, rig: Tensor) -> list[tuple[Tensor, Tensor, float, float, Tensor, Tensor]]:
    """Smooth displacements of the skin: center x, y, radius x, y, displacement x, y."""
    smile, wide, pucker = control(rig, "smile"), control(rig, "mouth_wide"), control(rig, "pucker")
    inner, outer = control(rig, "brow_inner"), control(rig, "brow_outer")
    zero = torch.zeros_like(smile)
    mouth_y, mouth_w = shape["mouth_y"], shape["mouth_width"]
    bumps = [
        (zero, mouth_y - 0.05, 0.10, 0.05, zero, -0.022 * control(rig, "upper_lip") - 0.006 * pucker),
        (zero, mouth_y + 0.06, 0.10, 0.06, zero, 0.022 * control(rig, "lower_lip") + 0.006 * pucker),
    ]
    for side in (-1, 1):
        bumps.append((side * mouth_w, mouth_y, 0.12, 0.10, side * (0.045 * wide - 0.06 * pucker + 0.02 * smile), -0.05 * smile))
        bumps.append((side * 0.26 + zero, mouth_y - 0.18, 0.11, 0.1, zero, -0.02 * smile))
        bumps.append((side * 0.1 + zero, shape.brow_y, 0.08, 0.075, side * 0.014 * inner, -0.045 * inner))
        bumps.append((side * 0.27 + zero, shape.brow_y, 0.09, 0.075, zero, -0.045 * outer))
    return bumps


def _smooth(shape: HeadShape, rig: Tensor, c: Tensor) -> Tensor:
    total = torch.zeros_like(c)
    for x, y, radius_x, radius_y, dx, dy in _displacements(shape, rig):
        weight = torch.exp(-(((c[..., 0] - x) / radius_x) ** 2) - ((c[..., 1] - y) / radius_y) ** 2)
        total = total + torch.stack((weight * dx, weight * dy), -1)
    return total


@dataclass(frozen=True)
class _Slit:
    center_x: Tensor
    line_y: Tensor
    curve: Tensor
    half_width: Tensor
    up: Tensor
    down: Tensor
    reach_up: float
    reach_down: float

    def opening(self, s: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """At s: height of the closed line, how far the upper and lower edges are from it."""
        x = (s - self.center_x) / self.half_width
        profile = (1 - x * x).clamp_min(0)
        return self.line_y + self.curve * x * x, self.up * profile, self.down * profile

    def close(self, c: Tensor) -> tuple[Tensor, Tensor]:
        """Surface to material, and the signed distance into the opening."""
        line, up, down = self.opening(c[..., 0])
        signed = c[..., 1] - line
        amount = torch.where(signed < 0, up, down)
        reach = torch.where(signed < 0, self.reach_up, self.reach_down)
        distance = signed.abs()
        rest = distance - amount * torch.exp(-(((distance - amount) / reach) ** 2))
        t = line + torch.where(signed < 0, -1.0, 1.0) * rest.clamp_min(0)
        beside = self.half_width - (c[..., 0] - self.center_x).abs()
        return torch.stack((c[..., 0], t), -1), torch.minimum(amount - distance, beside)

    def open(self, m: Tensor) -> Tensor:
        """Material to surface."""
        line, up, down = self.opening(m[..., 0])
        signed = m[..., 1] - line
        amount = torch.where(signed < 0, up, down)
        reach = torch.where(signed < 0, self.reach_up, self.reach_down)
        rest = signed.abs()
        distance = rest + amount
        for _ in range(_INVERT_STEPS):
            distance = rest + amount * torch.exp(-(((distance - amount) / reach) ** 2))
        return torch.stack((m[..., 0], line + torch.where(signed < 0, -1.0, 1.0) * distance.clamp_min(0)), -1)


def _slits(shape: HeadShape, rig: Tensor) -> tuple[_Slit, _Slit, _Slit]:
    jaw, part, pucker = control(rig, "jaw_open"), control(rig, "lips_part"), control(rig, "pucker")
    mouth = _Slit(
        torch.zeros_like(jaw),
        shape["mouth_y"],
        shape["mouth_curve"],
        shape["mouth_width"],
        0.028 * part + 0.012 * jaw + 0.012 * control(rig, "upper_lip").clamp_min(0) * (part > 0.02) + 0.01 * pucker,
        0.028 * part + 0.085 * jaw + 0.01 * pucker,
        0.11,
        0.17,
    )
    eyes = []
    for side in (-1, 1):
        shut = (control(rig, "blink") - side * 0.5 * control(rig, "wink")).clamp(-0.3, 1)
        opened = shape["eye_open"] * (1 - shut)
        zero = torch.zeros_like(shut)
        eyes.append(_Slit(side * shape["eye_x"], shape["eye_y"], zero, shape["eye_width"], opened, 0.35 * opened, 0.055, 0.05))
    return mouth, eyes[0], eyes[1]


def surface_to_skin(shape: HeadShape, rig: Tensor, c: Tensor) -> Skin:
    """Which point of the resting skin lies at a point of the surface."""
    m = c - _smooth(shape, rig, c)
    openings = []
    for slit in _slits(shape, rig):
        m, distance = slit.close(m)
        openings.append(distance)
    return Skin(m, *openings)


def skin_to_surface(shape: HeadShape, rig: Tensor, m: Tensor) -> Tensor:
    """Where on the surface a point of the resting skin lies."""
    for slit in reversed(_slits(shape, rig)):
        m = slit.open(m)
    c = m
    for _ in range(_INVERT_STEPS):
        c = m + _smooth(shape, rig, c)
    return c

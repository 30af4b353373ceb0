"""Renders synthetic heads: images, the masks of mouth and eyes, landmarks and the exact flow between two poses.

Layers from back to front: background, hair behind the head, neck and clothes, head. Geometry is in head_geometry, colors are in
head_textures; nothing here knows of networks or files.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from . import rig as rigs
from .head_geometry import (
    HeadShape,
    Skin,
    control,
    from_head_plane,
    pixel_grid,
    ray_cast,
    rotation,
    skin_to_surface,
    surface_to_skin,
    surface_to_view,
    to_head_plane,
    view_to_surface,
)
from .head_textures import CANVAS_BOUNDS, HeadLook, coin, soft, uniform

_BODY_FOLLOWS = 0.4  # share of the head's shift and scale that the shoulders follow


@dataclass(frozen=True)
class Flow:
    """`grid` (B, r, r, 2): where in the source each pixel of the target is seen, in [-1, 1]; `weight` (B, r, r): 1 where the source
    shows it, 0 where it does not; `mouth`, `eyes` (B, r, r): masks of those regions in the target."""

    grid: Tensor
    weight: Tensor
    mouth: Tensor
    eyes: Tensor


def sample_rigs(generator: torch.Generator, heads: int, frames: int) -> tuple[Tensor, Tensor]:
    """Base poses (heads, 20) and rigs (heads, frames, 20) in natural units, with expressions independent between frames."""

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    rig = torch.zeros(heads, frames, len(rigs.RIG_NAMES))
    base = torch.zeros(heads, len(rigs.RIG_NAMES))
    for name, clip_spread, frame_spread in (
        ("yaw", 5, 6),
        ("pitch", 4, 4.5),
        ("roll", 2.5, 3),
        ("shift_x", 0.03, 0.025),  # the cropper has centered the face: what is left is its error
        ("shift_y", 0.035, 0.025),
        ("scale", 0.05, 0.03),
    ):
        i = rigs.index(name)
        base[:, i] = clip_spread * normal(heads)
        rig[..., i] = base[:, i, None] + frame_spread * normal(heads, frames)
    talking = coin(generator, 0.65, heads, frames)
    spread: dict[str, Tensor] = {
        "jaw_open": talking * (0.45 * normal(heads, frames)).abs(),
        "lips_part": talking * (0.12 + 0.35 * normal(heads, frames)),
        "mouth_wide": 0.4 * normal(heads, frames),
        "smile": 0.15 + 0.45 * normal(heads, frames),
        "pucker": coin(generator, 0.3, heads, frames) * torch.rand(heads, frames, generator=generator),
        "upper_lip": 0.35 * normal(heads, frames),
        "lower_lip": 0.35 * normal(heads, frames),
        "blink": torch.where(
            coin(generator, 0.3, heads, frames) > 0, uniform(generator, 0, 1.3, heads, frames), 0.1 * normal(heads, frames)
        ),
        "wink": coin(generator, 0.1, heads, frames) * 0.6 * normal(heads, frames),
        "gaze_x": 0.35 * normal(heads, frames),
        "gaze_y": 0.3 * normal(heads, frames),
        "brow_inner": 0.45 * normal(heads, frames),
        "brow_outer": 0.4 * normal(heads, frames),
        "jaw_side": 0.2 * normal(heads, frames),
    }
    grin = coin(generator, 0.15, heads, frames)  # teeth shown with the jaw closed: what many portraits do
    spread["lips_part"] = spread["lips_part"] + grin * uniform(generator, 0.4, 1.1, heads, frames)
    spread["smile"] = spread["smile"] + grin * 0.5
    spread["mouth_wide"] = spread["mouth_wide"] + grin * 0.5
    for name, values in spread.items():
        rig[..., rigs.index(name)] = values
    return rigs.clamp(base), rigs.clamp(rig)


def _look_up(texture: Tensor, place: Tensor) -> Tensor:
    return F.grid_sample(texture, place, mode="bilinear", padding_mode="reflection", align_corners=False)


def _body_rig(base: Tensor, rig: Tensor) -> Tensor:
    """The pose of the shoulders: the clip's framing, and a share of the head's shift."""
    body = torch.zeros_like(rig)
    for name in ("shift_x", "shift_y", "scale"):
        i = rigs.index(name)
        body[:, i] = base[:, i] + _BODY_FOLLOWS * (rig[:, i] - base[:, i])
    return body


def _paste(image: Tensor, color: Tensor, alpha: Tensor) -> Tensor:
    return image + alpha[:, None] * (color - image)


def _column(values: Tensor, index: int) -> Tensor:
    return values[:, index, None, None]


def _hair_shell(shape: HeadShape, look_volume: Tensor) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
    width, height, offset = (_column(look_volume, i) for i in range(3))
    return (shape["width"] * width, shape["height"] * height, shape["depth"] * width), shape["center_y"] + offset


def _hair_alpha(shape: HeadShape, look: HeadLook, rig: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
    """Coverage of the hair behind the head, and the point q of its shell."""
    axes, center = _hair_shell(shape, look.hair_volume)
    q, discriminant = ray_cast(axes, center, rotation(rig), to_head_plane(rig, p))
    ragged = _look_up(look.strands, q[..., :2] * 0.7)[:, 0] - _column(look.hair, 0)
    edge = discriminant * shape["width"] ** 2 + _column(look.hair_volume, 4) * 0.4 * ragged
    low = _column(look.hair_volume, 3) - (q[..., 1] + center) + _column(look.hair_volume, 4) * ragged
    return soft(edge, 0.03) * soft(low, 0.08), q


def _body_alpha(shape: HeadShape, look: HeadLook, p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Coverage of the neck and of the clothes, and the shadow under the chin; p in the shoulders' own frame."""
    x, y = p.unbind(-1)
    neck_width, top, curve, collar, kind, _ = (_column(look.body, i) for i in range(6))
    width = neck_width + 0.25 * (y - 0.75).clamp_min(0)
    neck = soft(width - x.abs(), 0.02) * soft(y - 0.25, 0.1)
    shoulder = y - (top + curve * (x.abs() - neck_width).clamp_min(0) ** 1.6)
    neckline = torch.where(kind < 0.4, y - top - collar + 1.2 * x.abs(), y - top + 0.06 - collar * (1 - (x / 0.45) ** 2).clamp_min(0))
    turtle = torch.where(kind > 0.8, soft(width + 0.03 - x.abs(), 0.02) * soft(y - shape.chin_y - 0.08, 0.03), torch.zeros_like(x))
    cloth = torch.maximum(soft(shoulder, 0.02) * soft(neckline, 0.03), turtle)
    shadow = 1 - 0.45 * torch.exp(-(((y - shape.chin_y - 0.03).clamp_min(0) / 0.12) ** 2))
    return neck, cloth, shadow


def _eye_color(shape: HeadShape, look: HeadLook, rig: Tensor, c: Tensor, side: int, depth: Tensor) -> Tensor:
    x = c[..., 0] - side * shape["eye_x"]
    y = c[..., 1] - shape["eye_y"] + 0.35 * shape["eye_open"]
    iris_x, iris_y = x - 0.03 * control(rig, "gaze_x"), y - 0.016 * control(rig, "gaze_y")
    radius = (iris_x**2 + iris_y**2).sqrt()
    white = torch.tensor([0.9, 0.88, 0.86])[None, :, None, None] * (1 - 1.2 * (x / 0.12) ** 2)[:, None]
    white = white * (0.55 + 0.45 * (depth / 0.014).clamp(0, 1))[:, None]  # the lid's shadow
    color = _paste(white, look.iris[..., None, None] * (0.6 + 12 * radius[:, None]), soft(0.035 - radius, 0.008))
    color = _paste(color, look.iris[..., None, None] * 0.3, 0.7 * torch.exp(-(((radius - 0.034) / 0.004) ** 2)))
    color = _paste(color, torch.full((1, 3, 1, 1), 0.03), soft(0.014 - radius, 0.006))
    glint = ((iris_x - 0.012 * look.light[:, :1, None].sign()) ** 2 + (iris_y + 0.011) ** 2) / 0.006**2
    return _paste(color, torch.ones(1, 3, 1, 1), 0.85 * soft(1 - glint, 1.0))


def _mouth_color(shape: HeadShape, look: HeadLook, rig: Tensor, c: Tensor, depth: Tensor) -> Tensor:
    x, y = c[..., 0], c[..., 1] - shape["mouth_y"]
    jaw = control(rig, "jaw_open")
    dark = torch.tensor([0.16, 0.05, 0.05])[None, :, None, None].expand(len(c), 3, *x.shape[1:])
    tongue = (x / 0.085) ** 2 + ((y - 0.025 - 0.075 * jaw) / 0.032) ** 2
    color = _paste(dark, torch.tensor([0.62, 0.28, 0.28])[None, :, None, None], 0.8 * soft(1 - tongue, 0.8))
    gaps = 1 - 0.12 * torch.exp(-(((torch.remainder(x + 0.018, 0.036) - 0.018) / 0.004) ** 2))
    ivory = torch.tensor([0.92, 0.89, 0.83])[None, :, None, None] * (gaps * (1 - 9 * x * x))[:, None]
    arch = shape["teeth"] - 0.6 * x * x
    lower = y - (0.032 + 0.088 * jaw - 0.012) + 0.5 * x * x
    color = _paste(color, ivory * 0.85, soft(lower, 0.008) * soft(0.13 - x.abs(), 0.03))
    color = _paste(color, ivory, soft(arch - y, 0.008) * soft(0.14 - x.abs(), 0.03))
    return color * (0.45 + 0.55 * (depth / 0.016).clamp(0, 1))[:, None]


def _head_color(shape: HeadShape, look: HeadLook, rig: Tensor, c: Tensor, skin: Skin, normal: Tensor, sharpness: float) -> Tensor:
    place = skin.point / skin.point.new_tensor(CANVAS_BOUNDS)
    painted = F.grid_sample(look.canvas, place, mode="bilinear", padding_mode="border", align_corners=False)
    slopes = painted[:, 3:].permute(0, 2, 3, 1)
    bent = F.normalize(normal - torch.cat((slopes, torch.zeros_like(slopes[..., :1])), -1), dim=-1)
    ambient = look.ambient[:, None, None]
    lit = (bent * look.light[:, None, None]).sum(-1).clamp_min(0)
    shade = (ambient + (1.15 - ambient) * lit)[:, None]
    color = painted[:, :3] * shade + 0.06 * (lit[:, None] ** 24)
    for side, depth in ((-1, skin.eye_left), (1, skin.eye_right)):
        color = _paste(color, _eye_color(shape, look, rig, c, side, depth) * (0.5 + 0.5 * shade), soft(depth, sharpness))
    return _paste(color, _mouth_color(shape, look, rig, c, skin.mouth) * shade, soft(skin.mouth, sharpness))


def render(shape: HeadShape, look: HeadLook, base: Tensor, rig: Tensor, size: int, generator: torch.Generator | None = None) -> Tensor:
    """Images (B, 3, size, size) in [-1, 1]. `base`, `rig` (B, 20) in natural units; the generator draws the camera's noise."""
    p = pixel_grid(size).expand(len(rig), -1, -1, -1)
    sharpness = 3.0 / size
    blur = _column(look.body, 5) > 0.5
    back = torch.where(blur[:, None], F.avg_pool2d(look.back, 9, 1, 4, count_include_pad=False), look.back)
    image = _look_up(back, p)
    alpha, q = _hair_alpha(shape, look, rig, p)
    image = _paste(image, _look_up(look.strands, q[..., :2]) * 0.85, alpha)
    body = _body_rig(base, rig)
    b = to_head_plane(body, p)
    neck, cloth, shadow = _body_alpha(shape, look, b)
    image = _paste(image, look.skin[..., None, None] * (0.9 * shadow)[:, None], neck)
    image = _paste(image, _look_up(look.cloth, b * 0.8), cloth)
    surface = view_to_surface(shape, rig, p)
    skin = surface_to_skin(shape, rig, surface.point)
    color = _head_color(shape, look, rig, surface.point, skin, surface.normal, sharpness)
    image = _paste(image, color, soft(surface.inside, 6.0 / size))
    gain, gamma, noise, warmth = (look.camera[:, i, None, None, None] for i in range(4))
    tint = torch.cat((1 + warmth, torch.ones_like(warmth), 1 - warmth), 1)
    image = (image * gain * tint).clamp(1e-4, 1) ** gamma
    if generator is not None:
        image = image + noise * torch.randn(image.shape, generator=generator)
    return image.clamp(0, 1) * 2 - 1


def landmarks(shape: HeadShape, rig: Tensor) -> Tensor:
    """(B, 10, 2) in the view: eye centers, mouth corners, lip edges (upper, lower), inner brows, nose tip, chin."""
    zero = torch.zeros_like(shape["eye_x"])
    points = [
        (-shape["eye_x"], shape["eye_y"]),
        (shape["eye_x"], shape["eye_y"]),
        (-shape["mouth_width"], shape["mouth_y"]),
        (shape["mouth_width"], shape["mouth_y"]),
        (zero, shape["mouth_y"] - 1e-4),
        (zero, shape["mouth_y"] + 1e-4),
        (zero - 0.1, shape.brow_y),
        (zero + 0.1, shape.brow_y),
        (zero, shape["nose_y"]),
        (zero, shape.chin_y - 0.03),
    ]
    m = torch.stack([torch.stack((x, y), -1) for x, y in points], 1)[:, :, 0]  # [B, 10, 1, 2]
    return surface_to_view(shape, rig, skin_to_surface(shape, rig, m))[0][:, :, 0]


def region_masks(shape: HeadShape, skin: Skin, on_head: Tensor) -> tuple[Tensor, Tensor]:
    """Masks (B, r, r) of mouth and eyes, with a margin of skin."""
    s, t = skin.point.unbind(-1)
    mouth = ((s / (shape["mouth_width"] + 0.05)) ** 2 + ((t - shape["mouth_y"]) / 0.1) ** 2 < 1) | (skin.mouth > 0)
    eyes = torch.zeros_like(mouth)
    for side, depth in ((-1, skin.eye_left), (1, skin.eye_right)):
        eyes = eyes | (((s - side * shape["eye_x"]) / 0.13) ** 2 + ((t - shape["eye_y"]) / 0.075) ** 2 < 1) | (depth > 0)
    return (mouth & on_head).float(), (eyes & on_head).float()


def _head_flow(shape: HeadShape, target: Tensor, source: Tensor, c: Tensor, skin: Skin) -> tuple[Tensor, Tensor]:
    """Source place of every head pixel, and whether the source shows it."""
    seen = skin_to_surface(shape, source, skin.point)
    gaze = torch.stack([g * (control(source, n) - control(target, n)) for g, n in ((0.03, "gaze_x"), (0.016, "gaze_y"))], -1)
    in_eye = torch.maximum(skin.eye_left, skin.eye_right) > 0
    in_mouth = skin.mouth > 0
    inner = c + gaze * in_eye[..., None]
    at_source = surface_to_skin(shape, source, inner)
    still_open = torch.where(in_mouth, at_source.mouth > 0, torch.maximum(at_source.eye_left, at_source.eye_right) > 0)
    inside = in_eye | in_mouth
    place, facing = surface_to_view(shape, source, torch.where(inside[..., None], inner, seen))
    return place, (facing > 0.03) & (~inside | still_open)


def flow(shape: HeadShape, look_volume: Tensor, base: Tensor, target: Tensor, source: Tensor, size: int) -> Flow:
    """The exact flow from each pixel of the target pose to the source pose, (B, 20) each, at `size` pixels."""
    p = pixel_grid(size).expand(len(target), -1, -1, -1)
    surface = view_to_surface(shape, target, p)
    skin = surface_to_skin(shape, target, surface.point)
    place, shown = _head_flow(shape, target, source, surface.point, skin)
    on_head = surface.inside > 0
    axes, center = _hair_shell(shape, look_volume)
    turn = rotation(target)
    q, discriminant = ray_cast(axes, center, turn, to_head_plane(target, p))
    on_hair = (discriminant > 0) & (q[..., 1] + center < _column(look_volume, 3)) & ~on_head
    rolled = q @ rotation(source).transpose(1, 2)[:, None]
    hair = from_head_plane(source, torch.stack((rolled[..., 0], rolled[..., 1] + center), -1))
    shoulders = from_head_plane(_body_rig(base, source), to_head_plane(_body_rig(base, target), p))
    low = (p[..., 1] > 0.55 + control(base, "shift_y")) & ~on_head & ~on_hair
    grid = torch.where(low[..., None], shoulders, p)
    grid = torch.where(on_hair[..., None], hair, grid)
    grid = torch.where(on_head[..., None], place, grid)
    weight = torch.where(on_head, shown.float(), torch.ones_like(p[..., 0]))
    weight = weight * (grid.abs().amax(-1) < 1).float()
    mouth, eyes = region_masks(shape, skin, on_head)
    return Flow(grid, weight, mouth, eyes)

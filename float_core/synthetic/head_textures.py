"""Colors of the synthetic heads: noise and photo textures, and a canvas with the skin of one head in material coordinates.

A canvas holds what is painted on the resting skin (lips, brows, lids, hair, beard) and the slopes of small relief, so that one lookup for
each pixel renders any pose and expression. Knows nothing of poses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .head_geometry import HeadShape

CANVAS_BOUNDS = (1.25, 1.0)  # s and t reach from minus to plus these
_CANVAS_SIZE = (384, 480)  # t, s
_SKINS = torch.tensor(
    [(0.24, 0.15, 0.11), (0.40, 0.26, 0.19), (0.58, 0.40, 0.30), (0.74, 0.54, 0.43), (0.85, 0.66, 0.56), (0.93, 0.78, 0.70)]
)
_HAIRS = torch.tensor(
    [
        (0.04, 0.035, 0.03),
        (0.10, 0.07, 0.05),
        (0.22, 0.14, 0.09),
        (0.38, 0.26, 0.15),
        (0.60, 0.46, 0.28),
        (0.55, 0.55, 0.55),
        (0.42, 0.18, 0.09),
    ]
)
_IRISES = torch.tensor([(0.12, 0.07, 0.04), (0.25, 0.15, 0.07), (0.25, 0.33, 0.2), (0.25, 0.38, 0.52), (0.35, 0.4, 0.42)])


def uniform(generator: torch.Generator, low: float, high: float, *shape: int) -> Tensor:
    """Uniform numbers in [low, high)."""
    return low + (high - low) * torch.rand(*shape, generator=generator)


def coin(generator: torch.Generator, probability: float, *shape: int) -> Tensor:
    """1.0 with the given probability, else 0.0."""
    return (torch.rand(*shape, generator=generator) < probability).float()


def natural_noise(generator: torch.Generator, size: int, falloff: float) -> Tensor:
    """(3, size, size) in [0, 1] with the spectrum 1 / f^falloff, as natural images have; periodic at the edges."""
    frequency = torch.fft.fftfreq(size)
    radius = (frequency[:, None] ** 2 + frequency[None] ** 2).sqrt().clamp_min(1 / size)
    spectrum = torch.fft.fft2(torch.randn(3, size, size, generator=generator)) / radius**falloff
    noise = torch.fft.ifft2(spectrum).real
    mixed = torch.einsum("ij,jhw->ihw", 0.4 * torch.eye(3) + torch.rand(3, 3, generator=generator), noise)
    return (0.5 + 0.2 * (mixed - mixed.mean((1, 2), keepdim=True)) / mixed.std((1, 2), keepdim=True)).clamp(0, 1)


def photo_textures(size: int) -> list[Tensor]:
    """The photographs without people in scikit-image's wheel, as (3, size, size) in [0, 1]."""
    import skimage.data
    import skimage.transform

    names = ("brick", "chelsea", "coffee", "coins", "grass", "gravel", "hubble_deep_field", "immunohistochemistry", "rocket", "moon")
    textures = []
    for name in names:
        image = torch.as_tensor(skimage.transform.resize(getattr(skimage.data, name)(), (size, size), anti_aliasing=True)).float()
        image = image[..., None].expand(-1, -1, 3) if image.ndim == 2 else image[..., :3]
        textures.append(image.permute(2, 0, 1).contiguous())
    return textures


@dataclass(frozen=True)
class TexturePool:
    """Textures (N, 3, size, size) in [0, 1], made once, because noise costs more time than rendering."""

    textures: Tensor

    @classmethod
    def make(cls, generator: torch.Generator, noises: int = 48, size: int = 256) -> TexturePool:
        """Noise of several falloffs, and the photographs."""
        falloffs = uniform(generator, 1.1, 2.4, noises).tolist()
        return cls(torch.stack([natural_noise(generator, size, f) for f in falloffs] + photo_textures(size)))

    def draw(self, generator: torch.Generator, count: int) -> Tensor:
        """(count, 3, size, size) with random colors, contrast and mirrorings."""
        chosen = self.textures[torch.randint(len(self.textures), (count,), generator=generator)]
        gain = uniform(generator, 0.3, 1.2, count, 3, 1, 1) * uniform(generator, 0.5, 1.1, count, 1, 1, 1)
        offset = uniform(generator, -0.1, 0.4, count, 1, 1, 1)
        flipped = torch.where(coin(generator, 0.5, count, 1, 1, 1) > 0, chosen.flip(-1), chosen)
        return (flipped * gain + offset).clamp(0, 1)


@dataclass(frozen=True)
class HeadLook:
    """Everything but the shape of B heads. `canvas` (B, 5, h, w): color and two slopes; `back` (B, 3, n, n) background;
    `cloth`, `strands` (B, 3, n, n); colors (B, 3); `hair_volume` (B, 5): shell width, height, offset, lower cut, raggedness;
    `body` (B, 6): neck width, shoulder height, shoulder curve, collar depth, collar kind, blur of the background."""

    canvas: Tensor
    back: Tensor
    cloth: Tensor
    strands: Tensor
    skin: Tensor
    hair: Tensor
    iris: Tensor
    light: Tensor
    ambient: Tensor
    hair_volume: Tensor
    body: Tensor
    camera: Tensor  # (B, 4): gain, gamma, noise, warmth


def _mix_palette(generator: torch.Generator, palette: Tensor, count: int, jitter: float) -> Tensor:
    place = uniform(generator, 0, len(palette) - 1.001, count)
    low = place.long()
    weight = (place - low)[:, None]
    color = palette[low] * (1 - weight) + palette[low + 1] * weight
    return (color * (1 + jitter * torch.randn(count, 3, generator=generator))).clamp(0.02, 0.97)


def soft(x: Tensor, width: float) -> Tensor:
    """0 to 1 around x = 0 over the given width."""
    return torch.sigmoid(x * (4 / width))


def _over(canvas: Tensor, color: Tensor, alpha: Tensor) -> Tensor:
    """Paints color (B, 3) or (B, 3, h, w) with alpha (B, h, w)."""
    color = color[..., None, None] if color.ndim == 2 else color
    return canvas + alpha[:, None] * (color - canvas)


def canvas_coordinates() -> tuple[Tensor, Tensor]:
    """s and t of the canvas' pixels, each (1, h, w)."""
    height, width = _CANVAS_SIZE
    s = ((torch.arange(width) * 2 + 1) / width - 1) * CANVAS_BOUNDS[0]
    t = ((torch.arange(height) * 2 + 1) / height - 1) * CANVAS_BOUNDS[1]
    return s[None, None].expand(1, height, width), t[None, :, None].expand(1, height, width)


def _texture_on_canvas(texture: Tensor, repeat: float = 1.0) -> Tensor:
    size = (int(_CANVAS_SIZE[0] * repeat), int(_CANVAS_SIZE[1] * repeat))
    return F.interpolate(texture, size=size, mode="bilinear", align_corners=False)[..., : _CANVAS_SIZE[0], : _CANVAS_SIZE[1]]


def _relief(shape: HeadShape, s: Tensor, t: Tensor, strength: Tensor) -> Tensor:
    """Slopes (B, 2, h, w) of eye sockets, lips, chin and the sides of the nose, which only the light shows."""

    def bump(x: Tensor | float, y: Tensor | float, radius_x: float, radius_y: float) -> Tensor:
        return torch.exp(-(((s - x) / radius_x) ** 2) - ((t - y) / radius_y) ** 2)

    height = 0.02 * bump(0, shape["mouth_y"] + 0.03, 0.12, 0.035) + 0.018 * bump(0, shape["mouth_y"] - 0.025, 0.12, 0.025)
    height = height + 0.03 * bump(0, shape.chin_y - 0.12, 0.12, 0.08) - 0.016 * bump(0, shape["mouth_y"] + 0.095, 0.13, 0.03)
    height = height + 0.05 * bump(0, shape["nose_y"], 0.06, 0.05) + 0.03 * bump(0, shape["nose_y"] - 0.12, 0.045, 0.12)
    for side in (-1, 1):
        height = height - 0.03 * bump(side * shape["eye_x"], shape["eye_y"] - 0.02, 0.11, 0.07)
        height = height + 0.02 * bump(side * shape["eye_x"], shape.brow_y, 0.13, 0.04)
        height = height + 0.022 * bump(side * 0.065, shape["nose_y"] + 0.03, 0.03, 0.03)
        height = height + 0.03 * bump(side * 0.27, shape["nose_y"] + 0.02, 0.11, 0.1)
    slope_t, slope_s = torch.gradient(height * strength[:, None, None], dim=(1, 2))
    return torch.stack((slope_s * _CANVAS_SIZE[1] / (2 * CANVAS_BOUNDS[0]), slope_t * _CANVAS_SIZE[0] / (2 * CANVAS_BOUNDS[1])), 1)


def _paint_eyes(canvas: Tensor, shape: HeadShape, s: Tensor, t: Tensor, hair: Tensor, generator: torch.Generator) -> Tensor:
    count = len(canvas)
    shadow, lash = uniform(generator, 0, 0.5, count, 1, 1), uniform(generator, 0.3, 1, count, 1, 1)
    thickness = uniform(generator, 0.008, 0.024, count, 1, 1)
    strength, arch = uniform(generator, 0.35, 0.95, count, 1, 1), uniform(generator, 0.01, 0.05, count, 1, 1)
    bags = uniform(generator, 0, 0.35, count, 1, 1)
    for side in (-1, 1):
        x = (s - side * shape["eye_x"]) / shape["eye_width"]
        y = t - shape["eye_y"]
        near = soft(1.15 - x.abs(), 0.3)
        canvas = _over(canvas, hair * 0.5, shadow * near * torch.exp(-(((y + 0.012) / 0.022) ** 2)))
        canvas = _over(canvas, canvas * 0.6, bags * near * torch.exp(-(((y - 0.035) / 0.014) ** 2)))
        canvas = _over(canvas, hair * 0.3, 0.55 * near * torch.exp(-(((y + 0.034 + 0.02 * x * x) / 0.007) ** 2)))  # lid crease
        canvas = _over(canvas, hair * 0.2, lash * near * torch.exp(-(((y + 0.003) / 0.007) ** 2)))
        along = (s * side - shape["eye_x"]) / 0.13  # -1 inner end to +1 outer end
        middle = shape.brow_y + shape["brow_tilt"] * along - arch * (1 - along**2) + 0.015
        taper = thickness * (1.15 - 0.5 * along.clamp(-1, 1.4))
        canvas = _over(canvas, hair * 0.7, strength * soft(1 - along.abs(), 0.35) * soft(taper - (t - middle).abs(), 0.014))
    return canvas


def _paint_nose_and_lips(canvas: Tensor, shape: HeadShape, s: Tensor, t: Tensor, skin: Tensor, generator: torch.Generator) -> Tensor:
    count = len(canvas)
    for side in (-1, 1):
        nostril = ((s - side * 0.035) / 0.02) ** 2 + ((t - shape["nose_y"] - 0.055) / 0.011) ** 2
        canvas = _over(canvas, skin * 0.25, 0.8 * soft(1 - nostril, 0.8))
        fold = side * s - 0.08 - 0.45 * (t - shape["nose_y"]).clamp(0, 0.22)
        strength = uniform(generator, 0, 0.3, count, 1, 1)
        canvas = _over(
            canvas, skin * 0.55, strength * torch.exp(-((fold / 0.012) ** 2)) * soft(0.11 - (t - shape["nose_y"] - 0.1).abs(), 0.08)
        )
    canvas = _over(canvas, skin * 0.6, 0.35 * torch.exp(-((s / 0.07) ** 2) - ((t - shape["nose_y"] - 0.075) / 0.02) ** 2))
    redness = torch.stack(
        (uniform(generator, 0.8, 1.1, count), uniform(generator, 0.4, 0.85, count), uniform(generator, 0.45, 0.9, count)), 1
    )
    lips = (skin * redness).clamp(0, 1)
    x = s / shape["mouth_width"]
    line = shape["mouth_y"] + shape["mouth_curve"] * x * x
    upper = shape["lip_upper"] * (1 - x * x).clamp_min(0) * (0.85 + 0.3 * (x.abs() / 0.3).clamp(0, 1) * (1 - x.abs()).clamp_min(0))
    lower = shape["lip_lower"] * (1 - x * x).clamp_min(0) ** 0.8
    inside = torch.minimum(t - (line - upper), line + lower - t)
    canvas = _over(canvas, lips, uniform(generator, 0.5, 1, count, 1, 1) * soft(inside, 0.012) * soft(1 - x.abs(), 0.15))
    shine = torch.exp(-((s / 0.06) ** 2) - ((t - line - 0.45 * shape["lip_lower"]) / 0.01) ** 2)
    canvas = _over(canvas, (lips + 0.35).clamp(0, 1), 0.35 * shine)
    return _over(canvas, lips * 0.25, 0.85 * soft(1.04 - x.abs(), 0.12) * torch.exp(-(((t - line) / 0.006) ** 2)))


def _paint_hair(
    canvas: Tensor, shape: HeadShape, s: Tensor, t: Tensor, strands: Tensor, skin: Tensor, generator: torch.Generator
) -> Tensor:
    count = len(canvas)
    ragged = _texture_on_canvas(strands)[:, 0] - 0.5
    beard = coin(generator, 0.18, count, 1, 1) * uniform(generator, 0.2, 0.9, count, 1, 1)
    low_face = soft(t - shape["nose_y"] - 0.16 + 0.35 * (s.abs() - 0.1).clamp_min(0) + 0.12 * ragged, 0.1)
    lips = ((s / (shape["mouth_width"] + 0.01)) ** 2 + ((t - shape["mouth_y"]) / 0.05) ** 2 < 1).float()
    canvas = _over(canvas, _texture_on_canvas(strands) * 0.8, beard * low_face * (1 - lips))
    hairline = uniform(generator, -0.68, -0.42, count, 1, 1)
    fringe = uniform(generator, -0.25, 0.75, count, 1, 1)
    parting = uniform(generator, -0.3, 0.3, count, 1, 1)
    top = hairline + fringe * (s - parting) ** 2 + 0.18 * ragged - t
    temple = uniform(generator, 0.40, 0.6, count, 1, 1)
    sideburn = uniform(generator, -0.15, 0.5, count, 1, 1)
    sides = torch.minimum(s.abs() - temple + 0.15 * ragged, 0.8 * (sideburn - t))
    hair = (1 - coin(generator, 0.08, count, 1, 1)) * soft(torch.maximum(top, sides), 0.05)
    return _over(canvas, _texture_on_canvas(strands), hair)


def _paint_glasses(canvas: Tensor, shape: HeadShape, s: Tensor, t: Tensor, generator: torch.Generator) -> Tensor:
    count = len(canvas)
    worn = coin(generator, 0.1, count, 1, 1)
    frame = uniform(generator, 0, 0.6, count, 3)
    radius_x, radius_y = uniform(generator, 0.11, 0.15, count, 1, 1), uniform(generator, 0.08, 0.12, count, 1, 1)
    for side in (-1, 1):
        ring = (((s - side * shape["eye_x"]) / radius_x) ** 4 + ((t - shape["eye_y"]) / radius_y) ** 4).clamp_min(1e-6) ** 0.25 - 1
        canvas = _over(canvas, frame, worn * torch.exp(-((ring / 0.09) ** 2)))
    bridge = torch.exp(-(((t - shape["eye_y"] + 0.02) / 0.009) ** 2)) * soft(shape["eye_x"] - radius_x - s.abs(), 0.01)
    temple = torch.exp(-(((t - shape["eye_y"] + 0.02) / 0.012) ** 2)) * soft(s.abs() - shape["eye_x"] - radius_x, 0.01)
    return _over(canvas, frame, worn * torch.maximum(bridge, temple))


def _strand_texture(pool: TexturePool, hair: Tensor, generator: torch.Generator) -> Tensor:
    """Noise, squeezed across the strands, in the color of the hair."""
    texture = pool.draw(generator, len(hair)).mean(1, keepdim=True)
    size = texture.shape[-1]
    texture = F.interpolate(texture[:, :, : size // 4], size=(size, size), mode="bilinear", align_corners=False)
    texture = (texture - texture.mean((2, 3), keepdim=True)) / texture.std((2, 3), keepdim=True).clamp_min(0.02)
    contrast = uniform(generator, 0.1, 0.45, len(hair), 1, 1, 1)
    return (hair[..., None, None] * (1 + contrast * texture) + 0.02 * texture).clamp(0, 1)


def sample_look(shape: HeadShape, pool: TexturePool, generator: torch.Generator) -> HeadLook:
    """Colors, textures, light, clothes and camera of B heads."""
    count = len(shape.values)
    s, t = canvas_coordinates()
    skin, hair = _mix_palette(generator, _SKINS, count, 0.05), _mix_palette(generator, _HAIRS, count, 0.1)
    strands = _strand_texture(pool, hair, generator)
    grain = _texture_on_canvas(pool.draw(generator, count)) - 0.5
    canvas = skin[..., None, None] * (1 + uniform(generator, 0, 0.3, count, 1, 1, 1) * grain)
    for side in (-1, 1):
        blush = torch.exp(-(((s - side * 0.27) / 0.12) ** 2) - ((t - 0.1) / 0.1) ** 2)
        canvas = _over(canvas, skin * torch.tensor([1.08, 0.8, 0.8]), uniform(generator, 0, 0.6, count, 1, 1) * blush)
    painted = coin(generator, 0.12, count, 1, 1, 1)  # some heads wear a photograph: the decoder must carry any texture
    canvas = canvas + painted * 0.8 * (_texture_on_canvas(pool.draw(generator, count)) - canvas)
    canvas = _paint_eyes(canvas, shape, s, t, hair, generator)
    canvas = _paint_nose_and_lips(canvas, shape, s, t, skin, generator)
    canvas = _paint_hair(canvas, shape, s, t, strands, skin, generator)
    canvas = _paint_glasses(canvas, shape, s, t, generator)
    slopes = _relief(shape, s, t, uniform(generator, 0.6, 1.3, count))
    light = F.normalize(
        torch.stack((uniform(generator, -0.9, 0.9, count), uniform(generator, -1.0, 0.1, count), uniform(generator, 0.5, 1.2, count)), 1),
        dim=1,
    )
    volume = torch.stack(
        (
            uniform(generator, 1.0, 1.5, count),
            uniform(generator, 1.02, 1.3, count),
            uniform(generator, -0.12, 0.02, count),
            torch.where(coin(generator, 0.3, count) > 0, 2.0, uniform(generator, -0.3, 0.5, count)),
            uniform(generator, 0.02, 0.2, count),
        ),
        1,
    )
    body = torch.stack(
        (
            uniform(generator, 0.2, 0.34, count),
            uniform(generator, 0.62, 1.0, count),
            uniform(generator, 0.2, 0.9, count),
            uniform(generator, -0.1, 0.35, count),
            torch.rand(count, generator=generator),
            torch.rand(count, generator=generator),
        ),
        1,
    )
    camera = torch.stack(
        (
            uniform(generator, 0.75, 1.15, count),
            uniform(generator, 0.8, 1.25, count),
            uniform(generator, 0, 0.02, count),
            uniform(generator, -0.08, 0.08, count),
        ),
        1,
    )
    iris = _mix_palette(generator, _IRISES, count, 0.1)
    return HeadLook(
        torch.cat((canvas.clamp(0, 1), slopes), 1),
        pool.draw(generator, count),
        pool.draw(generator, count),
        strands,
        skin,
        hair,
        iris,
        light,
        uniform(generator, 0.45, 0.85, count),
        volume,
        body,
        camera,
    )


def repeat_look(look: HeadLook, indices: Sequence[int] | Tensor) -> HeadLook:
    """The looks at those indices."""
    return HeadLook(*[value[torch.as_tensor(indices)] for value in vars(look).values()])

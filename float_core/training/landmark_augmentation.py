"""Batches for the landmark network: crops of the samples at random places, sizes, turns and in a mirror, in other light, blurred, noisy,
compressed, with things before the face; and crops that miss it."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ..face.landmark_network import ANGLE_UNIT, CROP
from ..face.landmark_points import MIRROR
from ..face.landmarks import REACH
from .landmark_samples import Samples

_OFF = 0.08  # share of the crops that miss the face
_OCCLUDED, _SOFT, _GRAY, _COMPRESSED, _NOISY = 0.25, 0.25, 0.06, 0.08, 0.2  # shares of the crops


@dataclass(frozen=True, eq=False)
class Batch:
    """`images` (B, 3, CROP, CROP) in [-1, 1]; `points` (B, N, 2) in [-1, 1] of the crop, `visible` (B, N); `pose` (B, 3) in ANGLE_UNIT;
    `openings` (B, 3); `face` (B,). NaN where nothing is known."""

    images: Tensor
    points: Tensor
    visible: Tensor
    pose: Tensor
    openings: Tensor
    face: Tensor


@dataclass(frozen=True, eq=False)
class Frames:
    """Squares to cut, in [-1, 1] of the sample: `middle` (B, 2), `half` (B,) their half side, `roll` (B,) in radians; `mirrored` (B,)."""

    middle: Tensor
    half: Tensor
    roll: Tensor
    mirrored: Tensor

    def axes(self) -> tuple[Tensor, Tensor]:
        """The crop's own x and y axis in the sample, (B, 2) each."""
        c, s = self.half * torch.cos(self.roll), self.half * torch.sin(self.roll)
        sign = torch.where(self.mirrored, -1.0, 1.0)
        return torch.stack([c, s], -1) * sign[:, None], torch.stack([-s, c], -1)

    def cut(self, images: np.ndarray, outside: np.ndarray) -> Tensor:
        """(B, 3, CROP, CROP) in [0, 1] from (B, S, S, 3) uint8, with the colors (B, 3) beyond the border. Pillow needs a third of
        grid_sample's time."""
        x, y = (axis.double() for axis in self.axes())
        scale = images.shape[1] / 2
        corner = scale * (self.middle.double() + 1 - x - y)
        maps = torch.stack([x * (2 * scale / CROP), y * (2 * scale / CROP), corner], -1).flatten(1).tolist()
        crops = [
            np.asarray(
                Image.fromarray(image).transform(
                    (CROP, CROP), Image.Transform.AFFINE, one, Image.Resampling.BILINEAR, fillcolor=tuple(color)
                )
            )
            for image, one, color in zip(images, maps, outside.tolist(), strict=True)
        ]
        return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255

    def into_crop(self, points: Tensor) -> Tensor:
        """Points (B, N, 2) of the sample in the crop, in the mirrored order where it is mirrored."""
        x, y = self.axes()
        offset = (points - self.middle[:, None]) / self.half.square()[:, None, None]
        seen = torch.stack([(offset * x[:, None]).sum(-1), (offset * y[:, None]).sum(-1)], -1)
        return torch.where(self.mirrored[:, None, None], seen[:, list(MIRROR)], seen)


def draw_batch(samples: Samples, chosen: np.ndarray, generator: torch.Generator, *, plain: bool = False) -> Batch:
    """A batch of the chosen samples. `plain`: the face in the middle, nothing changed."""
    facts = {name: torch.from_numpy(getattr(samples, name)[chosen]) for name in ("points", "pose", "openings", "frame", "face")}
    frames, off = _frames(facts["frame"], generator, plain)
    gray = torch.rand(len(chosen), 1, generator=generator) < 0.3  # most images end in black, as crops of full images do
    outside = (torch.randint(256, (len(chosen), 3), generator=generator) * (gray & (not plain))).numpy()
    crops = frames.cut(samples.images[chosen], outside)
    points = frames.into_crop(facts["points"])
    visible = (points.abs() < 1).all(-1).float()
    if not plain:
        crops, hidden = _occlude(crops, points, generator)
        visible = visible * (1 - hidden)
        crops = _develop(crops, generator)
    face = facts["face"] & ~off
    pose, openings = _facts_in_crop(facts["pose"], facts["openings"], frames)
    unknown = ~face
    points, pose, openings = (value.masked_fill(unknown.view(-1, *[1] * (value.ndim - 1)), torch.nan) for value in (points, pose, openings))
    return Batch(crops.clamp(0, 1) * 2 - 1, points, visible, pose, openings, face.float())


def _uniform(generator: torch.Generator, low: float, high: float, *shape: int) -> Tensor:
    return low + (high - low) * torch.rand(*shape, generator=generator)


def _frames(frame: Tensor, generator: torch.Generator, plain: bool) -> tuple[Frames, Tensor]:
    """Half of the squares are near to those of the second look, upright and centered; the others as far off as the first look may be. A few
    miss the face: `off` (B,)."""
    count = len(frame)
    middle, half, roll = frame[:, :2], frame[:, 2] * REACH, frame[:, 3]
    none = torch.zeros(count, dtype=torch.bool)
    if plain:
        return Frames(middle, half, roll, none), none
    near = torch.rand(count, generator=generator) < 0.5
    spread = torch.where(near, 0.05, 0.14)[:, None]
    shift = spread * _uniform(generator, -1, 1, count, 2) * half[:, None]
    zoom = torch.exp(torch.where(near, 0.06, 0.2) * _uniform(generator, -1, 1, count))
    turn = torch.where(near, 0.1 * torch.randn(count, generator=generator), _uniform(generator, -np.pi / 4, np.pi / 4, count))
    mirrored = torch.rand(count, generator=generator) < 0.5
    off = torch.rand(count, generator=generator) < _OFF
    away, far = _uniform(generator, 0, 2 * np.pi, count), _uniform(generator, 1.05, 1.6, count)
    offset = torch.stack([away.cos(), away.sin()], -1) * (far * half)[:, None]
    tiny = torch.where(torch.rand(count, generator=generator) < 0.3, 0.25, 0.7)  # a piece of cheek, or a neighbor of the face's own size
    missed = torch.where((tiny < 0.5)[:, None], 0.4 * offset, offset)
    shift = torch.where(off[:, None], missed, shift)
    zoom = torch.where(off, tiny * torch.exp(_uniform(generator, -0.2, 0.2, count)), zoom)
    return Frames(middle + shift, half * zoom, roll + turn, mirrored), off


def _facts_in_crop(pose: Tensor, openings: Tensor, frames: Frames) -> tuple[Tensor, Tensor]:
    yaw, pitch, roll = pose.unbind(-1)
    roll = roll - torch.rad2deg(frames.roll)
    sign = torch.where(frames.mirrored, -1.0, 1.0)
    swapped = torch.where(frames.mirrored[:, None], openings[:, [0, 2, 1]], openings)
    return torch.stack([yaw * sign, pitch, roll * sign], -1) / ANGLE_UNIT, swapped


def _occlude(crops: Tensor, points: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Boxes, discs and hands with fingers before some of the crops, and which points (B, N) they hide."""
    count = len(crops)
    some = torch.nonzero(torch.rand(count, generator=generator) < _OCCLUDED)[:, 0]
    hidden = torch.zeros(points.shape[:2])
    if not len(some):
        return crops, hidden
    n = len(some)
    start, angle = _uniform(generator, -1, 1, n, 2), _uniform(generator, 0, 2 * np.pi, n)
    along = torch.stack([angle.cos(), angle.sin()], -1)
    across = torch.stack([-along[:, 1], along[:, 0]], -1)
    kind = torch.randint(3, (n,), generator=generator)
    size = _uniform(generator, 0.12, 0.45, n, 2)
    fingers = _uniform(generator, 0.09, 0.14, n)

    def covers(where: Tensor) -> Tensor:
        offset = where - start[:, None]
        u, v = ((offset * axis[:, None]).sum(-1) for axis in (along, across))
        box = (u.abs() < size[:, :1]) & (v.abs() < size[:, 1:])
        disc = (u / size[:, :1]) ** 2 + (v / size[:, 1:]) ** 2 < 1
        reach = 0.8 - 0.15 * torch.round(v / fingers[:, None]).abs()
        gap = (v / fingers[:, None] - torch.round(v / fingers[:, None])).abs() < 0.42
        hand = (v.abs() < 2.4 * fingers[:, None]) & (u > -0.5) & ((u < 0) | (gap & (u < reach)))
        return torch.where((kind == 0)[:, None], box, torch.where((kind == 1)[:, None], disc, hand))

    axis = (torch.arange(CROP) * 2 + 1) / CROP - 1
    places = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1).reshape(1, -1, 2)
    mask = covers(places).view(n, 1, CROP, CROP).float()
    mask = F.avg_pool2d(mask, 3, 1, 1)
    other = crops[torch.randperm(count, generator=generator)[:n]].flip(-2)
    tint = torch.rand(n, 3, 1, 1, generator=generator)
    skin = crops[some].mean((2, 3), keepdim=True)  # near the color of the face: hands
    color = torch.where((kind == 2).view(-1, 1, 1, 1), skin * _uniform(generator, 0.7, 1.3, n, 1, 1, 1), tint)
    share = torch.where(torch.rand(n, 1, 1, 1, generator=generator) < 0.4, 0.8, 0.15)
    crops = crops.clone()
    crops[some] = torch.lerp(crops[some], torch.lerp(color.expand_as(other), other, share), mask)
    hidden[some] = covers(points[some].nan_to_num(9.0)).float()
    return crops, hidden


def _develop(crops: Tensor, generator: torch.Generator) -> Tensor:
    """Blur, light, color, noise, compression."""
    count = len(crops)

    def some(share: float) -> Tensor:
        return torch.nonzero(torch.rand(count, generator=generator) < share)[:, 0]

    if len(soft := some(_SOFT)):
        side = int(torch.randint(CROP // 4, CROP * 3 // 4, (), generator=generator))
        small = F.interpolate(crops[soft], (side, side), mode="area")
        crops[soft] = F.interpolate(small, (CROP, CROP), mode="bilinear", align_corners=False)
    if len(gray := some(_GRAY)):
        crops[gray] = crops[gray].mean(1, keepdim=True).expand(-1, 3, -1, -1)
    gain = _uniform(generator, 0.6, 1.4, count, 1, 1, 1) * _uniform(generator, 0.88, 1.12, count, 3, 1, 1)
    offset = _uniform(generator, -0.12, 0.12, count, 1, 1, 1)
    ramp = torch.linspace(-1, 1, CROP).view(1, 1, 1, -1) * _uniform(generator, -0.25, 0.25, count, 1, 1, 1)  # light from one side
    crops = crops.mul_(gain * (1 + ramp)).add_(offset).clamp_(0, 1)
    crops = crops * (1 + _uniform(generator, -0.5, 0.5, count, 1, 1, 1) * (1 - crops))  # middle tones, cheaper than a power
    if len(noisy := some(_NOISY)):
        strength = _uniform(generator, 0, 0.08, len(noisy), 1, 1, 1)
        crops[noisy] += strength * torch.randn(crops[noisy].shape, generator=generator)
    for number in some(_COMPRESSED).tolist():
        crops[number] = _compressed(crops[number], int(torch.randint(15, 70, (), generator=generator)))
    return crops


def _compressed(crop: Tensor, quality: int) -> Tensor:
    file = io.BytesIO()
    Image.fromarray((crop.clamp(0, 1) * 255).byte().permute(1, 2, 0).numpy()).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).float() / 255

"""The network that reads a face: points, what hides them, pose, how far lips and lids are open, and whether it is a face at all.

First the whole crop at low resolution, then eyes and mouth again, cut from the crop at the places that were found: a coarse and a fine
look. The right eye is looked at in a mirror, so that both eyes share one small network.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .landmark_points import LEFT_EYE, LEFT_LIDS, LIP_OUTER_LOWER, LIP_OUTER_UPPER, MOUTH, POINTS, RIGHT_EYE, RIGHT_LIDS, places

CROP = 128  # pixels a side of what the network looks at
ANGLE_UNIT = 30.0  # degrees
_EYE_REACH, _MOUTH_REACH = 0.85, 0.75  # half a patch's side, in widths of the eye and of the mouth


@dataclass(frozen=True)
class LandmarkConfig:
    """`coarse`: pixels a side of the coarse look; `widths`: its channels at 1/2, 1/4, 1/8 and 1/16 of that; `hidden`: of its last layer;
    `patch`: pixels a side of the fine look; `fine`: its channels at 1/2, 1/4 and 1/8 of that."""

    coarse: int = 64
    widths: tuple[int, int, int, int] = (32, 64, 96, 128)
    hidden: int = 192
    patch: int = 32
    fine: tuple[int, int, int] = (32, 64, 64)


@dataclass(frozen=True, eq=False)
class Reading:
    """What the network says about B crops. `points` (B, N, 2) in [-1, 1] of the crop, coarse and fine ones together; `coarse`: all of the
    coarse look; `visible` (B, N) and `face` (B,): logits; `pose` (B, 3): yaw, pitch, roll in ANGLE_UNIT; `openings` (B, 3): lips in head
    units, lids as height over width."""

    points: Tensor
    coarse: Tensor
    visible: Tensor
    face: Tensor
    pose: Tensor
    openings: Tensor


@dataclass(frozen=True, eq=False)
class Patches:
    """Where the fine look goes, in the crop: `middle` (B, 3, 2) of left eye, right eye and mouth, and `axis` (B, 3, 2), half a patch's side
    along the line of its corners, to the image's right."""

    middle: Tensor
    axis: Tensor

    @classmethod
    def around(cls, points: Tensor) -> Patches:
        """Around eyes and mouth of points (B, N, 2)."""
        ends = [(LEFT_LIDS[0][0], LEFT_LIDS[0][-1]), (RIGHT_LIDS[0][0], RIGHT_LIDS[0][-1]), (LIP_OUTER_UPPER[0], LIP_OUTER_UPPER[-1])]
        left, right = (points[:, list(places(side))] for side in zip(*ends, strict=True))
        middle = (left + right) / 2
        lips = points[:, list(places((*LIP_OUTER_UPPER, *LIP_OUTER_LOWER)))].mean(1)
        middle = torch.cat([middle[:, :2], lips[:, None]], 1)
        # a mouth that opens is higher than wide, and narrows: its patch follows the eyes' distance, which no expression changes
        eyes = middle[:, 1] - middle[:, 0]
        axis = torch.cat([_EYE_REACH * (right - left)[:, :2], (_MOUTH_REACH * eyes)[:, None]], 1)
        return cls(middle, axis)

    def to_crop(self, local: Tensor) -> Tensor:
        """(B, 3, n, 2) from patches ([-1, 1]) to the crop."""
        x, y = local[..., :1], local[..., 1:]
        across = torch.stack([-self.axis[..., 1], self.axis[..., 0]], -1)
        return self.middle[:, :, None] + x * self.axis[:, :, None] + y * across[:, :, None]


def _unit(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    padding = (kernel - stride + 1) // 2
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _unit(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class _CloserLook(nn.Module):
    """Patches of both eyes and the mouth to their points and openings; eyes and mouth share all but the last layer."""

    def __init__(self, config: LandmarkConfig) -> None:
        super().__init__()
        a, b, c = config.fine
        self.body = nn.Sequential(_unit(3, a, 4, 2), _unit(a, a), _unit(a, b, 3, 2), _Residual(b), _unit(b, c, 3, 2))
        inner = c * (config.patch // 8) ** 2
        self.eye, self.mouth = nn.Linear(inner, 2 * len(LEFT_EYE) + 1), nn.Linear(inner, 2 * len(MOUTH) + 1)

    def forward(self, left: Tensor, right: Tensor, mouth: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 2 n + 1) each: points in the patch, then the opening."""
        left, right, mouth = self.body(torch.cat([left, right, mouth])).flatten(1).chunk(3)
        return self.eye(left).float(), self.eye(right).float(), self.mouth(mouth).float()


class LandmarkNetwork(nn.Module):
    """Reads crops (B, 3, CROP, CROP) in [-1, 1]. `forward(images, patches)`: the fine look goes to `patches` where they are given, else to
    where the coarse look finds eyes and mouth.

    >>> network = LandmarkNetwork(LandmarkConfig()).eval()
    >>> network(torch.zeros(1, 3, CROP, CROP)).points.shape
    torch.Size([1, 161, 2])
    """

    mean_face: Tensor

    def __init__(self, config: LandmarkConfig) -> None:
        super().__init__()
        self.config = config
        a, b, c, d = config.widths
        self.body = nn.Sequential(_unit(3, a, 4, 2), _unit(a, b, 3, 2), _Residual(b), _unit(b, c, 3, 2), _Residual(c), _unit(c, d, 3, 2))
        inner = d * (config.coarse // 16) ** 2
        self.neck = nn.Sequential(nn.Linear(inner, config.hidden, bias=False), nn.BatchNorm1d(config.hidden), nn.ReLU(inplace=True))
        self.head = nn.Linear(config.hidden, 3 * len(POINTS) + 4)
        self.closer = _CloserLook(config)
        self.register_buffer("mean_face", torch.zeros(len(POINTS), 2))
        self._fine_places = [list(places(part)) for part in (LEFT_EYE, RIGHT_EYE, MOUTH)]

    def forward(self, images: Tensor, patches: Patches | None = None) -> Reading:
        """What B crops show."""
        images = images.contiguous(memory_format=torch.channels_last)
        small = F.avg_pool2d(images, CROP // self.config.coarse)
        out = self.head(self.neck(self.body(small).flatten(1))).float()
        count = len(POINTS)
        coarse = self.mean_face + out[:, : 2 * count].unflatten(1, (count, 2))
        visible, pose, face = out[:, 2 * count : 3 * count], out[:, -4:-1], out[:, -1]
        patches = Patches.around(coarse.detach()) if patches is None else patches
        points, openings = self._look_closer(images, patches, coarse)
        return Reading(points, coarse, visible, face, pose, openings)

    def _look_closer(self, images: Tensor, patches: Patches, coarse: Tensor) -> tuple[Tensor, Tensor]:
        left, right, mouth = self._cut(images, patches).unbind(1)
        found = self.closer(left, right.flip(-1), mouth)
        points = coarse.clone()
        for part, (out, where) in enumerate(zip(found, self._fine_places, strict=True)):
            local = out[:, :-1].unflatten(1, (-1, 2))
            if part == 1:  # seen in a mirror
                local = local * local.new_tensor([-1.0, 1.0])
            patch = Patches(patches.middle[:, part : part + 1], patches.axis[:, part : part + 1])
            points[:, where] = patch.to_crop(local[:, None])[:, 0].to(points)
        return points, torch.stack([found[part][:, -1] for part in (2, 0, 1)], 1)

    def _cut(self, images: Tensor, patches: Patches) -> Tensor:
        """(B, 3, 3, patch, patch): left eye, right eye and mouth."""
        size = self.config.patch
        axis = (torch.arange(size, device=images.device) * 2 + 1) / size - 1
        local = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1).reshape(1, 1, -1, 2)
        grid = patches.to_crop(local.expand(len(images), 3, -1, -1))
        cut = F.grid_sample(images.float(), grid.flatten(1, 2)[:, None], align_corners=False, padding_mode="border")
        return cut[:, :, 0].unflatten(2, (3, size, size)).transpose(1, 2)

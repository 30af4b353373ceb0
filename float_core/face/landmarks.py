"""Landmarks of faces by our own network: `read_landmarks`, for images that a detector or a crop has already found the face in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import CheckpointError, ImageError
from .landmark_network import ANGLE_UNIT, CROP, LandmarkConfig, LandmarkNetwork, Reading
from .landmark_points import OVAL, places

WEIGHTS = Path(__file__).parents[1] / "models" / "landmarks.safetensors"
CONFIG_KEY = "landmark_network"  # in the file's metadata: the sizes of the network
REACH = 1.3  # half the side of what the network looks at, in half sizes of the face
CROP_RULE = 1.6  # the same of the crops that `prepare_image` makes
_TOGETHER = 32  # faces that are looked at at once


@dataclass(frozen=True, eq=False)
class FaceLandmarks:
    """What B faces show.

    points: (B, N, 2), x and y in pixels of the image, its left upper corner at 0; which points: `float_core.face.landmark_points.POINTS`.
    visible: (B, N) in [0, 1], how likely each point is inside of the image and not covered by something else.
    pose: (B, 3), yaw (+ = to the image's right), pitch (+ = down) and roll (+ = clockwise) in degrees.
    lip_opening: (B,), between the inner lips, in units of the distance from the eyes' middle to the mouth's.
    lid_opening: (B, 2), height over width of the eyes, left in the image first.
    is_face: (B,) in [0, 1].
    """

    points: Tensor
    visible: Tensor
    pose: Tensor
    lip_opening: Tensor
    lid_opening: Tensor
    is_face: Tensor


def read_landmarks(images: Tensor, boxes: Tensor | None = None) -> FaceLandmarks:
    """Reads the faces in images (B, 3, H, W) in [-1, 1]; the results are on the images' device.

    boxes: (B, 4), where each face is: x1, y1, x2, y2 in pixels, from hairline to chin, as detectors give them; it may be a fifth too
        large or small, and the head may be tilted by 45 degrees. None = each image is a crop as `prepare_image` makes them, or a frame
        that was rendered from one.

    >>> landmarks = read_landmarks(torch.zeros(2, 3, 256, 256))
    >>> landmarks.points.shape, landmarks.lid_opening.shape
    (torch.Size([2, 161, 2]), torch.Size([2, 2]))
    """
    return read_faces(_load_network(images.device), images, boxes)


def read_faces(network: LandmarkNetwork, images: Tensor, boxes: Tensor | None = None) -> FaceLandmarks:
    """`read_landmarks` by any network."""
    if images.ndim != 4 or images.shape[1] != 3 or not images.numel():
        raise ImageError(f"the images have shape {tuple(images.shape)}; expected (B, 3, H, W)")
    height, width = images.shape[2:]
    if boxes is None:
        side = max(height, width)
        half = side / (2 * CROP_RULE)
        boxes = torch.tensor([width / 2 - half, height / 2 - half, width / 2 + half, height / 2 + half]).expand(len(images), 4)
    if boxes.shape != (len(images), 4):
        raise ImageError(f"the boxes have shape {tuple(boxes.shape)}; expected ({len(images)}, 4)")
    with torch.inference_mode(), torch.autocast(images.device.type, enabled=False):
        parts = [_read(network, some.float(), box) for some, box in zip(images.split(_TOGETHER), boxes.split(_TOGETHER), strict=True)]
    return FaceLandmarks(*(torch.cat(values).clone() for values in zip(*(vars(part).values() for part in parts), strict=True)))


def outline_box(points: Tensor) -> tuple[float, float, float, float]:
    """The box x1, y1, x2, y2 of one face's points (N, 2), from hairline to chin."""
    outline = points[list(places(OVAL))]
    (x1, y1), (x2, y2) = outline.amin(0).tolist(), outline.amax(0).tolist()
    return x1, y1, x2, y2


@dataclass(frozen=True, eq=False)
class _Frame:
    """Squares in images: `middle` (B, 2) and `half` side (B,) in pixels, `roll` (B,) in degrees."""

    middle: Tensor
    half: Tensor
    roll: Tensor

    @classmethod
    def of_boxes(cls, boxes: Tensor) -> _Frame:
        """Around boxes (B, 4)."""
        size = (boxes[:, 2:] - boxes[:, :2]).amax(1)
        return cls((boxes[:, :2] + boxes[:, 2:]) / 2, size / 2 * REACH, torch.zeros_like(size))

    @classmethod
    def of_points(cls, points: Tensor, roll: Tensor) -> _Frame:
        """Around the outline of faces (B, N, 2), upright by their roll."""
        upright = _Frame(torch.zeros_like(points[:, 0]), torch.ones_like(roll), roll)
        outline = upright.into(points[:, list(places(OVAL))])
        low, high = outline.amin(1), outline.amax(1)
        middle = upright.out_of(((low + high) / 2)[:, None])[:, 0]
        return cls(middle, (high - low).amax(1) / 2 * REACH, roll)

    def _axes(self) -> tuple[Tensor, Tensor]:
        c, s = (self.half * turn(torch.deg2rad(self.roll)) for turn in (torch.cos, torch.sin))
        return torch.stack([c, s], -1)[:, None], torch.stack([-s, c], -1)[:, None]

    def out_of(self, points: Tensor) -> Tensor:
        """(B, N, 2) in [-1, 1] of the squares to pixels."""
        x, y = self._axes()
        return self.middle[:, None] + points[..., :1] * x + points[..., 1:] * y

    def into(self, points: Tensor) -> Tensor:
        """The inverse of `out_of`."""
        x, y = self._axes()
        offset = (points - self.middle[:, None]) / self.half.square()[:, None, None]
        return torch.stack([(offset * x).sum(-1), (offset * y).sum(-1)], -1)

    def cut(self, images: Tensor) -> Tensor:
        """(B, 3, CROP, CROP), black where a square is outside of its image."""
        axis = (torch.arange(CROP, device=images.device) * 2 + 1) / CROP - 1
        local = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1).reshape(1, -1, 2)
        wanted = self.out_of(local.expand(len(images), -1, -1))
        return torch.cat([_sampled(*one) for one in zip(images, wanted, self.half.tolist(), strict=True)])


def _sampled(image: Tensor, wanted: Tensor, half: float) -> Tensor:
    """(1, 3, CROP, CROP) of an image (3, H, W) at places (CROP², 2) in pixels; a square that is much larger is averaged down first."""
    height, width = image.shape[1:]
    shrink = max(1, min(int(2 * half / CROP), height, width))
    small = F.avg_pool2d(image[None], shrink, ceil_mode=True, count_include_pad=False) if shrink > 1 else image[None]
    size = wanted.new_tensor([small.shape[3], small.shape[2]]) * shrink
    grid = (wanted / size * 2 - 1).view(1, CROP, CROP, 2)
    return (F.grid_sample(small + 1, grid, align_corners=False) - 1).clamp(-1, 1)  # + 1: outside is black, as -1


def _read(network: LandmarkNetwork, images: Tensor, boxes: Tensor) -> FaceLandmarks:
    """Looks twice: at the box, then upright and in the middle."""
    frame = _Frame.of_boxes(boxes.to(images))
    first = network(frame.cut(images))
    second_frame = _Frame.of_points(frame.out_of(first.points), frame.roll + ANGLE_UNIT * first.pose[:, 2])
    second: Reading = network(second_frame.cut(images))
    pose = ANGLE_UNIT * second.pose
    pose[:, 2] += second_frame.roll
    points = second_frame.out_of(second.points)
    openings = second.openings.clamp_min(0)
    face = torch.minimum(first.face, second.face).sigmoid()
    return FaceLandmarks(points, second.visible.sigmoid(), pose, openings[:, 0], openings[:, 1:], face)


@lru_cache(maxsize=4)
def _load_network(device: torch.device) -> LandmarkNetwork:
    return load_landmark_network(WEIGHTS).to(device)


def load_landmark_network(path: str | Path) -> LandmarkNetwork:
    """The network in a file, in float32 on the CPU. Raises CheckpointError if it is not there or holds something else."""
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    try:
        with safe_open(path, framework="pt") as file:
            sizes = json.loads((file.metadata() or {})[CONFIG_KEY])
        values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in sizes.items()}
        state = {name: value.float() if value.is_floating_point() else value for name, value in load_file(path).items()}
        with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
            network = LandmarkNetwork(LandmarkConfig(**values))
        network.load_state_dict(state)
    except (OSError, SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path} does not hold the weights of the landmark network: {error}. Install the package again.") from error
    return network.eval().requires_grad_(False)

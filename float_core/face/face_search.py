"""What our own network adds to a detector: boxes that show no face are dropped, and faces that are turned in the plane are found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from ..pixels import from_bytes
from .landmarks import FaceLandmarks, outline_box, read_landmarks
from .lbp_cascade import cascade_faces

Box = tuple[float, float, float, float]
IS_FACE = 0.3  # below it a box that a detector was sure of shows none
_CERTAIN = 0.8  # what a few windows agreed on has to show one clearly
_SIDE, _VOTES = 300, 10  # shorter side of the image in which tilted faces are looked for, windows that make one
_TURNS = (0, 25, -25, 50, -50, 75, -75, 100, -100, 130, -130, 155, -155, 180)  # degrees


def read_boxes(pixels: np.ndarray, boxes: Sequence[Box]) -> FaceLandmarks:
    """What the boxes of an image (H, W, 3), uint8 RGB, show."""
    image = from_bytes(torch.tensor(pixels)).permute(2, 0, 1)
    return read_landmarks(image.expand(len(boxes), -1, -1, -1), torch.tensor(boxes, dtype=torch.float32))


def show_faces(pixels: np.ndarray, boxes: Sequence[Box]) -> list[bool]:
    """Which boxes show a face."""
    return [face >= IS_FACE for face in read_boxes(pixels, boxes).is_face.tolist()] if boxes else []


def search_tilted(pixels: np.ndarray) -> list[tuple[Box, float]]:
    """Faces that the cascade does not find upright: their boxes, and how certain each is. The image is turned by one angle after another;
    what the surest angle shows is taken, since at a wrong one other things may look like a face."""
    height, width = pixels.shape[:2]
    scale = min(1.0, _SIDE / min(height, width), 8 * _SIDE / max(height, width))
    small = Image.fromarray(pixels).resize((max(1, round(width * scale)), max(1, round(height * scale))), Image.Resampling.BOX)
    surest: list[tuple[Box, float]] = []
    for angle in _TURNS:
        turned = small.rotate(angle, Image.Resampling.BILINEAR, expand=True)  # against the clock
        boxes = [box for box, _ in cascade_faces(np.asarray(turned), votes=_VOTES, sides=(_SIDE,))]
        if not boxes:
            continue
        found = read_boxes(np.asarray(turned), boxes)
        sure = [(outline_box(_turned_back(found.points[i], angle, turned.size, small.size) / scale), face)
                for i, face in enumerate(found.is_face.tolist()) if face >= _CERTAIN]  # fmt: skip
        if max((face for _, face in sure), default=0) > max((face for _, face in surest), default=0):
            surest = sure
    return surest


def _turned_back(points: torch.Tensor, angle: float, turned: tuple[int, int], size: tuple[int, int]) -> torch.Tensor:
    """Points (N, 2) of an image that was turned against the clock, in the image before."""
    radians = torch.deg2rad(torch.tensor(float(angle)))
    c, s = radians.cos(), radians.sin()
    x, y = (points - torch.tensor(turned) / 2).unbind(-1)
    return torch.stack([c * x - s * y, s * x + c * y], -1) + torch.tensor(size) / 2

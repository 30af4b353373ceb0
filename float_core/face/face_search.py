"""What our own network adds to a detector: boxes that show no face are dropped, and faces are found that it missed or that are turned in
the plane."""

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
_APART = 0.047  # of the face's size: how far several looks may lie apart (40 portraits: at most 0.040; four images without: from 0.054)
_LOOK_SIDE, _SMALLEST = 256, 32  # shorter side of the image in which squares are looked at; smaller images are not looked at
_LONGEST = 4  # times the shorter side, of what is looked at
_SIDE, _VOTES = 300, 10  # shorter side of the image in which tilted faces are looked for, windows that make one
_TURNS = (0, 25, -25, 50, -50, 75, -75, 100, -100, 130, -130, 155, -155, 180)  # degrees


def read_boxes(pixels: np.ndarray, boxes: Sequence[Box]) -> FaceLandmarks:
    """What the boxes of an image (H, W, 3), uint8 RGB, show."""
    image = from_bytes(torch.tensor(pixels)).permute(2, 0, 1)
    return read_landmarks(image.expand(len(boxes), -1, -1, -1), torch.tensor(boxes, dtype=torch.float32))


def show_faces(pixels: np.ndarray, boxes: Sequence[Box]) -> list[bool]:
    """Which boxes show a face."""
    return [face >= IS_FACE for face in read_boxes(pixels, boxes).is_face.tolist()] if boxes else []


def search(pixels: np.ndarray) -> list[tuple[Box, float]]:
    """Faces that the detector did not find: their boxes, and how certain each is. First those on which two agree."""
    return search_tilted(pixels) or search_upright(pixels)


def search_upright(pixels: np.ndarray) -> list[tuple[Box, float]]:
    """The face that the network is surest of, wherever it is: its box, and how certain it is. Squares of a few sizes all over the image are
    looked at; then the best one from several distances and places, since what is no face looks like another one each time."""
    height, width = pixels.shape[:2]
    if min(height, width) < _SMALLEST or max(height, width) > _LONGEST * min(height, width):
        return []
    scale = min(1.0, _LOOK_SIDE / min(height, width))
    small = np.asarray(Image.fromarray(pixels).resize((max(1, round(width * scale)), max(1, round(height * scale))), Image.Resampling.BOX))
    found = read_boxes(small, _squares(small.shape[0], small.shape[1]))
    best = int(found.is_face.argmax())
    if found.is_face[best] < _CERTAIN:
        return []
    box = outline_box(found.points[best] / scale)
    side, middle = max(box[2] - box[0], box[3] - box[1]), ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    again = [
        (middle[0] + (x - k / 2) * side, middle[1] + (y - k / 2) * side, middle[0] + (x + k / 2) * side, middle[1] + (y + k / 2) * side)
        for k in (0.85, 1.0, 1.2)
        for x, y in ((0, 0), (0.08, 0), (-0.08, 0), (0, 0.08), (0, -0.08))
    ]
    looks = read_boxes(pixels, again)
    apart = float((looks.points - looks.points.mean(0)).norm(dim=-1).mean()) / side
    sure = float(looks.is_face.mean())
    return [(outline_box(looks.points.mean(0)), sure)] if sure >= _CERTAIN and apart <= _APART else []


def _squares(height: int, width: int) -> list[Box]:
    """Of four sizes, a quarter of their side apart."""
    squares: list[Box] = []
    for share in (0.3, 0.42, 0.6, 0.85):
        side = share * min(height, width)
        x, y = (np.linspace(0, length - side, 1 + round(4 * (length - side) / side)) for length in (width, height))
        squares += [(a, b, a + side, b + side) for b in y.tolist() for a in x.tolist()]
    return squares


def search_tilted(pixels: np.ndarray) -> list[tuple[Box, float]]:
    """Faces that a patient cascade and the network see: their boxes, and how certain each is. The image is turned by one angle after
    another; what the surest angle shows is taken, since at a wrong one other things may look like a face."""
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

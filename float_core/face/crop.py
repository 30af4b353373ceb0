"""From any image to the square that the encoder expects, with the crop rule that the released model was trained with.

The rule: half = int(max(int(height / 2), int(width / 2)) * 1.6) of the face box in whole pixels; the crop is a square with the side
2 * half around the center of the box, black outside the image. `detect.py` finds faces; `face_notes.py` says what stands out in them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..argument_checks import check_whole, is_whole
from ..errors import FaceNotFoundError, ImageError, OptionError
from ..pixels import from_bytes
from ..types import CropTransform, FaceCrop
from .detect import Detection, detect_faces
from .face_notes import face_notes
from .landmarks import outline_box, read_landmarks
from .paste_back import turned_axes
from .pixels import resize_square, rgb_pixels

Square = tuple[int, int, int, int]
MARGIN = 1.6  # half the side of the crop, in units of half the height of the face
LARGEST = 8  # a square with more than this many times the longer side of the image is a mistake in the box


def prepare_image(
    image: Any,
    size: int,
    *,
    crop: str | Sequence[float] | CropTransform | None = "detect",
    face: int | None = None,
    align_roll: bool = False,
    detector_folder: str | Path | None = None,
    device: str | torch.device = "cpu",
) -> FaceCrop:
    """Crops and resizes an image for an encoder of `size` x `size` pixels.

    image: a PIL image of any mode, or an (H, W, 3|4) array or tensor: uint8, uint16, or float in [0, 1]. Transparent pixels become gray.
    size: side S of the result, in pixels.
    crop: "detect" = find the face; a box (x1, y1, x2, y2) in pixels = where the face is, from forehead to chin and from ear to ear;
        None = the whole image, padded with black to a square; the transform of an earlier crop of an image of this size = the same square.
    face: which detected face, 0 = the largest. None = the largest, with a note if there are several.
    align_roll: turns the crop so that a tilted head is upright in it; needs a face, detected or in a box. `paste_back` turns it back.
    detector_folder: where the weights of the face detector may be; see `detect_faces`.
    device: where the face detector computes.

    Raises ImageError for an image that cannot be used and FaceNotFoundError if there is no such face.

    >>> crop = prepare_image(np.zeros((90, 60, 3), np.uint8), 64, crop=(20, 30, 40, 60))
    >>> crop.image.shape, crop.transform.square
    (torch.Size([1, 3, 64, 64]), (6, 21, 54, 69))
    """
    _check_options(size, crop, face, align_roll)
    pixels = rgb_pixels(image)
    height, width = pixels.shape[:2]
    if crop is None or isinstance(crop, CropTransform):
        transform = CropTransform(whole_square(height, width), height, width, size) if crop is None else _same_place(crop, pixels, size)
        return FaceCrop(_crop(pixels, transform), transform)
    notes: tuple[str, ...] = ()
    found = 0
    if isinstance(crop, str):
        detection = detect_faces(pixels, detector_folder=detector_folder, device=device)
        found = len(detection.faces)
        box, notes = _choose_face(detection, face)
    else:
        box = _checked_box(crop, height, width)
    square, roll, more = _place(pixels, crop_square(box), align_roll)
    transform = CropTransform(square, height, width, size, roll)
    return FaceCrop(_crop(pixels, transform), transform, (*notes, *more), found)


def _place(pixels: np.ndarray, square: Square, align_roll: bool) -> tuple[Square, float, tuple[str, ...]]:
    """The square to cut, its roll in degrees, and what stands out in the face."""
    face = read_landmarks(from_bytes(cut_square(pixels, square)[None]))
    notes = face_notes(face)
    if not align_roll:
        return square, 0.0, notes
    if float(face.is_face[0]) < 0.5:
        return square, 0.0, (*notes, "how far the head is tilted could not be seen: the crop is not turned")
    roll = float(face.pose[0, 2])
    # the crop rule for the box of the upright head, around its middle
    middle = torch.tensor([(square[2] - square[0]) / 2] * 2)
    x1, y1, x2, y2 = outline_box((face.points[0] - middle) @ turned_axes(-roll).T)
    center = turned_axes(roll) @ torch.tensor([(x1 + x2) / 2, (y1 + y2) / 2]) + middle + torch.tensor([square[0], square[1]])
    x, y = (int(value) for value in center)
    half = int(max(int((y2 - y1) / 2), int((x2 - x1) / 2)) * MARGIN)
    return (x - half, y - half, x + half, y + half), roll, tuple(note for note in notes if "tilted" not in note)


def _crop(pixels: np.ndarray, transform: CropTransform) -> Tensor:
    """(1, 3, size, size) in [-1, 1]."""
    square = transform.square
    cut = cut_square(pixels, square) if not transform.roll else _cut_turned(pixels, square, transform.roll)
    return from_bytes(resize_square(cut, transform.size)[None])


def _cut_turned(pixels: np.ndarray, square: Square, roll: float) -> Tensor:
    """As `cut_square`, of a square that is turned clockwise around its middle."""
    side = square[2] - square[0]
    more = math.ceil(side * (math.sqrt(2) - 1) / 2)
    wide = cut_square(pixels, (square[0] - more, square[1] - more, square[2] + more, square[3] + more))
    upright = Image.fromarray(wide.byte().permute(1, 2, 0).numpy()).rotate(roll, Image.Resampling.BICUBIC)  # against the clock
    return cut_square(np.asarray(upright), (more, more, more + side, more + side))


def _same_place(earlier: CropTransform, pixels: np.ndarray, size: int) -> CropTransform:
    height, width = pixels.shape[:2]
    if (earlier.height, earlier.width) != (height, width):
        raise OptionError(f"crop was made for an image of {earlier.width} x {earlier.height} pixels; this one has {width} x {height}")
    return replace(earlier, size=size)


def crop_square(box: Sequence[float]) -> Square:
    """The square (x1, y1, x2, y2) for a face box. Each truncation matters: the released script works in whole pixels."""
    x1, y1, x2, y2 = (int(value) for value in box)
    half = int(max(int((y2 - y1) / 2), int((x2 - x1) / 2)) * MARGIN)
    if half < 1:
        raise ImageError(f"the face box ({x1}, {y1}, {x2}, {y2}) is too small; expected at least 2 x 2 pixels, as x1,y1,x2,y2")
    center_x, center_y = int((x1 + x2) / 2), int((y1 + y2) / 2)
    return center_x - half, center_y - half, center_x + half, center_y + half


def square_inside(center: Sequence[float], side: int, height: int, width: int) -> Square:
    """The square around a point (x, y), moved into the image where it reaches out, and smaller where the image is."""
    side = min(side, height, width)
    x, y = (min(max(int(middle - side / 2), 0), size - side) for middle, size in zip(center, (width, height), strict=True))
    return x, y, x + side, y + side


def whole_square(height: int, width: int) -> Square:
    """The smallest square around the whole image, with the image in its middle."""
    side = max(height, width)
    x1, y1 = (width - side) // 2, (height - side) // 2
    return x1, y1, x1 + side, y1 + side


def cut_square(pixels: np.ndarray, square: Square) -> Tensor:
    """(3, n, n) float32 in 0..255 from (H, W, 3) uint8; black where the square is outside the image."""
    x1, y1, x2, y2 = square
    height, width = pixels.shape[:2]
    left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
    cut = torch.zeros(3, y2 - y1, x2 - x1)
    inside = torch.from_numpy(pixels[top:bottom, left:right].copy()).permute(2, 0, 1)
    cut[:, top - y1 : bottom - y1, left - x1 : right - x1] = inside
    return cut


def _choose_face(detection: Detection, face: int | None) -> tuple[tuple[float, ...], tuple[str, ...]]:
    faces, notes = detection.faces, detection.notes
    found = "1 face was" if len(faces) == 1 else f"{len(faces)} faces were"
    places = ", ".join(f"{n} at ({', '.join(str(int(v)) for v in f.box)})" for n, f in enumerate(faces))
    if not faces:
        raise FaceNotFoundError(f"no face was found in the image (detector: {detection.detector})")
    if face is not None and not 0 <= face < len(faces):
        raise FaceNotFoundError(f"face {face} was asked for, but {found} found, counted from 0 = the largest: {places}")
    if face is None and len(faces) > 1:
        notes = (*notes, f"{found} found; the largest is used, number 0: {places}")
    return faces[face or 0].box, notes


def _check_options(size: int, crop: str | Sequence[float] | CropTransform | None, face: int | None, align_roll: bool) -> None:
    check_whole("size (pixels)", size, low=1)
    if align_roll and (crop is None or isinstance(crop, CropTransform)):
        raise OptionError('align_roll needs a face to align: crop="detect" or a box')
    if isinstance(crop, str) and crop != "detect":
        raise OptionError(f'crop is {crop!r}; expected "detect", a box (x1, y1, x2, y2), or None')
    if face is None:
        return
    if not is_whole(face):
        raise OptionError(f"face is {face!r}; expected a whole number, 0 = the largest face")
    if not isinstance(crop, str):
        raise OptionError('face selects one of the detected faces: it needs crop="detect"')


def _checked_box(crop: Sequence[float], height: int, width: int) -> tuple[float, ...]:
    try:
        box = tuple(float(value) for value in crop)
    except (TypeError, ValueError) as error:
        raise OptionError(f"crop is {crop!r}; expected four numbers x1, y1, x2, y2") from error
    if len(box) != 4 or not all(math.isfinite(value) for value in box):
        raise OptionError(f"crop is {crop!r}; expected four finite numbers x1, y1, x2, y2")
    x1, y1, x2, y2 = box
    if x1 >= x2 or y1 >= y2:
        raise ImageError(f"the face box {box} is empty; expected x1 < x2 and y1 < y2")
    if x1 >= width or y1 >= height or x2 <= 0 or y2 <= 0:
        raise ImageError(f"the face box {box} is outside the image, which is {width} x {height} pixels")
    if max(x2 - x1, y2 - y1) * MARGIN > LARGEST * max(height, width):
        raise ImageError(f"the face box {box} is far larger than the image, which is {width} x {height} pixels")
    return box

"""From any image to the square that the encoder expects, with the crop rule that the released model was trained with.

The rule: half = int(max(int(height / 2), int(width / 2)) * 1.6) of the face box in whole pixels; the crop is a square with the side
2 * half around the center of the box, black outside the image. `detect.py` finds faces.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..argument_checks import check_whole, is_whole
from ..errors import FaceNotFoundError, ImageError, OptionError
from ..pixels import from_bytes
from ..types import CropTransform, FaceCrop
from .detect import Detection, detect_faces
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
    detector_folder: str | Path | None = None,
    device: str | torch.device = "cpu",
) -> FaceCrop:
    """Crops and resizes an image for an encoder of `size` x `size` pixels.

    image: a PIL image of any mode, or an (H, W, 3|4) array or tensor: uint8, uint16, or float in [0, 1]. Transparent pixels become gray.
    size: side S of the result, in pixels.
    crop: "detect" = find the face; a box (x1, y1, x2, y2) in pixels = where the face is, from forehead to chin and from ear to ear;
        None = the whole image, padded with black to a square; the transform of an earlier crop of an image of this size = the same square.
    face: which detected face, 0 = the largest. None = the largest, with a note if there are several.
    detector_folder: where the weights of the face detector may be; see `detect_faces`.
    device: where the face detector computes.

    Raises ImageError for an image that cannot be used and FaceNotFoundError if there is no such face.

    >>> crop = prepare_image(np.zeros((90, 60, 3), np.uint8), 64, crop=(20, 30, 40, 60))
    >>> crop.image.shape, crop.transform.square
    (torch.Size([1, 3, 64, 64]), (6, 21, 54, 69))
    """
    _check_options(size, crop, face)
    pixels = rgb_pixels(image)
    height, width = pixels.shape[:2]
    notes: tuple[str, ...] = ()
    found = 0
    if crop is None:
        square = whole_square(height, width)
    elif isinstance(crop, CropTransform):
        square = _same_square(crop, height, width)
    elif isinstance(crop, str):
        detection = detect_faces(pixels, detector_folder=detector_folder, device=device)
        found = len(detection.faces)
        box, notes = _choose_face(detection, face)
        square = crop_square(box)
    else:
        square = crop_square(_checked_box(crop, height, width))
    cut = resize_square(cut_square(pixels, square), size)
    return FaceCrop(from_bytes(cut[None]), CropTransform(square, height, width, size), notes, found)


def _same_square(earlier: CropTransform, height: int, width: int) -> Square:
    if (earlier.height, earlier.width) != (height, width):
        raise OptionError(f"crop was made for an image of {earlier.width} x {earlier.height} pixels; this one has {width} x {height}")
    return earlier.square


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


def _check_options(size: int, crop: str | Sequence[float] | CropTransform | None, face: int | None) -> None:
    check_whole("size (pixels)", size, low=1)
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

"""Frontal faces with the LBP cascade that is part of scikit-image's wheel: no download and no other library.

A single window of the cascade is sometimes wrong. So a face is where many overlapping windows agree, at closely spaced sizes, in the
image and in its mirror image. The votes were measured at the first scale on scikit-image's images. They contain one portrait, so the
numbers for faces are only a guide: the astronaut gets 88 votes; darker, flatter, noisier or 64 to 1024 pixels large 45 to 100; twice
as bright 31; blurred by 4 pixels 29 (by 6: missed); rotated by 10 degrees 38 and 70 (missed at 12 degrees one way, at 20 the other).
The threshold was chosen on 138 images and parts of images without a frontal face, which get at most 27. Of 115 other parts of the same
images, 2 pass it (30 and 29).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from ..errors import ImageError

Window = tuple[float, float, float, float]
WINDOW_STEP = 1.05  # ratio of neighboring window sizes
SMALLEST = 43  # side of a window in pixels of the scaled image: smaller windows find faces in any texture
SIDES = (360, 720)  # shorter side of the scaled image in pixels; the second is tried for small faces if the first shows none
VOTES = 28  # windows that make a face
LONGEST = 8  # the longer side of the scaled image is at most this many times the wanted shorter side
SAME_FACE = 0.5  # intersection over union
# A window of the cascade goes from brows to mouth. These fractions of its side extend it to RetinaFace's box. They come from one
# portrait (eyes at 0.35, mouth at 0.77, chin at 1.2 of the window) and, for the hairline under its fringe, from the classic thirds
# of a face. They were not compared with RetinaFace itself.
TO_FOREHEAD, TO_CHIN, TO_EARS = 0.12, 0.20, 0.0


def cascade_faces(pixels: np.ndarray, *, votes: int = VOTES, sides: Sequence[int] = SIDES) -> list[tuple[Window, float]]:
    """Every face in an image (H, W, 3), uint8 RGB: its box from hairline to chin in pixels of the full image, and its votes, of which it
    has at least `votes`. `sides`: of the scaled images."""
    cascade = _load_cascade()
    gray = Image.fromarray(pixels).convert("L")
    for side in sides:
        scale = min(side / min(gray.size), side * LONGEST / max(gray.size))
        if side > sides[0] and scale >= 1:
            break  # an enlarged image shows no more
        faces = [(window, count) for window, count in _vote(_windows(cascade, gray, scale)) if count >= votes]
        if faces:
            return [(_to_face_box(tuple(v / scale for v in window)), float(count)) for window, count in faces]
    return []


def _load_cascade() -> Any:
    try:
        from skimage.data import lbp_frontal_face_cascade_filename
        from skimage.feature import Cascade
    except ImportError as error:
        raise ImageError("face detection needs scikit-image (`pip install scikit-image`); or give the box of the face yourself") from error
    return Cascade(lbp_frontal_face_cascade_filename())


def _windows(cascade: Any, gray: Image.Image, scale: float) -> list[Window]:
    """Every window that the cascade accepts, in the scaled image and in its mirror image, as (x1, y1, x2, y2)."""
    width, height = max(1, round(gray.width * scale)), max(1, round(gray.height * scale))
    if min(width, height) < SMALLEST:
        return []
    small = gray.resize((width, height), Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC)
    plain = _accepted(cascade, np.asarray(small))
    mirrored = _accepted(cascade, np.asarray(small)[:, ::-1])
    return plain + [(width - x2, y1, width - x1, y2) for x1, y1, x2, y2 in mirrored]


def _accepted(cascade: Any, gray: np.ndarray) -> list[Window]:
    found = cascade.detect_multi_scale(
        img=gray / 255.0,
        scale_factor=WINDOW_STEP,
        step_ratio=1.0,
        min_size=(SMALLEST, SMALLEST),
        max_size=(min(gray.shape),) * 2,
        min_neighbor_number=1,
        intersection_score_threshold=1.01,  # above 1: windows are not merged, so that they can be counted
    )
    return [(w["c"], w["r"], w["c"] + w["width"], w["r"] + w["height"]) for w in found]


def _vote(windows: Sequence[Window]) -> list[tuple[Window, int]]:
    """Groups of windows on the same face: the mean window and the number of windows. The largest group is taken first; groups that overlap
    a larger one are dropped."""
    left = np.array(sorted(windows), dtype=np.float64).reshape(-1, 4)
    groups: list[tuple[Window, int]] = []
    while len(left):
        near = _overlap(left, left) >= SAME_FACE
        chosen = near[int(near.sum(1).argmax())]
        mean = left[chosen].mean(0)
        if not groups or not (_overlap(mean[None], np.array([g[0] for g in groups])) > 0.1).any():
            groups.append((tuple(mean.tolist()), int(chosen.sum())))
        left = left[~chosen]
    return groups


def _overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(len(a), len(b)): intersection over union."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (a, b)]
    return common / (areas[0][:, None] + areas[1][None] - common)


def _to_face_box(window: Sequence[float]) -> Window:
    x1, y1, x2, y2 = window
    side = y2 - y1
    return x1 - TO_EARS * side, y1 - TO_FOREHEAD * side, x2 + TO_EARS * side, y2 + TO_CHIN * side

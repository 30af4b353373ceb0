"""What the mouth of a prepared clip does, in the rig's units and free of whose mouth it is.

The rig of one image alone (`photo_controls`) takes a low mouth for a sad one and clips it. Over a speaker's clips the face at rest is
known, so here each control is measured against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..synthetic.photo_controls import JAW_GAP, PART_GAP, PUCKER_GAP, SMILE_DOWN, SMILE_OUT, SMILE_UP, WIDE_OUT
from ..synthetic.portraits import MeshLayout
from ..synthetic.rig import RIG_NAMES, RIG_RANGES
from ..synthetic.visemes import rounded, split_opening

_CORNER_DROP = 0.37  # share of the jaw's fall that the corners follow, as in photo_mesh
_USUAL_OPENING = 0.2  # head units: the 95th percentile of a speaker
_SCALES = (0.7, 1.5)  # by how much a speaker's opening may be changed to reach it
_SMILED = 0.7  # share of the corners' way that is drawn as a smile or its opposite, which move cheeks, too
_TOUCHING = 0.012  # head units above rest: lips touch, and no smoothing may part them


@dataclass(frozen=True, eq=False)
class MouthMeasures:
    """Of T frames, in head units: `gap` between the inner lips, `up` of the corners over a usual place, `half` of the mouth's width."""

    gap: np.ndarray
    up: np.ndarray
    half: np.ndarray


@dataclass(frozen=True)
class MouthRest:
    """A speaker's mouth at rest: the same measures, and by how much to scale the opening to that of others."""

    gap: float
    up: float
    half: float
    scale: float


def measure_mouth(points: np.ndarray, layout: MeshLayout) -> MouthMeasures:
    """The mouth of meshes (T, N, 3) in half image widths."""
    inner_upper, inner_lower = list(layout.lip_inner_upper), list(layout.lip_inner_lower)
    middle = len(inner_upper) // 2
    corners = [layout.lip_outer_upper[0], layout.lip_outer_upper[-1]]
    wanted = [*inner_upper[middle - 1 : middle + 2], *inner_lower[middle - 1 : middle + 2], *corners, layout.nose_base]
    head = _to_heads(points.astype(np.float64), layout, wanted)
    gap = np.linalg.norm(head[:, 3:6] - head[:, :3], axis=-1).mean(1)
    left, right, nose = head[:, 6], head[:, 7], head[:, 8]
    return MouthMeasures(gap, nose[:, 1] - (left[:, 1] + right[:, 1]) / 2, (right[:, 0] - left[:, 0]) / 2)


def mouth_rest(clips: Sequence[MouthMeasures]) -> MouthRest:
    """The rest of one speaker from all of the speaker's clips: of the frames in which the lips are nearest to each other."""
    gap, up, half = (np.concatenate([getattr(clip, name) for clip in clips]) for name in ("gap", "up", "half"))
    closed = gap <= np.percentile(gap, 20)
    low = float(np.percentile(gap, 8))
    opening = max(float(np.percentile(gap, 95)) - low, 1e-3)
    return MouthRest(low, float(np.median(up[closed])), float(np.median(half[closed])), float(np.clip(_USUAL_OPENING / opening, *_SCALES)))


def relative_mouth(measures: MouthMeasures, rest: MouthRest) -> np.ndarray:
    """(T, 3) in the order of `coarticulation.CURVES`; 0 = the speaker's own rest."""
    opening = _smoothed(np.maximum(measures.gap - rest.gap, 0)) * rest.scale
    up = _smoothed(measures.up) - rest.up + _CORNER_DROP * JAW_GAP * split_opening(opening)[0]
    smile = np.clip(_SMILED * up / np.where(up > 0, SMILE_UP, SMILE_DOWN), *RIG_RANGES["smile"])
    wide = (_smoothed(measures.half) - rest.half - SMILE_OUT * np.maximum(smile, 0)) / WIDE_OUT
    return np.stack([opening, np.clip(wide, *RIG_RANGES["mouth_wide"]), smile], 1)


def mouth_controls(curves: np.ndarray) -> dict[str, np.ndarray]:
    """The rig's controls of `relative_mouth`. Drawn through the rig they give the measured opening back."""
    wide, pucker = rounded(curves[:, 1])
    jaw, part = split_opening(curves[:, 0], pucker)
    return {"jaw_open": jaw, "lips_part": part, "mouth_wide": wide, "pucker": pucker, "smile": curves[:, 2]}


def drawn_opening(rig: np.ndarray) -> np.ndarray:
    """The gap between the lips, in head units, that the photo rig draws for a rig (T, 20)."""
    jaw, part, pucker = (rig[:, RIG_NAMES.index(name)] for name in ("jaw_open", "lips_part", "pucker"))
    return np.maximum(JAW_GAP * jaw + PART_GAP * part + PUCKER_GAP * np.maximum(pucker, 0), 0)


def _smoothed(curve: np.ndarray) -> np.ndarray:
    """Half a frame of blur against the landmarks' jitter; where lips touch they stay as near as they were."""
    padded = np.pad(curve, 1, mode="edge")
    blurred = 0.2 * padded[:-2] + 0.6 * padded[1:-1] + 0.2 * padded[2:]
    return np.where(np.abs(curve) < _TOUCHING, np.minimum(blurred, curve), blurred)


def _to_heads(points: np.ndarray, layout: MeshLayout, wanted: Sequence[int]) -> np.ndarray:
    """The wanted points of every mesh in its head frame, (T, len(wanted), 3): `photo_controls.fit_pose` for all frames at once."""
    shape, seen = np.asarray(layout.rigid_shape), points[:, list(layout.rigid)]
    a, b = shape - shape.mean(0), seen - seen.mean(1, keepdims=True)
    u, s, vt = np.linalg.svd(b.transpose(0, 2, 1) @ a)
    signs = np.ones_like(s)
    signs[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * signs[:, None]) @ vt
    unit = (s * signs).sum(1) / np.square(a).sum()
    place = seen.mean(1) - unit[:, None] * (rotation @ shape.mean(0))
    return (points[:, list(wanted)] - place[:, None]) @ rotation / unit[:, None, None]

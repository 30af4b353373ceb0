"""What a face mesh shows, in the units of the rig: the pose of the head and the 20 controls of a photograph.

A head frame has its origin between the ears; x points to the right of the image, y down, z to the viewer. Its unit is the distance from
the middle of the eyes to the middle of the mouth, for an average face on the same skull. The means are those of 1,564 portraits. A single
photograph cannot tell some things apart, such as raised brows from high ones: they count as expression only in part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import rig as rigs
from .portraits import EyeLayout, MeshLayout

STANDARD_UNIT = 0.445  # head unit, in half image widths, of a usual drawn head: where `scale` is 0
STANDARD_PLACE = np.array([0.0, -0.054])  # and where its point between the ears is: `shift_x`, `shift_y` are 0
_CENTER = np.array([0.0, -0.11])  # the head's center on the plane that `roll`, `scale` and shifts act on, as for drawn heads

# How far a control of 1 moves what it moves, in head units; the rig's fields use the same numbers, so that what is measured can be undone.
JAW_GAP, PART_GAP, PUCKER_GAP, LIP_GAP = 0.25, 0.126, 0.04, 0.05  # between the inner lips' middles
SMILE_UP, SMILE_OUT, SMILE_DOWN, WIDE_OUT = 0.12, 0.07, 0.07, 0.1  # a mouth corner
BROW_UP = 0.085
GAZE_X, GAZE_Y = 0.34, 0.17  # an iris, in half widths of the eye
OPEN_EYE = 0.34  # height of an open eye over its width

_CLOSED_GAP = 0.03  # lips nearer than this touch; detectors seldom say 0
_CORNER_BELOW_NOSE, _HALF_MOUTH = 0.345, 0.37
_INNER_BROW, _OUTER_BROW = -0.28, -0.285
_IRIS_Y = -0.135


@dataclass(frozen=True, eq=False)
class HeadPose:
    """A similarity from the head frame to the image: point = unit * rotation @ head + place, in half image widths."""

    rotation: np.ndarray  # (3, 3)
    unit: float
    place: np.ndarray  # (3,)

    def to_image(self, head: np.ndarray) -> np.ndarray:
        """(..., 3) from the head frame to the image, z kept."""
        return self.unit * head @ self.rotation.T + self.place

    def to_head(self, points: np.ndarray) -> np.ndarray:
        """The inverse of `to_image`."""
        return (points - self.place) @ self.rotation / self.unit


def fit_pose(points: np.ndarray, layout: MeshLayout) -> HeadPose:
    """The pose in which the rigid points fit best (Umeyama 1991), with its origin between the ears."""
    shape, seen = np.asarray(layout.rigid_shape), points[list(layout.rigid)].astype(np.float64)
    a, b = shape - shape.mean(0), seen - seen.mean(0)
    u, s, vt = np.linalg.svd(b.T @ a)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u * signs @ vt
    unit = float((s * signs).sum() / np.square(a).sum())
    return HeadPose(rotation, unit, seen.mean(0) - unit * rotation @ shape.mean(0))


def pose_controls(pose: HeadPose) -> dict[str, float]:
    """yaw, pitch, roll in degrees, shift_x, shift_y in half image widths, scale as a logarithm."""
    r = pose.rotation
    yaw, pitch = np.arcsin(np.clip(-r[2, 0], -1, 1)), np.arctan2(-r[2, 1], r[2, 2])
    roll = np.arctan2(r[1, 0], r[0, 0])
    size = pose.unit / STANDARD_UNIT
    shift = pose.place[:2] - STANDARD_PLACE + _CENTER - size * _turn(roll)[:2, :2] @ _CENTER
    degrees = {name: float(np.degrees(angle)) for name, angle in (("yaw", yaw), ("pitch", pitch), ("roll", roll))}
    return {**degrees, "shift_x": float(shift[0]), "shift_y": float(shift[1]), "scale": float(np.log(size))}


def pose_of_controls(controls: dict[str, float], depth: float = 0.0) -> HeadPose:
    """The inverse of `pose_controls`; `depth`: z of the origin, which no control sets."""
    yaw, pitch, roll = (np.radians(controls[name]) for name in ("yaw", "pitch", "roll"))
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    turn, nod = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]), np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    size = float(np.exp(controls["scale"]))
    place = np.array([controls["shift_x"], controls["shift_y"]]) + size * _turn(roll)[:2, :2] @ _CENTER - _CENTER + STANDARD_PLACE
    return HeadPose(_turn(roll) @ turn @ nod, size * STANDARD_UNIT, np.array([*place, depth]))


def _turn(roll: float) -> np.ndarray:
    return np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])


def measure_controls(points: np.ndarray, layout: MeshLayout) -> np.ndarray:
    """The rig (20,) in natural units, as a mesh (N, 3) in half image widths shows it. Expressions stay in the ranges of the rig."""
    pose = fit_pose(points, layout)
    head = pose.to_head(points)
    face = {
        name: float(np.clip(value, *rigs.RIG_RANGES[name]))
        for name, value in (_mouth(head, layout) | _eyes_and_brows(head, layout)).items()
    }
    values = dict.fromkeys(rigs.RIG_NAMES, 0.0) | pose_controls(pose) | face
    return np.array([values[name] for name in rigs.RIG_NAMES], np.float32)


def lip_gap(head: np.ndarray, layout: MeshLayout) -> float:
    """Distance of the inner lips at their middle, in head units."""
    upper, lower = head[list(layout.lip_inner_upper)], head[list(layout.lip_inner_lower)]
    middle = len(upper) // 2
    return float(np.linalg.norm((lower - upper)[middle - 1 : middle + 2], axis=-1).mean())


def eye_opening(head: np.ndarray, eye: EyeLayout) -> float:
    """Height of an eye's opening over its width."""
    upper, lower = head[list(eye.upper)], head[list(eye.lower)]
    middle = len(upper) // 2
    height = np.linalg.norm((lower - upper)[middle - 1 : middle + 2], axis=-1).mean()
    return float(height / np.linalg.norm(upper[-1] - upper[0]))


def iris_place(head: np.ndarray, eye: EyeLayout) -> np.ndarray:
    """Center (2,) of an iris from the middle of its eye: along the line between the corners and across it, in half widths of the eye."""
    left, right = head[eye.upper[0]], head[eye.upper[-1]]
    axis, half = (right - left)[:2] / np.linalg.norm((right - left)[:2]), np.linalg.norm(right - left) / 2
    offset = (head[eye.iris[0]] - (left + right) / 2)[:2]
    return np.array([offset @ axis, offset @ np.array([-axis[1], axis[0]])]) / half


def _mouth(head: np.ndarray, layout: MeshLayout) -> dict[str, float]:
    left, right = head[layout.lip_outer_upper[0]], head[layout.lip_outer_upper[-1]]
    drop = (left[1] + right[1]) / 2 - head[layout.nose_base, 1]
    up = _CORNER_BELOW_NOSE - drop
    smile = float(np.clip(up / (SMILE_UP if up > 0 else SMILE_DOWN), -1, 1.3))
    wide = (0.5 * (right[0] - left[0]) - _HALF_MOUTH - SMILE_OUT * max(smile, 0)) / WIDE_OUT
    gap = lip_gap(head, layout)
    if gap < _CLOSED_GAP:
        return {"smile": smile, "mouth_wide": 0.7 * wide, "jaw_open": 0.0, "lips_part": 0.0}
    jaw = float(np.clip((gap - 0.04 - 0.13 * max(smile, 0)) / JAW_GAP, 0, 1))
    return {"smile": smile, "mouth_wide": 0.7 * wide, "jaw_open": jaw, "lips_part": (gap - JAW_GAP * jaw) / PART_GAP}


def _eyes_and_brows(head: np.ndarray, layout: MeshLayout) -> dict[str, float]:
    shut = [0.7 * (1 - eye_opening(head, eye) / OPEN_EYE) for eye in layout.eyes]
    gaze = np.mean([iris_place(head, eye) for eye in layout.eyes], 0)
    inner = np.mean([head[eye.brow_upper[0], 1] + head[eye.brow_lower[0], 1] for eye in layout.eyes]) / 2
    outer = np.mean([head[list(eye.brow_upper[-3:]), 1].mean() for eye in layout.eyes])
    noses = np.mean([head[layout.left_eye.upper[-1], 1], head[layout.right_eye.upper[0], 1]])
    temples = np.mean([head[layout.left_eye.upper[0], 1], head[layout.right_eye.upper[-1], 1]])
    return {
        "blink": float(np.clip(np.mean(shut), -0.25, 1)),
        "wink": float(np.clip(shut[0] - shut[1], -1, 1)),
        "gaze_x": gaze[0] / GAZE_X,
        "gaze_y": (gaze[1] - _IRIS_Y) / GAZE_Y,
        "brow_inner": 0.6 * (_INNER_BROW - (inner - noses)) / BROW_UP,
        "brow_outer": 0.6 * (_OUTER_BROW - (outer - temples)) / BROW_UP,
    }

"""How the mesh of a photograph moves with the controls of the rig.

Each expression is a displacement field in the head frame. It is known at lips, chin, jaw, brows and lids, and carried over the rest of
the mesh as a thin plate bends; this is solved once for each portrait. Lips meet and lids close exactly, whatever the photograph shows; at
the photograph's own controls nothing moves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import rig as rigs
from .photo_controls import (
    BROW_UP,
    JAW_GAP,
    LIP_GAP,
    PART_GAP,
    PUCKER_GAP,
    SMILE_DOWN,
    SMILE_OUT,
    SMILE_UP,
    WIDE_OUT,
    HeadPose,
    fit_pose,
    measure_controls,
    pose_of_controls,
)
from .portraits import EyeLayout, MeshLayout

JAW_AXIS = np.array([0.0, 0.0, 0.1])  # the joints, in the head frame
JAW_SIDE = 0.12
_CORNER_DROP, _UPPER_DROP = 0.37, 0.06  # share of the jaw's fall that mouth corners follow, and the upper lip's middle
_LID_REST = 0.12  # where lids meet, from the lower one (0) to the upper one (1)
_LID_OVERLAP = 0.028  # head units
_FOLD_FOLLOWS = 0.22  # share of the upper lid's fall that its fold follows: below it skin unrolls
_LIDS_FOLLOW_GAZE = 0.18  # share of its opening that an eye loses per unit of gaze_y
_STIFFNESS = 0.08  # tension of the plate against its bending: 0 overshoots between what is known

Handles = dict[int, tuple[float, float, float]]


@dataclass(frozen=True, eq=False)
class PhotoMesh:
    """The mesh of one portrait. `head` (N, 3) at the photograph's own controls `rest` (20,), in the head frame; `jaw` (N,): how much of the
    jaw's rotation a point takes; `fields`: displacement (N, 3) of each expression at 1, with one of its own for the negative side where
    that differs; `lids`: displacement (N, 3) that closes each eye."""

    layout: MeshLayout
    head: np.ndarray
    pose: HeadPose
    rest: np.ndarray
    jaw: np.ndarray
    fields: dict[str, np.ndarray]
    lids: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(cls, points: np.ndarray, layout: MeshLayout) -> PhotoMesh:
        """The mesh of `points` (N, 3) in half image widths."""
        pose = fit_pose(points, layout)
        head = pose.to_head(points.astype(np.float64))
        plate = _Plate(head, layout)
        jaw = plate.spread(_jaw_handles(layout))[:, 0]
        fields = {name: plate.spread(handles) for name, handles in _expression_handles(head, layout).items()}
        lids = (plate.spread(_lid_handles(head, layout, 0)), plate.spread(_lid_handles(head, layout, 1)))
        return cls(layout, head, pose, measure_controls(points, layout), jaw, fields, lids)

    def pose_of(self, controls: np.ndarray) -> HeadPose:
        """The head's pose at controls (20,)."""
        return pose_of_controls(dict(zip(rigs.RIG_NAMES, controls.tolist(), strict=True)), float(self.pose.place[2]))

    def jaw_angle(self, controls: np.ndarray) -> float:
        """How far the jaw turns from the photograph's, in radians, + = opens."""
        return JAW_GAP * float(controls[rigs.index("jaw_open")] - self.rest[rigs.index("jaw_open")]) / self._jaw_reach

    def jaw_side(self, controls: np.ndarray) -> float:
        """How far the jaw is moved sideways from the photograph's, in head units."""
        return JAW_SIDE * float(controls[rigs.index("jaw_side")] - self.rest[rigs.index("jaw_side")])

    @property
    def _jaw_reach(self) -> float:
        lip = self.head[self.layout.lip_inner_lower[len(self.layout.lip_inner_lower) // 2]]
        return max(0.5, float(lip[2] - JAW_AXIS[2]))

    def in_head(self, controls: np.ndarray) -> np.ndarray:
        """(N, 3): the points in the head frame, with the expression of controls (20,)."""
        moved = self.head + self._expression(controls)
        moved += self.jaw[:, None] * (turn_jaw(self.head, self.jaw_angle(controls)) - self.head)
        moved[:, 0] += self.jaw_side(controls) * self.jaw
        for side_index, shut in enumerate(self.shut(controls)):
            moved += shut * self.lids[side_index]
        return self._close_lips(moved, controls)

    def shut(self, controls: np.ndarray) -> tuple[float, float]:
        """How far each eye is closed from the photograph's opening: 0 as it is, 1 closed, below 0 wider."""
        amounts = []
        for sign in (0.5, -0.5):
            now, before = (_closure(rig, sign) for rig in (controls, self.rest))
            turned = 1 - _LIDS_FOLLOW_GAZE * float(controls[rigs.index("gaze_y")] - self.rest[rigs.index("gaze_y")])
            amounts.append(1 - (1 - now) / max(0.2, 1 - before) * np.clip(turned, 0.6, 1.4))
        return amounts[0], amounts[1]

    def _expression(self, controls: np.ndarray) -> np.ndarray:
        total = np.zeros_like(self.head)
        for name in ("lips_part", "mouth_wide", "smile", "pucker", "upper_lip", "lower_lip", "brow_inner", "brow_outer"):
            i = rigs.index(name)
            for sign in (1.0, -1.0):
                field = self.fields.get(name + ("+" if sign > 0 else "-"), self.fields.get(name))
                amount = max(0.0, sign * float(controls[i])) - max(0.0, sign * float(self.rest[i]))
                if amount and field is not None:
                    total += sign * amount * field
        return total

    def _close_lips(self, moved: np.ndarray, controls: np.ndarray) -> np.ndarray:
        """Sets the opening between the inner lips: that of the photograph, scaled where the mouth closes, and never below 0."""
        upper, lower = list(self.layout.lip_inner_upper), list(self.layout.lip_inner_lower)
        before, after = expected_gap(self.rest), expected_gap(controls)
        rest, now = (np.maximum(points[lower, 1] - points[upper, 1], 0) for points in (self.head, moved))
        opening = now if after > before else rest * (after / before if before else 1)
        middle = (moved[upper, 1] + moved[lower, 1]) / 2
        moved[upper, 1], moved[lower, 1] = middle - opening / 2, middle + opening / 2
        return moved


def expected_gap(controls: np.ndarray) -> float:
    """How far the inner lips' middles are apart at controls (20,), in head units; 0 = they touch."""
    jaw, part, pucker, upper, lower = (
        float(controls[rigs.index(n)]) for n in ("jaw_open", "lips_part", "pucker", "upper_lip", "lower_lip")
    )
    gap = JAW_GAP * jaw + PART_GAP * part + PUCKER_GAP * max(pucker, 0)
    return max(0.0, gap + LIP_GAP * (upper + lower) * float(np.clip(gap / 0.05, 0, 1)))


def turn_jaw(head: np.ndarray, angle: float) -> np.ndarray:
    """Points (..., 3) of the head frame, rotated with the jaw."""
    y, z = head[..., 1] - JAW_AXIS[1], head[..., 2] - JAW_AXIS[2]
    c, s = np.cos(angle), np.sin(angle)
    return np.stack((head[..., 0], c * y + s * z + JAW_AXIS[1], c * z - s * y + JAW_AXIS[2]), -1)


def _closure(controls: np.ndarray, sign: float) -> float:
    return float(np.clip(controls[rigs.index("blink")] + sign * controls[rigs.index("wink")], -0.3, 1))


class _Plate:
    """Carries displacements that are known at some points over the whole mesh, as a thin plate bends."""

    def __init__(self, head: np.ndarray, layout: MeshLayout) -> None:
        triangles = np.array(layout.triangles)
        edges = np.unique(np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1), axis=0)
        length = np.linalg.norm(head[edges[:, 0]] - head[edges[:, 1]], axis=1)
        weight = length.mean() / np.maximum(length, 0.2 * length.mean())
        self._used = np.unique(triangles)
        self._count = len(head)
        laplacian = np.zeros((len(head), len(head)))
        laplacian[edges[:, 0], edges[:, 1]] = laplacian[edges[:, 1], edges[:, 0]] = -weight
        laplacian[np.diag_indices(len(head))] = -laplacian.sum(1)
        self._energy = laplacian @ laplacian + _STIFFNESS * laplacian

    def spread(self, handles: Handles) -> np.ndarray:
        """(N, 3): the displacements of the handles, and between them those with the least energy."""
        field = np.zeros((self._count, 3))
        known = np.array(sorted(handles))
        field[known] = [handles[i] for i in known]
        free = np.setdiff1d(self._used, known)
        field[free] = np.linalg.solve(self._energy[np.ix_(free, free)], -self._energy[np.ix_(free, known)] @ field[known])
        return field


def _still(layout: MeshLayout, *, jaw: bool = True, nose: bool = True, brows: bool = True) -> Handles:
    """What does not move: the eyes and, where asked for, the outline with the jaw, the nose, the brows."""
    points = [i for eye in layout.eyes for i in (*eye.upper, *eye.lower, *((*eye.brow_lower, *eye.brow_upper) if brows else ()))]
    points += [i for i in layout.oval if jaw or i not in layout.jaw]
    points += list(layout.nose) if nose else []
    return dict.fromkeys(points, (0.0, 0.0, 0.0))


def _jaw_handles(layout: MeshLayout) -> Handles:
    handles = _still(layout, jaw=False)
    for i, u in zip(layout.jaw, np.linspace(-1, 1, len(layout.jaw)), strict=True):
        handles[i] = (0.15 + 0.85 * float(np.cos(u * np.pi / 2)) ** 0.8, 0.0, 0.0)
    for upper, lower in ((layout.lip_outer_upper, layout.lip_outer_lower), (layout.lip_inner_upper, layout.lip_inner_lower)):
        for i, j, u in zip(upper, lower, np.linspace(-1, 1, len(upper)), strict=True):
            handles[i] = (_UPPER_DROP + (_CORNER_DROP - _UPPER_DROP) * abs(u) ** 2.5, 0.0, 0.0)
            handles[j] = (1 - (1 - _CORNER_DROP) * abs(u) ** 2.5, 0.0, 0.0)
    return handles


def _lip_ring(head: np.ndarray, layout: MeshLayout) -> list[tuple[int, float, int, bool]]:
    """(point, place u from -1 at the left corner to 1 at the right one, -1 above or 1 below, inner or outer edge) of every lip point."""
    ring = []
    rows = (
        (layout.lip_outer_upper, -1, False),
        (layout.lip_outer_lower, 1, False),
        (layout.lip_inner_upper, -1, True),
        (layout.lip_inner_lower, 1, True),
    )
    for row, side, inner in rows:
        x = head[list(row), 0]
        u = 2 * (x - x[0]) / (x[-1] - x[0]) - 1
        ring += [(i, float(np.clip(place, -1, 1)), side, inner) for i, place in zip(row, u, strict=True)]
    return ring


def _expression_handles(head: np.ndarray, layout: MeshLayout) -> dict[str, Handles]:
    ring = _lip_ring(head, layout)
    names = ("lips_part", "mouth_wide", "smile+", "smile-", "pucker", "upper_lip", "lower_lip")
    fields: dict[str, Handles] = {name: _still(layout, nose=name not in ("smile+", "upper_lip")) for name in names}
    for i, u in zip(layout.jaw, np.linspace(-1, 1, len(layout.jaw)), strict=True):
        chin = float(np.cos(u * np.pi / 2)) ** 3
        for name, down in (("smile+", -0.3 * SMILE_UP), ("lower_lip", 0.5 * LIP_GAP), ("lips_part", 0.15 * PART_GAP)):
            fields[name][i] = (0.0, down * chin, 0.0)
    for i, u, side, inner in ring:
        arch, edge = 1 - u * u, abs(u)
        direction = float(np.sign(u))
        fields["lips_part"][i] = (0.0, side * PART_GAP / 2 * arch * (1.0 if inner else 0.8), 0.0)
        fields["mouth_wide"][i] = (direction * WIDE_OUT * edge**1.3, 0.0 if inner else -0.012 * side * arch, -0.03 - 0.06 * u * u)
        fields["smile+"][i] = (direction * SMILE_OUT * edge**0.7, -SMILE_UP * (0.33 + 0.67 * edge**2.2), -0.04 - 0.08 * u * u)
        fields["smile-"][i] = (0.0, -SMILE_DOWN * (0.2 + 0.8 * edge**2), 0.0)
        fields["pucker"][i] = (-0.1 * u, side * arch * (PUCKER_GAP / 2 if inner else 0.04), 0.14)
        for name, own in (("upper_lip", -1), ("lower_lip", 1)):
            fields[name][i] = (0.0, (own * LIP_GAP if side == own else 0.0) * (1 - u**4), 0.0)
    for points, side in zip(layout.cheeks, (-1, 1), strict=True):
        fields["smile+"] |= dict.fromkeys(points, (0.025 * side, -0.055, 0.02))
    for name in ("smile+", "upper_lip"):  # wings and base of the nose give way
        fields[name] |= dict.fromkeys(layout.nose[: len(layout.nose) // 2], (0.0, 0.0, 0.0))
    return fields | _brow_handles(layout)


def _brow_handles(layout: MeshLayout) -> dict[str, Handles]:
    fields = {name: _still(layout, brows=False) for name in ("brow_inner+", "brow_inner-", "brow_outer")}
    for eye, side in zip(layout.eyes, (-1, 1), strict=True):
        for row in (eye.brow_lower, eye.brow_upper):
            for k, i in enumerate(row):
                t = k / (len(row) - 1)  # 0 at the nose, 1 at the temple
                inner, outer = max(0.0, 1 - 1.2 * t**1.5), float(np.sin(np.pi * min(1.0, 0.65 * t)))
                fields["brow_inner+"][i] = (0.0, -BROW_UP * inner, 0.0)
                fields["brow_inner-"][i] = (0.035 * side * inner, -0.6 * BROW_UP * inner, 0.0)  # a frown draws them together
                fields["brow_outer"][i] = (0.0, -BROW_UP * outer, 0.0)
    return fields


def _lid_handles(head: np.ndarray, layout: MeshLayout, side: int) -> Handles:
    """What closes one eye: both lids meet slightly above the place of the lower one."""
    eye: EyeLayout = layout.eyes[side]
    handles = _still(layout)
    for i, j, fold in zip(eye.upper[1:-1], eye.lower[1:-1], eye.fold[1:-1], strict=True):
        meet = head[j] + _LID_REST * (head[i] - head[j])
        down = meet - head[i]
        handles[i] = (down[0], down[1] + _LID_OVERLAP, down[2] + 2 * _LID_OVERLAP)  # over the lower lid, and in front of it
        handles[j] = tuple(meet - head[j])
        handles[fold] = tuple(_FOLD_FOLLOWS * down)
    lips = (*layout.lip_outer_upper, *layout.lip_outer_lower)
    return handles | dict.fromkeys(lips, (0.0, 0.0, 0.0))

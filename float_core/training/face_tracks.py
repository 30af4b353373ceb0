"""One face through a video: cuts are found, the face is followed from frame to frame, and what it does is measured.

It knows pixels and meshes, not files.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..face.crop import MARGIN, Square, square_inside
from ..synthetic.photo_controls import eye_opening, fit_pose, iris_place, lip_gap, measure_controls
from ..synthetic.portraits import MeshLayout
from .preparation import Rejected

TRACKS = ("lip_opening", "left_lid", "right_lid", "yaw", "pitch", "roll", "gaze_x", "gaze_y")
_CELLS, _PER_CELL = 16, 4  # of the coarse image in which cuts are looked for, a side; pixels looked at in each, a side
_CUT, _CUT_RATIO, _BEFORE = 3.5, 5.0, 12  # levels of 255; times the median change of so many frames before
_JUMP = 0.6  # in face heights: a face that is farther away is another one
_LONGEST_GAP = 5  # frames without a face that are filled in
_LARGEST_MOVE = 1.6  # how much larger than for a still head the square of a clip may be
_SMALL_FACE = 0.3  # of the followed face's height: what is smaller is in the background
_SHARED_CROP = 0.1  # of the frames in which a second face may be in the crop


class CutFinder:
    """Looks at one frame after another. A cut changes the image as a whole, by much more than the frames before."""

    def __init__(self) -> None:
        self._last: np.ndarray | None = None
        self._changes: deque[float] = deque(maxlen=_BEFORE)

    def is_cut(self, pixels: np.ndarray) -> bool:
        """Whether (H, W, 3) uint8 does not go on from the frame before. The first frame does."""
        rows, columns = (np.linspace(0, size - 1, _CELLS * _PER_CELL).astype(int) for size in pixels.shape[:2])
        coarse = pixels[np.ix_(rows, columns)].reshape(_CELLS, _PER_CELL, _CELLS, _PER_CELL, 3).mean((1, 3))
        change = 0.0 if self._last is None else float(np.abs(coarse - self._last).mean())
        usual = float(np.median(self._changes)) if self._changes else 0.0
        self._last = coarse
        cut = change > _CUT and change > _CUT_RATIO * usual
        if cut:
            self._changes.clear()
        else:
            self._changes.append(change)
        return cut


@dataclass(frozen=True, eq=False)
class FaceRun:
    """One face without a break: from frame `start` on, `points` (T, N, 3) in pixels; `seen` (T,): False where they are filled in;
    `others`: the boxes (x1, y1, x2, y2) of other faces, in each frame."""

    start: int
    points: np.ndarray
    seen: np.ndarray
    others: tuple[tuple[np.ndarray, ...], ...]

    def cut(self, start: int, end: int) -> FaceRun:
        """The frames from `start` to before `end`, counted from this run's own start."""
        return FaceRun(self.start + start, self.points[start:end], self.seen[start:end], self.others[start:end])


def follow_face(frames: Sequence[Sequence[np.ndarray]], layout: MeshLayout, start: int = 0) -> Iterator[FaceRun]:
    """The face that is the tallest in any frame of a shot, followed through all of them. `frames`: the meshes of each frame."""
    oval = list(layout.oval)
    heights = [max((float(np.ptp(mesh[oval, 1])) for mesh in meshes), default=0.0) for meshes in frames]
    seed = int(np.argmax(heights)) if heights else 0
    if not heights or not heights[seed]:
        return
    chosen: list[int | None] = [None] * len(frames)
    for order in (range(seed, len(frames)), range(seed, -1, -1)):
        last = max(frames[seed], key=lambda mesh: float(np.ptp(mesh[oval, 1])))[oval]
        for number in order:
            found = _nearest(frames[number], last, oval)
            if found is not None:
                chosen[number], last = found, frames[number][found][oval]
    seen = np.array([choice is not None for choice in chosen])
    others = tuple(
        tuple(_box(mesh[oval]) for n, mesh in enumerate(meshes) if n != choice) for meshes, choice in zip(frames, chosen, strict=True)
    )
    meshes = [None if choice is None else frames[n][choice] for n, choice in enumerate(chosen)]
    for first, end in _without_long_gaps(seen):
        yield FaceRun(start + first, _filled(meshes[first:end]), seen[first:end], others[first:end])


def _nearest(meshes: Sequence[np.ndarray], last: np.ndarray, oval: list[int]) -> int | None:
    """Which mesh goes on from the outline `last`: near it and of nearly its size."""
    height = float(np.ptp(last[:, 1]))
    distances = [float(np.abs(mesh[oval, :2] - last[:, :2]).mean()) for mesh in meshes]
    best = int(np.argmin(distances)) if distances else -1
    return best if distances and distances[best] < _JUMP * height / 2 else None


def _box(outline: np.ndarray) -> np.ndarray:
    return np.concatenate([outline[:, :2].min(0), outline[:, :2].max(0)])


def _without_long_gaps(seen: np.ndarray) -> list[tuple[int, int]]:
    places = np.flatnonzero(seen)
    breaks = np.flatnonzero(np.diff(places) > _LONGEST_GAP + 1)
    firsts, lasts = np.append(places[:1], places[breaks + 1]), np.append(places[breaks], places[-1:])
    return [(int(first), int(last) + 1) for first, last in zip(firsts, lasts, strict=True)]


def _filled(meshes: Sequence[np.ndarray | None]) -> np.ndarray:
    """(T, N, 3) float32; frames between two others that have no mesh lie on the line between them."""
    there = [n for n, mesh in enumerate(meshes) if mesh is not None]
    known = np.stack([mesh for mesh in meshes if mesh is not None]).astype(np.float32)
    if len(there) == len(meshes):
        return known
    place = np.interp(np.arange(len(meshes)), there, np.arange(len(there)))
    low = np.floor(place).astype(int)
    share = (place - low).astype(np.float32)[:, None, None]
    return known[low] * (1 - share) + known[np.minimum(low + 1, len(there) - 1)] * share


def face_height(run: FaceRun, layout: MeshLayout) -> float:
    """The median height of the outline, in pixels."""
    return float(np.median(np.ptp(run.points[:, list(layout.oval), 1], axis=1)))


def clip_square(run: FaceRun, layout: MeshLayout, height: int, width: int) -> Square:
    """The one square of a clip: that of the crop rule for its median face, larger if the head moves, around the middle of where it goes.
    Raises Rejected where there is none, or where a second face is inside."""
    outline = run.points[:, list(layout.oval), :2]
    low, high = outline.min(1), outline.max(1)
    size = float(np.median((high - low).max(1)))
    lowest, highest = low.min(0), high.max(0)
    side = max(int(MARGIN * size), int(1.1 * (highest - lowest).max()))
    if side > _LARGEST_MOVE * MARGIN * size:
        raise Rejected("the head moves too far for one square")
    if min(height, width) < max(0.75 * side, (highest - lowest).max()):
        raise Rejected("the face fills the image")
    square = square_inside(((lowest + highest) / 2).tolist(), side, height, width)
    shared = sum(any(_is_inside(other, square, _SMALL_FACE * size) for other in others) for others in run.others)
    if shared > _SHARED_CROP * len(run.others):
        raise Rejected("a second face beside the first one")
    return square


def _is_inside(box: np.ndarray, square: Square, least: float) -> bool:
    middle = (box[:2] + box[2:]) / 2
    return bool(box[3] - box[1] >= least and (middle > square[:2]).all() and (middle < square[2:]).all())


def measure_tracks(points: np.ndarray, layout: MeshLayout) -> tuple[np.ndarray, np.ndarray]:
    """`tracks` (T, 8) in the order of TRACKS, and the rig (T, 20) in natural units, of meshes (T, N, 3) in half image widths.

    lip_opening: between the inner lips, in head units (from the eyes' middle to the mouth's); lids: height of each opening over its width,
    left in the image first; degrees; gaze: both irises' mean place in the eye, in half widths of it, to the image's right and down."""
    rows, rigs = [], []
    for mesh in points.astype(np.float64):
        head = fit_pose(mesh, layout).to_head(mesh)
        rig = measure_controls(mesh, layout)
        lids = [eye_opening(head, eye) for eye in layout.eyes]
        gaze = np.mean([iris_place(head, eye) for eye in layout.eyes], 0)
        rows.append([lip_gap(head, layout), *lids, *rig[:3], *gaze])
        rigs.append(rig)
    return np.array(rows, np.float32), np.array(rigs, np.float32)

"""Edits of a motion along the directions of the basis. Needs only a basis and latents, no network.

Every edit changes one coefficient lambda_k = v_k . w in some frames. The changes of all edits add up to d, and w becomes w + Q d: in
w = sum_m lambda_m v_m (paper section 3.1, equation 9) the directions are orthonormal, so what lies outside the basis stays. Frames that
no edit changes keep their bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..argument_checks import check_motion, check_number
from ..easing import smooth
from ..types import FloatModel, MotionEdit, MotionSequence
from .curves import evaluate_curve
from .edit_checks import check_edits

_INSTANT = 1e-9  # seconds: a frame this close to an end of a range counts as exactly there


def edit_motion(model: FloatModel, motion: MotionSequence, edits: Sequence[MotionEdit], *, outside_scale: float = 1.0) -> MotionSequence:
    """The motion with the edits applied in order, each to the result of the ones before. `MotionEdit` says what an edit does.

    `outside_scale` scales the part of the motion outside the basis; 1 keeps it. Frames that no edit changes keep their bits. If nothing
    changes at all, the result holds the same tensor.

    >>> import float_core
    >>> model = float_core.load_model("mini")
    >>> motion = MotionSequence(torch.zeros(1, 50, 64), fps=25.0)
    >>> turned = edit_motion(model, motion, [MotionEdit(0, offset=1.5, start=1.0)])
    >>> (turned.latents @ model.basis)[0, ::24, 0].round(decimals=3).tolist()
    [0.0, 0.0, 1.5]
    """
    check_motion(model, motion)
    chosen = check_edits(model, edits)
    check_number("outside_scale", outside_scale)
    (edited,) = edit_pieces(model, [motion.latents], chosen, frames=motion.latents.shape[1], fps=motion.fps)
    if outside_scale != 1:
        edited = edited + (outside_scale - 1) * outside_basis(model, motion.latents)
    return replace(motion, latents=edited)


def outside_basis(model: FloatModel, motion: Tensor) -> Tensor:
    """The part of `motion` (..., D) outside the basis: w - Q Q^T w."""
    basis = basis_like(model, motion)
    return motion - (motion @ basis) @ basis.T


def basis_like(model: FloatModel, motion: Tensor) -> Tensor:
    """The basis (D, M) in the dtype and on the device of `motion`."""
    return model.basis.to(motion.device, motion.dtype)


def needs_whole_clip(edits: Sequence[MotionEdit]) -> bool:
    """Whether an edit needs all frames before it can change the first one, as gain does for the mean."""
    return any(edit.gain != 1 and not edit.freeze for edit in edits)


def edit_pieces(model: FloatModel, pieces: Iterable[Tensor], edits: Sequence[MotionEdit], *, frames: int, fps: float) -> Iterator[Tensor]:
    """Edits a motion of `frames` frames that comes in pieces (B, n, D). Each piece is edited when it is asked for, with the same bits
    however the motion is cut. Edits that need the whole motion need it in one piece. Checks nothing."""
    plans = [_plan(edit, frames, fps) for edit in edits]
    holds: dict[int, Tensor] = {}
    start = 0
    for piece in pieces:
        yield _edit_piece(basis_like(model, piece), piece, plans, holds, start)
        start += piece.shape[1]


def added_by(edit: MotionEdit, frames: int, fps: float) -> Tensor:
    """Offset and curve of the edit, weighted by its range, (T,): what it adds if it does not scale, freeze or limit."""
    plan = _plan(edit, frames, fps)
    return plan.weight * plan.added


@dataclass(frozen=True)
class _Plan:
    """An edit worked out for T frames: `weight` (T,) 0..1, `added` (T,) = offset + curve, `first` frame of its range."""

    edit: MotionEdit
    weight: Tensor
    added: Tensor
    first: int


def _plan(edit: MotionEdit, frames: int, fps: float) -> _Plan:
    times = torch.arange(frames, dtype=torch.float64) / fps
    curve = evaluate_curve(edit.curve, frames, fps) if edit.curve is not None else torch.zeros(frames)
    first = int((times < edit.start - _INSTANT).sum())
    return _Plan(edit, _range_weight(edit, times).float(), edit.offset + curve, first)


def _range_weight(edit: MotionEdit, times: Tensor) -> Tensor:
    """1 inside the range, 0 outside, with ramps inside it at the ends that are given. Where two ramps meet, the lower one counts."""
    weight = (times >= edit.start - _INSTANT).double()
    if edit.end is not None:
        weight = weight * (times <= edit.end + _INSTANT)
    if edit.ease == 0:
        return weight
    share = torch.ones_like(times)
    if edit.start > 0:
        share = ((times - edit.start) / edit.ease).clamp(0, 1)
    if edit.end is not None:
        share = torch.minimum(share, ((edit.end - times) / edit.ease).clamp(0, 1))
    return weight * (smooth(share) if edit.easing == "smooth" else share)


def _edit_piece(basis: Tensor, motion: Tensor, plans: Sequence[_Plan], holds: dict[int, Tensor], start: int) -> Tensor:
    changes: dict[int, Tensor] = {}  # direction -> what all edits so far have added to its coefficient, (B, n)
    for number, plan in enumerate(plans):
        k = plan.edit.direction
        before = changes.get(k, motion.new_zeros(motion.shape[:2]))
        changes[k] = before + _change(plan, motion, basis[:, k], before, holds, number, start)
    # Sums over D within each frame, not a matrix product: its rounding would depend on how the motion is cut.
    shift = sum((change[..., None] * basis[:, k] for k, change in changes.items()), start=torch.zeros_like(motion))
    moved = torch.stack([*changes.values(), motion.new_zeros(motion.shape[:2])]).ne(0).any(0)
    return torch.where(moved[..., None], motion + shift, motion) if bool(moved.any()) else motion


def _change(plan: _Plan, motion: Tensor, axis: Tensor, before: Tensor, holds: dict[int, Tensor], number: int, start: int) -> Tensor:
    """What one edit adds to its coefficient in the frames from `start` on: (n,) or (B, n). `before`: what earlier edits have added."""
    edit, span = plan.edit, slice(start, start + motion.shape[1])
    weight, change = (values[span].to(motion.device, motion.dtype) for values in (plan.weight, plan.added))
    if not edit.freeze and edit.gain == 1 and edit.low is None and edit.high is None:
        return weight * change
    coefficient = (motion * axis).sum(-1) + before
    if edit.freeze:
        if start <= plan.first < span.stop:
            holds[number] = coefficient[:, plan.first - start, None]
        change = change + (holds.get(number, coefficient) - coefficient)
    elif edit.gain != 1:
        change = change + (edit.gain - 1) * (coefficient - coefficient.mean(1, keepdim=True))
    if edit.low is not None or edit.high is not None:
        change = (coefficient + change).clamp(edit.low, edit.high) - coefficient
    return weight * change

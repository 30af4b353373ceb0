"""Edits of a motion along the directions of the basis. Knows no network: a basis and latents are all it takes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..types import FloatModel, MotionEdit, MotionSequence
from .argument_checks import check_edits, check_motion


def edit_motion(model: FloatModel, motion: MotionSequence, edits: Sequence[MotionEdit]) -> MotionSequence:
    """The motion with the edits' offsets added, in coefficient units. What lies outside the basis is kept. Edits of one direction
    add up."""
    check_motion(model, motion)
    delta = edit_offset(model, check_edits(model, edits))
    if delta is None:
        return MotionSequence(motion.motion, motion.fps)
    return MotionSequence(motion.motion + delta.to(motion.motion.device), motion.fps)


def edit_offset(model: FloatModel, edits: Sequence[MotionEdit]) -> Tensor | None:
    """Q @ delta (D,), or None where the edits amount to nothing."""
    delta = model.basis.new_zeros(model.basis.shape[1])
    for edit in edits:
        delta[edit.direction] += edit.offset
    return model.basis @ delta if bool(delta.any()) else None  # w + Q delta

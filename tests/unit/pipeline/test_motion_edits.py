"""Edits along the basis: what they add, what they keep, what is refused."""

from __future__ import annotations

import pytest
import torch

from float_core.errors import OptionError
from float_core.pipeline import edit_motion
from float_core.types import MotionEdit, MotionSequence


@pytest.fixture
def motion() -> MotionSequence:
    return MotionSequence(torch.randn(2, 9, 12, generator=torch.Generator().manual_seed(2)), 25.0)


def test_offsets_are_in_coefficient_units_and_the_rest_is_kept(model, motion):
    edited = edit_motion(model, motion, [MotionEdit(1, 0.5), MotionEdit(3, -2.0), MotionEdit(1, 0.25)]).motion
    delta = torch.tensor([0.0, 0.75, 0.0, -2.0])
    torch.testing.assert_close(edited @ model.basis, motion.motion @ model.basis + delta)

    def outside(w: torch.Tensor) -> torch.Tensor:
        return w - w @ model.basis @ model.basis.T

    torch.testing.assert_close(outside(edited), outside(motion.motion), rtol=1e-4, atol=1e-5)
    assert float(outside(edited).norm()) > 1


@pytest.mark.parametrize("edits", [(), [MotionEdit(2)], [MotionEdit(0, 0.0), MotionEdit(1, 1.5), MotionEdit(1, -1.5)]])
def test_an_edit_of_nothing_changes_no_bit(model, motion, edits):
    assert torch.equal(edit_motion(model, motion, edits).motion.view(torch.int32), motion.motion.view(torch.int32))


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ([MotionEdit(4, 1.0)], "direction is 4; expected a whole number from 0 to 3"),
        ([MotionEdit(-1, 1.0)], "direction is -1"),
        ([MotionEdit(1.0, 1.0)], "direction is 1.0"),
        ([MotionEdit(1, float("nan"))], "nan; expected a finite number"),
        ([(1, 1.0)], "tuple; expected MotionEdit"),
        (MotionEdit(1, 1.0), "expected a sequence"),
    ],
)
def test_refused(model, motion, edits, message):
    with pytest.raises(OptionError, match=message):
        edit_motion(model, motion, edits)


def test_motion_of_another_model(model):
    with pytest.raises(OptionError, match=r"expected \(B, T, 12\)"):
        edit_motion(model, MotionSequence(torch.zeros(1, 3, 11), 25.0), [])

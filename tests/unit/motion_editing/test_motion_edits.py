"""Edits along the basis: the formula against plain loops, exact algebra, pieces equal to the whole, what is refused."""

from __future__ import annotations

import math

import pytest
import torch

from float_core.errors import OptionError
from float_core.motion_editing import edit_motion, evaluate_curve
from float_core.motion_editing.motion_edits import edit_pieces, needs_whole_clip
from float_core.types import Keyframe, LambdaCurve, MotionEdit, MotionSequence

CURVE = LambdaCurve((Keyframe(0.1, 0.5, "linear"), Keyframe(0.5, -1.0, "hold"), Keyframe(0.7, 2.0)))
# One edit of every kind, and combinations.
EDITS = {
    "offset": MotionEdit(1, 0.5),
    "gain": MotionEdit(1, gain=0.3),
    "gain above one": MotionEdit(1, 0.2, gain=2.5),
    "freeze": MotionEdit(1, freeze=True),
    "freeze in a range": MotionEdit(1, 0.25, freeze=True, start=0.22, end=0.6, ease=0.1),
    "freeze beats gain": MotionEdit(1, gain=7.0, freeze=True),
    "low": MotionEdit(1, low=-0.1),
    "high": MotionEdit(1, 1.0, high=0.3),
    "clamp": MotionEdit(1, gain=3.0, low=-0.5, high=0.5, end=0.8, ease=0.2, easing="linear"),
    "range": MotionEdit(1, 1.0, start=0.2, end=0.6),
    "linear ease": MotionEdit(1, 1.0, start=0.2, end=0.6, ease=0.1, easing="linear"),
    "smooth ease": MotionEdit(1, 1.0, start=0.2, end=0.6, ease=0.1),
    "ramps that meet": MotionEdit(1, 1.0, start=0.2, end=0.6, ease=0.5),
    "ease only at the given end": MotionEdit(1, 1.0, end=0.5, ease=0.2),
    "ease only at the given start": MotionEdit(1, 1.0, start=0.5, ease=0.2),
    "outside of the clip": MotionEdit(1, 1.0, freeze=True, start=9.0),
    "curve": MotionEdit(1, curve=CURVE),
    "curve of values": MotionEdit(1, curve=LambdaCurve(values=(0.0, 1.0, -2.0))),
    "everything": MotionEdit(1, 0.1, 1.7, False, -0.8, 0.8, 0.1, 0.7, 0.15, "smooth", CURVE),
}


@pytest.fixture
def motion() -> MotionSequence:
    generator = torch.Generator().manual_seed(2)
    frames = torch.randn(2, 23, 12, generator=generator)
    frames[0, 4, 3] = -0.0
    return MotionSequence(frames, 25.0, torch.randn(2, 12, generator=generator))


def coefficients(model, motion: MotionSequence) -> torch.Tensor:
    return motion.latents @ model.basis


def reference_weight(edit: MotionEdit, time: float) -> float:
    """The range of an edit, as the documentation says it."""
    if time < edit.start or (edit.end is not None and time > edit.end):
        return 0.0
    ramps = [1.0]
    if edit.ease > 0 and edit.start > 0:
        ramps.append(min(1.0, (time - edit.start) / edit.ease))
    if edit.ease > 0 and edit.end is not None:
        ramps.append(min(1.0, (edit.end - time) / edit.ease))
    x = min(ramps)
    return 3 * x**2 - 2 * x**3 if edit.easing == "smooth" else x


def reference(c: list[float], edit: MotionEdit, fps: float) -> list[float]:
    """One coefficient over time, frame by frame, by the formula of MotionEdit."""
    mean = math.fsum(c) / len(c)
    curve = [0.0] * len(c) if edit.curve is None else evaluate_curve(edit.curve, len(c), fps).tolist()
    first = next((i for i in range(len(c)) if i / fps >= edit.start), None)
    result = []
    for i, value in enumerate(c):
        base = c[first] if edit.freeze and first is not None else mean + edit.gain * (value - mean)
        wanted = base + edit.offset + curve[i]
        if edit.low is not None:
            wanted = max(wanted, edit.low)
        if edit.high is not None:
            wanted = min(wanted, edit.high)
        result.append(value + reference_weight(edit, i / fps) * (wanted - value))
    return result


@pytest.mark.parametrize("name", EDITS)
def test_the_formula_against_a_plain_loop(model, motion, name):
    before, after = coefficients(model, motion), coefficients(model, edit_motion(model, motion, [EDITS[name]]))
    for b in range(2):
        expected = torch.tensor(reference(before[b, :, 1].tolist(), EDITS[name], 25.0))
        torch.testing.assert_close(after[b, :, 1], expected, rtol=1e-5, atol=2e-6)
    others = [0, 2, 3]
    torch.testing.assert_close(after[..., others], before[..., others], rtol=1e-5, atol=2e-6)
    if name != "outside of the clip":
        assert float((after - before).abs().max()) > 0.1


@pytest.mark.parametrize("name", EDITS)
def test_frames_that_an_edit_leaves_alone_keep_their_bits(model, motion, name):
    edit = EDITS[name]
    edited = edit_motion(model, motion, [edit]).latents
    still = [i for i in range(23) if reference_weight(edit, i / 25) == 0]
    assert torch.equal(edited[:, still].view(torch.int32), motion.latents[:, still].view(torch.int32))


def test_offsets_are_exact_and_the_rest_is_kept(model, motion):
    edited = edit_motion(model, motion, [MotionEdit(1, 0.5), MotionEdit(3, -2.0), MotionEdit(1, 0.25)])
    delta = torch.tensor([0.0, 0.75, 0.0, -2.0])
    assert torch.equal(edited.latents, motion.latents + (0.75 * model.basis[:, 1] + -2.0 * model.basis[:, 3]))
    torch.testing.assert_close(coefficients(model, edited), coefficients(model, motion) + delta)

    def outside(w: torch.Tensor) -> torch.Tensor:
        return w - w @ model.basis @ model.basis.T

    torch.testing.assert_close(outside(edited.latents), outside(motion.latents), rtol=1e-4, atol=1e-5)
    assert float(outside(edited.latents).norm()) > 1
    assert edited.fps == 25.0 and edited.source is motion.source


NOTHING = {
    "no edits": [],
    "an edit of zero": [MotionEdit(2)],
    "minus zero": [MotionEdit(2, -0.0, gain=1.0)],
    "edits that cancel": [MotionEdit(0, 0.0), MotionEdit(1, 1.5), MotionEdit(1, -1.5)],
    "limits that nothing reaches": [MotionEdit(0, low=-50.0, high=50.0)],
    "a range after the end": [MotionEdit(0, 1.0, start=5.0, end=6.0)],
    "a curve of zeros": [MotionEdit(0, curve=LambdaCurve((Keyframe(0, 0), Keyframe(1, 0))))],
    "an empty curve": [MotionEdit(0, curve=LambdaCurve())],
}


@pytest.mark.parametrize("name", NOTHING)
def test_an_edit_of_nothing_gives_the_same_tensor(model, motion, name):
    assert edit_motion(model, motion, NOTHING[name]).latents is motion.latents


def test_a_chain_of_two_offsets_equals_their_sum(model, motion):
    first, second = MotionEdit(1, 0.7), MotionEdit(1, -0.3, start=0.2, end=0.6, ease=0.1)
    chained = edit_motion(model, edit_motion(model, motion, [first]), [second]).latents
    weights = torch.tensor([reference_weight(second, i / 25) for i in range(23)])
    together = motion.latents + (0.7 - 0.3 * weights)[:, None] * model.basis[:, 1]
    torch.testing.assert_close(chained, together, rtol=0, atol=1e-6)
    halves = edit_motion(model, edit_motion(model, motion, [MotionEdit(2, 0.5)]), [MotionEdit(2, 0.25)]).latents
    torch.testing.assert_close(halves, edit_motion(model, motion, [MotionEdit(2, 0.75)]).latents, rtol=0, atol=1e-6)


@pytest.mark.parametrize("second", EDITS)
@pytest.mark.parametrize("first", ["gain", "clamp", "freeze in a range", "everything"])
def test_a_list_of_edits_equals_a_chain(model, motion, first, second):
    chained = edit_motion(model, edit_motion(model, motion, [EDITS[first]]), [EDITS[second]]).latents
    torch.testing.assert_close(edit_motion(model, motion, [EDITS[first], EDITS[second]]).latents, chained, rtol=1e-5, atol=2e-6)


def test_the_order_of_edits_counts(model, motion):
    one, other = EDITS["clamp"], EDITS["gain above one"]
    assert not torch.allclose(edit_motion(model, motion, [one, other]).latents, edit_motion(model, motion, [other, one]).latents)


def test_what_lies_outside_of_the_basis_can_be_scaled(model, motion):
    edits = [MotionEdit(1, 0.5)]
    outside = motion.latents - motion.latents @ model.basis @ model.basis.T
    inside = motion.latents - outside
    for scale in (0.0, 0.5, 2.0):
        expected = inside + scale * outside + 0.5 * model.basis[:, 1]
        torch.testing.assert_close(edit_motion(model, motion, edits, outside_scale=scale).latents, expected, rtol=1e-5, atol=2e-6)
    assert torch.equal(edit_motion(model, motion, edits, outside_scale=1.0).latents, edit_motion(model, motion, edits).latents)
    assert edit_motion(model, motion, [], outside_scale=1.0).latents is motion.latents


@pytest.mark.parametrize("lengths", [[23], [10, 10, 3], [1] * 23, [5, 18]])
@pytest.mark.parametrize("name", [name for name, edit in EDITS.items() if not needs_whole_clip([edit])])
def test_pieces_give_the_bits_of_the_whole(model, motion, name, lengths):
    edits = [MotionEdit(0, 0.3), EDITS[name], MotionEdit(1, high=0.4)]
    pieces = edit_pieces(model, motion.latents.split(lengths, dim=1), edits, frames=23, fps=25.0)
    assert torch.equal(torch.cat(list(pieces), dim=1), edit_motion(model, motion, edits).latents)


def test_which_edits_need_the_whole_clip():
    needy = {name for name, edit in EDITS.items() if needs_whole_clip([edit])}
    assert needy == {"gain", "gain above one", "clamp", "everything"}


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ([MotionEdit(4, 1.0)], "direction is 4; expected a whole number from 0 to 3"),
        ([MotionEdit(-1, 1.0)], "direction is -1"),
        ([MotionEdit(1.0, 1.0)], "direction is 1.0"),
        ([MotionEdit(True, 1.0)], "direction is True"),
        ([MotionEdit(1, NAN)], "offset of direction 1 is nan; expected a finite number"),
        ([MotionEdit(1, "2")], "offset of direction 1 is '2'"),
        ([MotionEdit(1, 1e30)], "offset of direction 1 is 1e\\+30"),
        ([MotionEdit(0), MotionEdit(1, gain=INF)], "edit 2: the gain of direction 1 is inf"),
        ([MotionEdit(1, gain=None)], "gain of direction 1 is None"),
        ([MotionEdit(1, freeze=1)], "freeze is 1; expected True or False"),
        ([MotionEdit(1, low=NAN)], "low of direction 1 is nan"),
        ([MotionEdit(1, low=1.0, high=0.5)], "low of direction 1 is 1.0; expected at most its high, 0.5"),
        ([MotionEdit(1, start=-1.0)], "start \\(seconds\\) is -1.0; expected a finite number from 0"),
        ([MotionEdit(1, start=2.0, end=1.0)], "end is 1.0 s; expected at least its start, 2.0 s"),
        ([MotionEdit(1, ease=-0.1)], "ease \\(seconds\\) is -0.1"),
        ([MotionEdit(1, easing="hold")], "easing is 'hold'; expected one of linear, smooth"),
        ([MotionEdit(1, curve=(1.0, 2.0))], "curve is tuple; expected LambdaCurve"),
        ([MotionEdit(1, curve=LambdaCurve((Keyframe(0, 0),), (1.0,)))], "both keyframes and values"),
        ([MotionEdit(1, curve=LambdaCurve((Keyframe(0, NAN),)))], "keyframe 1: value is nan"),
        ([MotionEdit(1, curve=LambdaCurve((Keyframe(0, 0, "spring"),)))], "keyframe 1: easing is 'spring'"),
        ([MotionEdit(1, curve=LambdaCurve((Keyframe(0, 0, "bezier", (1.5, 0, 0, 1)),)))], "x1 and x2 from 0 to 1"),
        ([MotionEdit(1, curve=LambdaCurve((Keyframe(0, 0, "bezier", (0.5, 0, 1)),)))], "four finite numbers"),
        ([MotionEdit(1, curve=LambdaCurve(values=(0.0, INF)))], "value 2 is inf"),
        ([(1, 1.0)], "tuple; expected MotionEdit"),
        (MotionEdit(1, 1.0), "expected a sequence"),
        ("[]", "expected a sequence"),
    ],
)
def test_refused(model, motion, edits, message):
    with pytest.raises(OptionError, match=message):
        edit_motion(model, motion, edits)


def test_motion_that_does_not_fit(model, motion):
    with pytest.raises(OptionError, match=r"expected \(B, T, 12\)"):
        edit_motion(model, MotionSequence(torch.zeros(1, 3, 11), 25.0), [])
    with pytest.raises(OptionError, match="fps is 0; expected a finite number from 1"):
        edit_motion(model, MotionSequence(motion.latents, 0), [])
    with pytest.raises(OptionError, match=r"source has shape \(12,\)"):
        edit_motion(model, MotionSequence(motion.latents, 25.0, motion.source[0]), [])
    with pytest.raises(OptionError, match="outside_scale is nan"):
        edit_motion(model, motion, [], outside_scale=NAN)

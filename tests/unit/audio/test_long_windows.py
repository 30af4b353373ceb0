"""Windows of long audio: every frame once, with what it needs around it, and no step where two windows meet."""

from __future__ import annotations

import random

import pytest
import torch

from float_core.audio.long_windows import WindowPlan, speech_windows
from float_core.errors import OptionError

PLANS = [WindowPlan(50, 10), WindowPlan(50, 10, 4), WindowPlan(7, 6), WindowPlan(30, 20, 2), WindowPlan(12, 0), WindowPlan(1250, 250, 50)]


def lengths(plan: WindowPlan) -> list[int]:
    chance = random.Random(0)
    return [1, plan.length, plan.length + 1, 2 * plan.length, *(chance.randint(1, 20 * plan.length) for _ in range(8))]


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_windows_are_of_one_length_and_overlap_enough(plan):
    for frames in lengths(plan):
        spans = plan.spans(frames)
        assert spans[0][0] == 0 and spans[-1][1] == frames
        assert {stop - start for start, stop in spans} == {min(frames, plan.length)}
        assert all(stop - start >= plan.overlap for (_, stop), (start, _) in zip(spans[:-1], spans[1:], strict=True))
        assert len(spans) <= 1 + -(-frames // (plan.length - plan.overlap))


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_windows_that_agree_give_the_sequence_back(plan):
    for frames in lengths(plan):
        whole = torch.arange(frames, dtype=torch.float64).reshape(1, -1, 1).repeat(2, 1, 3)
        spans = plan.spans(frames)
        pieces = list(plan.join(spans, (whole[:, start:stop] for start, stop in spans)))
        assert len(pieces) == len(spans) and all(piece.shape[1] for piece in pieces)
        torch.testing.assert_close(torch.cat(pieces, dim=1), whole, rtol=1e-15, atol=0)


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_every_frame_has_half_the_overlap_around_it(plan):
    for frames in lengths(plan):
        spans = plan.spans(frames)
        near = [torch.minimum(torch.arange(frames) - start if start else torch.tensor(frames), torch.tensor(frames)) for start, _ in spans]
        far = [stop - 1 - torch.arange(frames) if stop < frames else torch.full((frames,), frames) for _, stop in spans]
        context = [torch.minimum(a.expand(frames), b)[start:stop] for a, b, (start, stop) in zip(near, far, spans, strict=True)]
        joined = torch.cat(list(plan.join(spans, (c[None, :, None].float() for c in context))), dim=1)
        assert float(joined.min()) >= min(frames, plan.overlap // 2 - plan.fade // 2 - 1)


def test_where_windows_differ_one_fades_into_the_other():
    plan = WindowPlan(20, 10, 4)
    spans = plan.spans(30)
    assert spans == [(0, 20), (10, 30)]
    joined = torch.cat(list(plan.join(spans, [torch.zeros(1, 20, 1), torch.ones(1, 20, 1)])), dim=1)[0, :, 0]
    assert joined.tolist() == [0.0] * 13 + [0.125, 0.375, 0.625, 0.875] + [1.0] * 13


def test_a_piece_comes_before_the_next_window_is_heard():
    heard: list[int] = []
    plan = WindowPlan(20, 10, 4)
    spans = plan.spans(200)

    def windows():
        for number in range(len(spans)):
            heard.append(number)
            yield torch.zeros(1, 20, 1)

    for number, _ in enumerate(plan.join(spans, windows())):
        assert len(heard) == number + 1


@pytest.mark.parametrize("wrong", [(10, 10, 0), (10, 12, 0), (20, 10, 3), (20, 2, 4), (20, 14, 4), (20, 10, -2)])
def test_plans_that_cannot_be(wrong):
    with pytest.raises(OptionError, match="even fade"):
        WindowPlan(*wrong)


@pytest.mark.parametrize("rate", [25, 50, 29.97])
def test_speech_has_its_seconds(rate):
    plan = speech_windows(rate)
    assert plan.length == round(50 * rate) and plan.overlap == round(10 * rate) and abs(plan.fade - 2 * rate) <= 1

"""Guidance against its plain form, and the number of passes it takes."""

from __future__ import annotations

import pytest
import torch

from float_core.motion_flow.guidance import GuidedVelocity

SCALES_AND_PASSES = [
    ((1.0, 1.0), 1),
    ((1.0, 0.0), 1),  # v(w_a, 0) alone
    ((0.0, 0.0), 1),  # v(0, 0) alone
    ((2.0, 2.0), 2),
    ((1.0, 3.0), 2),
    ((2.0, 0.0), 2),
    ((2.0, 1.0), 3),
    ((2.5, 4.0), 3),
    ((-1.0, 0.5), 3),
]


def plain(transformer, c, x, t, a, e):
    """The formula as it is written, three passes."""

    def v(keep_audio: float, keep_emotion: float) -> torch.Tensor:
        return transformer(x, t, c.audio * keep_audio, c.source_motion, c.emotion * keep_emotion, c.preceding_motion, c.preceding_audio)

    nothing, audio, both = v(0, 0), v(1, 0), v(1, 1)
    return nothing + a * (audio - nothing) + e * (both - audio)


@pytest.mark.parametrize(("scales", "passes"), SCALES_AND_PASSES)
@torch.no_grad()
def test_equals_the_plain_formula_in_as_few_passes(transformer, conditions, scales, passes):
    x = torch.randn(2, 7, 6, generator=torch.Generator().manual_seed(3))
    rows: list[int] = []
    guided = GuidedVelocity(transformer, conditions, *scales)
    hook = transformer.register_forward_pre_hook(lambda module, arguments: rows.append(len(arguments[0])))
    result = guided.all_frames(x, 0.3)
    hook.remove()
    assert sum(rows) == 2 * passes == 2 * guided.passes
    expected = plain(transformer, conditions, x, 0.3, *scales)
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(guided(x, 0.3), result[:, 3:])


@pytest.mark.half_precision
@torch.no_grad()
def test_half_precision_networks_give_float32(transformer, conditions):
    x = torch.randn(2, 7, 6)
    full = GuidedVelocity(transformer, conditions, 2.0, 1.0)(x, 0.3)
    half = GuidedVelocity(transformer.bfloat16(), conditions, 2.0, 1.0)(x, 0.3)
    assert half.dtype == torch.float32
    assert float((half - full).norm() / full.norm()) < 0.1

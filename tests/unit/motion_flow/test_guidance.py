"""Guidance against its plain form, and the number of passes it takes; the fast velocity against the reference, and that it does less."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from float_core.config import MINI, TransformerConfig
from float_core.motion_flow.guidance import GuidedVelocity, PreparedVelocity
from float_core.motion_flow.transformer import FlowMatchingTransformer
from float_core.motion_flow.window_sampler import sample_windows
from float_core.types import SOLVERS as SOLVER_NAMES
from float_core.types import SamplingOptions

from .conftest import CONFIG, random_conditions

X = torch.randn(2, 7, 6, generator=torch.Generator().manual_seed(3))
TIMES = [0.0, 0.25, 0.9]
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
def test_half_precision_loses_by_rounding_alone(transformer, conditions, in_precision):
    x = torch.randn(2, 7, 6)
    exact, best = (
        GuidedVelocity(network, conditions, 2.0, 1.0)(x, 0.3) for network in (transformer, in_precision(transformer, torch.bfloat16))
    )
    transformer.bfloat16()
    for found in (
        GuidedVelocity(transformer, conditions, 2.0, 1.0)(x, 0.3),
        PreparedVelocity(transformer, conditions, 2.0, 1.0, [0.3])(x, 0.3),
    ):
        assert found.dtype == torch.float32
        assert (found - best).norm() < 1.5 * (best - exact).norm()  # sums and products between the layers are rounded too


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).norm() / b.norm())


def randomized(config: TransformerConfig) -> FlowMatchingTransformer:
    torch.manual_seed(2)
    network = FlowMatchingTransformer(config).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=parameter.shape[-1] ** -0.5)
    return network


@pytest.mark.parametrize("emotion_frames", [1, 10])
@pytest.mark.parametrize(("scales", "passes"), SCALES_AND_PASSES)
@torch.no_grad()
def test_prepared_equals_the_plain_velocity(transformer, scales, passes, emotion_frames):
    conditions = random_conditions(2, emotion_frames=emotion_frames)
    plain, prepared = GuidedVelocity(transformer, conditions, *scales), PreparedVelocity(transformer, conditions, *scales, TIMES)
    assert prepared.passes == plain.passes == passes
    for t in (0.9, 0.0, 0.25):
        assert relative(prepared(X, t), plain(X, t)) < 1e-5


@pytest.mark.parametrize(("reach", "preceding", "depth"), [(2, 3, 1), (2, 3, 4), (1, 6, 3), (6, 3, 2), (2, 0, 2)])
@torch.no_grad()
def test_prepared_equals_it_however_far_the_attention_reaches(reach, preceding, depth):
    network = randomized(replace(CONFIG, reach=reach, preceding=preceding, depth=depth))
    conditions = random_conditions(2)
    before = {name: getattr(conditions, name)[:, :1].repeat(1, preceding, 1) for name in ("preceding_motion", "preceding_audio")}
    conditions = replace(conditions, **{name: value + torch.randn(value.shape) for name, value in before.items()})
    found = PreparedVelocity(network, conditions, 2.0, 1.0, TIMES)(X, 0.25)
    assert relative(found, GuidedVelocity(network, conditions, 2.0, 1.0)(X, 0.25)) < 1e-5


@torch.no_grad()
def test_prepared_equals_it_at_the_size_of_the_bundled_model():
    """Large enough for oneDNN's products, where there is oneDNN."""
    network = randomized(MINI.transformer)
    c, draw = MINI.transformer, torch.randn
    conditions = replace(
        random_conditions(1),
        audio=draw(1, c.window, c.audio_size),
        source_motion=draw(1, c.latent_size),
        preceding_motion=draw(1, c.preceding, c.latent_size),
        preceding_audio=draw(1, c.preceding, c.audio_size),
    )
    x = draw(1, c.window, c.latent_size)
    found = PreparedVelocity(network, conditions, 2.0, 1.0, TIMES)(x, 0.25)
    assert relative(found, GuidedVelocity(network, conditions, 2.0, 1.0)(x, 0.25)) < 1e-5


@pytest.mark.parametrize("pieces", [1, 2, 3])
@torch.no_grad()
def test_projections_come_in_pieces_of_what_memory_allows(transformer, conditions, pieces):
    products: list[int] = []
    head = transformer.decoder.adaLN_modulation[1]
    whole = PreparedVelocity(transformer, conditions, 2.0, 1.0, TIMES)
    floats = whole.rows * CONFIG.hidden_size * (6 * CONFIG.depth + 2)
    limit = {1: 3, 2: 2, 3: 0.5}[pieces] * floats * 4  # one time's are made, however little memory there is
    prepared = PreparedVelocity(transformer, conditions, 2.0, 1.0, TIMES, table_bytes=int(limit))
    hook = head.register_forward_hook(lambda module, inputs, output: products.append(len(output)))
    found = [prepared(X, t) for t in TIMES]
    hook.remove()
    assert len(products) == pieces and sum(products) == len(TIMES)
    for v, t in zip(found, TIMES, strict=True):
        torch.testing.assert_close(v, whole(X, t), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_rows_are_the_distinct_conditions(transformer):
    B, P, W = 2, CONFIG.preceding, CONFIG.window

    def rows(a: float, e: float, emotion_frames: int = 1) -> int:
        return PreparedVelocity(transformer, random_conditions(B, emotion_frames=emotion_frames), a, e, TIMES).rows

    assert rows(1.0, 1.0) == B * (P + W)
    assert rows(0.0, 0.0) == B * (P + 1)
    assert rows(2.0, 0.0) == B * (P + 1 + W)  # both without emotion: the preceding frames are the same
    assert rows(2.0, 2.0) == B * (P + 1 + P + W)
    assert rows(2.0, 1.0) == rows(2.0, 1.0, P + W) == B * (P + 1 + W + P + W)


@torch.no_grad()
def test_a_time_that_was_not_announced(transformer, conditions):
    with pytest.raises(KeyError):
        PreparedVelocity(transformer, conditions, 2.0, 1.0, TIMES)(X, 0.5)


@torch.no_grad()
def test_repeats_to_the_bit(transformer, conditions):
    first, again = (PreparedVelocity(transformer, conditions, 2.0, 1.0, TIMES)(X, 0.25) for _ in range(2))
    assert torch.equal(first, again)


@torch.no_grad()
def test_the_preceding_frames_are_left_out_block_by_block(transformer, conditions):
    """3 preceding frames, reach 2: the last block gives out the 7 current ones, the first also the 2 before them that those see."""
    tokens: list[tuple[int, ...]] = []
    hooks = [
        block.attn.proj.register_forward_hook(lambda module, inputs, output: tokens.append(output.shape)) for block in transformer.blocks
    ]
    PreparedVelocity(transformer, conditions, 1.0, 1.0, TIMES)(X, 0.25)
    for hook in hooks:
        hook.remove()
    assert [shape[1] for shape in tokens] == [9, 7]


@pytest.mark.parametrize("scales", [(1.0, 1.0), (2.0, 2.0), (2.0, 1.0)])
@pytest.mark.parametrize("solver", SOLVER_NAMES)
def test_whole_clips_equal_the_plain_loop(transformer, solver, scales):
    g = torch.Generator().manual_seed(4)
    source, audio = torch.randn(2, 6, generator=g), torch.randn(2, 17, 5, generator=g)
    emotion = torch.randn(2, 17, 7, generator=g).softmax(-1)
    options = SamplingOptions(steps=8, solver=solver, audio_guidance=scales[0], emotion_guidance=scales[1], guidance_interval=(0.1, 0.6))
    plain, fast = (
        torch.cat(list(sample_windows(transformer, source, audio, emotion, options, impl=impl)), dim=1) for impl in ("reference", "fast")
    )
    assert relative(fast, plain) < 1e-5

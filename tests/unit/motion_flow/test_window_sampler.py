"""Windows: streaming equals whole, what one window hands to the next, noise, emotion in time, the tail."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from float_core.motion_flow.window_sampler import WindowState, draw_noise, sample_window, sample_windows, window_count
from float_core.types import SamplingOptions

W, P, D, A = 7, 3, 6, 5
OPTIONS = SamplingOptions(steps=3, seed=5)


def clip(frames: int, batch: int = 1, emotion_frames: int = 1) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """source motion, audio, emotion."""
    g = torch.Generator().manual_seed(frames)
    emotion = torch.randn(batch, emotion_frames, 7, generator=g).softmax(-1)
    return torch.randn(batch, D, generator=g), torch.randn(batch, frames, A, generator=g), emotion


def whole(transformer, conditions, options=OPTIONS, noise=None) -> torch.Tensor:
    return torch.cat(list(sample_windows(transformer, *conditions, options, noise=noise)), dim=1)


@pytest.mark.parametrize("frames", [1, 6, 7, 8, 14, 20])
def test_length_is_the_audios(transformer, frames):
    pieces = list(sample_windows(transformer, *clip(frames), OPTIONS))
    assert len(pieces) == window_count(frames, transformer.config)
    assert sum(piece.shape[1] for piece in pieces) == frames
    assert all(piece.dtype == torch.float32 and not piece.requires_grad for piece in pieces)


def test_streaming_equals_whole_and_starting_again_repeats(transformer):
    source, audio, emotion = clip(14, emotion_frames=14)
    expected = whole(transformer, (source, audio, emotion))
    for _ in range(2):  # the second time from a fresh state and fresh noise
        state, noise = WindowState.start(transformer.config, 1), draw_noise(OPTIONS, (1, W, D))
        pieces = []
        for start in (0, W):
            part = slice(start, start + W)
            motion, state = sample_window(transformer, state, source, audio[:, part], emotion[:, part], next(noise), OPTIONS)
            pieces.append(motion)
        assert torch.equal(torch.cat(pieces, dim=1), expected)


@pytest.mark.parametrize("sizes", [[1] * 20, [7, 7, 6], [3, 0, 12, 5], [20]])
@pytest.mark.parametrize("emotion_frames", [1, 20])
def test_audio_in_pieces_gives_the_bits_of_the_whole(transformer, sizes, emotion_frames):
    source, audio, emotion = clip(20, batch=2, emotion_frames=emotion_frames)
    taken: list[int] = []

    def pieces():
        for piece in audio.split(sizes, dim=1):
            taken.append(piece.shape[1])
            yield piece

    windows = sample_windows(transformer, source, pieces(), emotion, OPTIONS)
    first = next(windows)
    assert sum(taken) - taken[-1] < W <= sum(taken)  # what the first window needs, and no more
    assert torch.equal(torch.cat([first, *windows], dim=1), whole(transformer, (source, audio, emotion)))


def test_a_window_is_sampled_only_when_it_is_asked_for(transformer):
    evaluations: list[None] = []
    windows = sample_windows(transformer, *clip(14), OPTIONS, on_evaluation=lambda: evaluations.append(None))
    next(windows)
    assert len(evaluations) == 3
    next(windows)
    assert len(evaluations) == 6


def test_the_state_is_the_end_of_the_window_before(transformer):
    source, audio, emotion = clip(W, emotion_frames=W)
    state = WindowState.start(transformer.config, 1)
    assert not state.motion.any() and not state.audio.any() and state.emotion is None
    motion, following = sample_window(transformer, state, source, audio, emotion, torch.zeros(1, W, D), OPTIONS)
    assert torch.equal(following.motion, motion[:, -P:])
    assert torch.equal(following.audio, audio[:, -P:])
    assert following.emotion is not None and torch.equal(following.emotion, emotion[:, -P:])


def test_the_tail_is_padded_by_its_last_frame(transformer):
    source, audio, emotion = clip(9, emotion_frames=9)
    noise = torch.randn(2, 1, W, D)

    def padded(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, x[:, -1:].expand(-1, 5, -1)], dim=1)

    long = whole(transformer, (source, padded(audio), padded(emotion)), noise=noise)
    assert torch.equal(whole(transformer, (source, audio, emotion), noise=noise), long[:, :9])


def test_emotion_that_does_not_vary_equals_one_for_all(transformer):
    source, audio, emotion = clip(16)
    torch.testing.assert_close(
        whole(transformer, (source, audio, emotion.expand(-1, 16, -1))), whole(transformer, (source, audio, emotion))
    )


def test_emotion_in_time_is_each_frames_own_and_the_preceding_ones(transformer):
    seen: list[torch.Tensor] = []
    source, audio, emotion = clip(9, emotion_frames=9)
    transformer.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[4]))
    list(sample_windows(transformer, source, audio, emotion, SamplingOptions(steps=1, audio_guidance=1.0), impl="reference"))
    first, last = emotion[:, :1].expand(-1, P, -1), emotion[:, -1:].expand(-1, 5, -1)
    assert torch.equal(seen[0], torch.cat([first, emotion[:, :W]], dim=1))
    assert torch.equal(seen[1], torch.cat([emotion[:, W - P :], last], dim=1))


def test_single_conditions_are_repeated_for_a_batch(transformer):
    source, audio, emotion = clip(8)
    sources = torch.cat([source, source + 1])
    noise = torch.randn(2, 2, W, D)
    both = whole(transformer, (sources, audio, emotion), noise=noise)
    for i in range(2):
        torch.testing.assert_close(both[i : i + 1], whole(transformer, (sources[i : i + 1], audio, emotion), noise=noise[:, i : i + 1]))


def test_continuous_noise_is_one_generator_drawn_window_after_window():
    generator = torch.Generator("cpu").manual_seed(11)
    draws = draw_noise(SamplingOptions(seed=11), (2, 50, D))
    for _ in range(3):
        assert torch.equal(next(draws), torch.randn(2, 50, D, generator=generator))


def test_the_released_preset_has_the_same_noise_in_each_window():
    draws = draw_noise(SamplingOptions.released(seed=3), (1, 50, D))
    first, second, third = next(draws), next(draws), next(draws)
    assert torch.equal(first, second) and torch.equal(second, third)
    assert torch.equal(first, torch.randn(1, 50, D, generator=torch.Generator().manual_seed(3)))


def test_the_seed_decides_and_given_noise_overrides_it(transformer):
    conditions = clip(14)
    by_seed = {seed: whole(transformer, conditions, SamplingOptions(steps=2, seed=seed)) for seed in (0, 1)}
    assert torch.equal(by_seed[0], whole(transformer, conditions, SamplingOptions(steps=2, seed=0)))
    assert not torch.equal(by_seed[0], by_seed[1])
    draws = draw_noise(SamplingOptions(seed=1), (1, W, D))
    noise = torch.stack([next(draws), next(draws)])
    assert torch.equal(by_seed[1], whole(transformer, conditions, SamplingOptions(steps=2, seed=0), noise=noise))


def test_every_solver_and_both_scales_have_an_effect(transformer):
    conditions = clip(7)
    runs = [SamplingOptions(steps=8, solver=solver) for solver in ("euler", "midpoint", "heun", "rk4", "ab2")]
    runs += [SamplingOptions(steps=8, audio_guidance=1.0), SamplingOptions(steps=8, emotion_guidance=2.0), SamplingOptions(steps=4)]
    runs += [SamplingOptions(steps=8, time_grid="fine_end"), SamplingOptions(steps=8, guidance_interval=(0.2, 0.7))]
    results = [whole(transformer, conditions, options) for options in runs]
    for i, a in enumerate(results):
        assert all(not torch.equal(a, b) for b in results[i + 1 :])


@pytest.mark.parametrize("impl", ["fast", "reference"])
def test_outside_the_guidance_interval_the_scales_are_one(transformer, impl):
    """Euler on an even grid of 4 asks at 0, 1/4, 1/2 and 3/4."""
    conditions, scale = clip(W), SamplingOptions(steps=4, audio_guidance=3.0)

    def motion(options: SamplingOptions) -> torch.Tensor:
        return torch.cat(list(sample_windows(transformer, *conditions, options, impl=impl)), dim=1)

    plain, guided = motion(replace(scale, audio_guidance=1.0)), motion(scale)
    assert torch.equal(motion(replace(scale, guidance_interval=(0.8, 0.9))), plain)
    assert torch.equal(motion(replace(scale, guidance_interval=(0.0, 0.75))), guided)  # the ends belong to it
    between = motion(replace(scale, guidance_interval=(0.2, 0.7)))
    assert not torch.equal(between, plain) and not torch.equal(between, guided)


def test_outside_the_guidance_interval_there_is_one_pass(transformer):
    rows: list[int] = []
    hook = transformer.decoder.linear.register_forward_hook(lambda module, inputs, output: rows.append(len(output)))
    list(sample_windows(transformer, *clip(W), SamplingOptions(steps=4, guidance_interval=(0.2, 0.6))))
    hook.remove()
    assert rows == [1, 3, 3, 1]

"""Sampling of motion, window after window (paper section 3.2). What one window hands to the next is a `WindowState`, nothing else.

Knows the transformer, its guidance and its solvers; knows nothing of identities, sound files or images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..config import TransformerConfig
from ..types import SamplingOptions
from .guidance import WindowConditions
from .ode_solvers import SOLVERS, Velocity, time_grid
from .transformer import FlowMatchingTransformer
from .window_velocity import Implementation, window_velocity


@dataclass(frozen=True)
class WindowState:
    """The P frames before the next window: `motion` (B, P, D), `audio` (B, P, Da), and `emotion` (B, P, 7), None at the start of a
    clip. `index` counts the windows before it. Starting again is `WindowState.start(...)`."""

    motion: Tensor
    audio: Tensor
    emotion: Tensor | None = None
    index: int = 0

    @classmethod
    def start(cls, config: TransformerConfig, batch: int, device: torch.device | str = "cpu") -> WindowState:
        """Before the first window: zeros."""
        motion = torch.zeros(batch, config.preceding, config.latent_size, device=device)
        audio = torch.zeros(batch, config.preceding, config.audio_size, device=device)
        return cls(motion, audio)


def window_count(frames: int, config: TransformerConfig) -> int:
    """How many windows a clip of so many frames takes."""
    return math.ceil(frames / config.window)


def draw_noise(options: SamplingOptions, shape: tuple[int, int, int]) -> Iterator[Tensor]:
    """x0 of one window after another, without end: (B, W, D) float32, drawn on the CPU so that every device gets the same."""
    generator = torch.Generator("cpu").manual_seed(options.seed)
    while True:
        yield torch.randn(shape, generator=generator)
        if options.noise_policy == "same_each_window":
            generator.manual_seed(options.seed)


def _emotion_of_window(state: WindowState, emotion: Tensor, config: TransformerConfig) -> Tensor:
    """Emotion of all P+W frames, or (B, 1, 7) as it is where it does not vary."""
    if emotion.shape[1] == 1:
        return emotion
    before = state.emotion if state.emotion is not None else emotion[:, :1].expand(-1, config.preceding, -1)
    return torch.cat([before, emotion], dim=1)


@torch.no_grad()
def sample_window(
    transformer: FlowMatchingTransformer,
    state: WindowState,
    source_motion: Tensor,
    audio: Tensor,
    emotion: Tensor,
    noise: Tensor,
    options: SamplingOptions,
    on_evaluation: Callable[[], None] | None = None,
    *,
    impl: Implementation = "fast",
) -> tuple[Tensor, WindowState]:
    """One window: source_motion (B, D), audio (B, W, Da), emotion (B, 1 or W, 7), noise x0 (B, W, D) -> motion (B, W, D), next state.

    `impl` "reference": the plain loop, which "fast" equals to 1e-5."""
    config = transformer.config
    emotions = _emotion_of_window(state, emotion, config)
    conditions = WindowConditions(audio, source_motion, emotions, state.motion, state.audio)
    solver, grid = SOLVERS[options.solver], time_grid(options.solver, options.steps, options.time_grid)
    velocity = window_velocity(transformer, conditions, options, impl)
    if on_evaluation is not None:
        velocity = _reporting(velocity, on_evaluation)
    motion = solver(velocity, noise, grid)
    last = config.window - config.preceding
    following = WindowState(
        motion[:, last:], audio[:, last:], emotions[:, config.window :] if emotion.shape[1] > 1 else None, state.index + 1
    )
    return motion, following


def _reporting(velocity: Velocity, on_evaluation: Callable[[], None]) -> Velocity:
    def reported(x: Tensor, t: float) -> Tensor:
        v = velocity(x, t)
        on_evaluation()
        return v

    return reported


def sample_windows(
    transformer: FlowMatchingTransformer,
    source_motion: Tensor,
    audio: Tensor,
    emotion: Tensor,
    options: SamplingOptions,
    *,
    noise: Tensor | None = None,
    on_evaluation: Callable[[], None] | None = None,
    impl: Implementation = "fast",
) -> Iterator[Tensor]:
    """Motion of a whole clip, one window (B, up to W, D) float32 at a time, each sampled when it is asked for.

    source_motion (B, D), audio (B, T, Da), emotion (B, 1 or T, 7); a batch of 1 among larger ones is repeated. `noise` (windows, B, W, D)
    is used instead of the seed. `impl` as in `sample_window`.
    """
    frames, batch = audio.shape[1], max(len(source_motion), len(audio), len(emotion))
    source_motion, audio, emotion = (c if len(c) == batch else c.expand(batch, *c.shape[1:]) for c in (source_motion, audio, emotion))
    conditions = cut_windows(audio, emotion, transformer.config.window)
    return stream_windows(transformer, source_motion, conditions, frames, options, noise=noise, on_evaluation=on_evaluation, impl=impl)


def stream_windows(
    transformer: FlowMatchingTransformer,
    source_motion: Tensor,
    conditions: Iterable[tuple[Tensor, Tensor]],
    frames: int,
    options: SamplingOptions,
    *,
    noise: Tensor | None = None,
    on_evaluation: Callable[[], None] | None = None,
    impl: Implementation = "fast",
) -> Iterator[Tensor]:
    """As `sample_windows`, with the conditions of one window after another: audio (B, W, Da) and emotion (B, 1 or W, 7), the last ones
    filled up as `cut_windows` does. source_motion (B, D); `frames` = T. Nothing of a window is kept but its `WindowState`."""
    config, batch, device = transformer.config, len(source_motion), source_motion.device
    draws = iter(noise) if noise is not None else draw_noise(options, (batch, config.window, config.latent_size))
    state = WindowState.start(config, batch, device)
    for start, (audio, emotion) in zip(range(0, frames, config.window), conditions, strict=True):
        x0 = next(draws).to(device, torch.float32)
        motion, state = sample_window(transformer, state, source_motion, audio, emotion, x0, options, on_evaluation, impl=impl)
        yield motion[:, : frames - start]


def cut_windows(audio: Tensor, emotion: Tensor, window: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Audio (B, T, Da) and emotion (B, 1 or T, 7) as windows of W frames, the last one filled up with the last frame."""
    for start in range(0, audio.shape[1], window):
        yield _cut(audio, start, window), emotion if emotion.shape[1] == 1 else _cut(emotion, start, window)


def _cut(sequence: Tensor, start: int, length: int) -> Tensor:
    """`length` frames from `start`; beyond the end, the last frame again."""
    part = sequence[:, start : start + length]
    return torch.cat([part, sequence[:, -1:].expand(-1, length - part.shape[1], -1)], dim=1)

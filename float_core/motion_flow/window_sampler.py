"""Sampling of motion, window by window (FLOAT, arXiv 2412.01064, section 3.2). A `WindowState` is all that one window passes to the next.

A whole motion is the concatenation of its windows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..chunks import rechunk, repeat_last
from ..config import TransformerConfig
from ..types import SamplingOptions
from .guidance import Implementation, WindowConditions, guided_velocity
from .ode_solvers import SOLVERS, evaluation_times, time_grid
from .transformer import FlowMatchingTransformer


@dataclass(frozen=True, eq=False)
class WindowState:
    """The P frames before the next window. `WindowState.start(...)` begins again.

    motion: (B, P, D).
    audio: (B, P, D_a).
    emotion: (B, P, 7), or None if the emotion is constant so far.
    """

    motion: Tensor
    audio: Tensor
    emotion: Tensor | None = None

    @classmethod
    def start(cls, config: TransformerConfig, batch: int, device: torch.device | str = "cpu") -> WindowState:
        """Before the first window: zeros."""
        motion = torch.zeros(batch, config.preceding, config.latent_size, device=device)
        return cls(motion, torch.zeros(batch, config.preceding, config.audio_size, device=device))


def window_count(frames: int, config: TransformerConfig) -> int:
    """How many windows are needed for so many frames."""
    return math.ceil(frames / config.window)


def draw_noise(options: SamplingOptions, shape: tuple[int, int, int]) -> Iterator[Tensor]:
    """x0 of one window after another, endless: (B, W, D) float32, drawn on the CPU so that it is the same on every device."""
    generator = torch.Generator("cpu").manual_seed(options.seed)
    while True:
        yield torch.randn(shape, generator=generator)
        if options.noise_policy == "same_each_window":
            generator.manual_seed(options.seed)


@torch.no_grad()
def sample_window(
    transformer: FlowMatchingTransformer,
    state: WindowState,
    source_motion: Tensor,
    audio: Tensor,
    emotion: Tensor,
    noise: Tensor,
    options: SamplingOptions,
    *,
    on_evaluation: Callable[[], None] | None = None,
    impl: Implementation = "fast",
) -> tuple[Tensor, WindowState]:
    """One window: source_motion (B, D), audio (B, W, D_a), emotion (B, 1 or W, 7), noise x0 (B, W, D) -> motion (B, W, D), next state."""
    config, solver = transformer.config, (options.solver, options.steps, options.time_grid)
    changes = emotion.shape[1] > 1
    if changes:
        before = state.emotion if state.emotion is not None else emotion[:, :1].expand(-1, config.preceding, -1)
        emotion = torch.cat([before, emotion], dim=1)  # of all P+W frames
    conditions = WindowConditions(audio, source_motion, emotion, state.motion, state.audio)
    velocity = guided_velocity(transformer, conditions, options, evaluation_times(*solver), impl, on_evaluation)
    motion = SOLVERS[options.solver](velocity, noise, time_grid(*solver))
    last = config.window - config.preceding
    return motion, WindowState(motion[:, last:], audio[:, last:], emotion[:, config.window :] if changes else None)


def sample_windows(
    transformer: FlowMatchingTransformer,
    source_motion: Tensor,
    audio: Tensor | Iterable[Tensor],
    emotion: Tensor,
    options: SamplingOptions,
    *,
    noise: Tensor | None = None,
    on_evaluation: Callable[[], None] | None = None,
    impl: Implementation = "fast",
) -> Iterator[Tensor]:
    """Motion (B, W, D) float32 of one window after another, each sampled when it is asked for; the last may be shorter.

    source_motion: (B, D).
    audio: (B, T, D_a), or pieces (B, n, D_a) of any length. A piece is taken when the first window that needs it is sampled.
    emotion: (B, 1 or T, 7). A batch of 1 of audio or emotion is repeated.
    noise: (windows, B, W, D), used instead of the seed.

    Only the `WindowState` of a window is kept. How the audio is cut into pieces does not change any bit.
    """
    config, batch, device = transformer.config, len(source_motion), source_motion.device
    state = WindowState.start(config, batch, device)
    draws = iter(noise) if noise is not None else draw_noise(options, (batch, config.window, config.latent_size))
    pieces = [audio] if isinstance(audio, Tensor) else audio
    changing = (repeat_last(part, config.window, dim=1) for part in rechunk([emotion], config.window, dim=1))
    emotions = itertools.repeat(emotion) if emotion.shape[1] == 1 else changing
    for heard, felt in zip(rechunk(pieces, config.window, dim=1), emotions, strict=False):
        filled, felt = repeat_last(heard, config.window, dim=1).expand(batch, -1, -1), felt.expand(batch, -1, -1)
        x0 = next(draws).to(device, torch.float32)
        motion, state = sample_window(transformer, state, source_motion, filled, felt, x0, options, on_evaluation=on_evaluation, impl=impl)
        yield motion[:, : heard.shape[1]]

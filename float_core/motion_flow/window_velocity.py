"""Which velocity a window is sampled along: prepared or plain, guided or not by the time. Knows no noise and no other window."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from ..types import SamplingOptions
from .guidance import GuidedVelocity, WindowConditions
from .ode_solvers import SOLVERS, Velocity, evaluation_times, time_grid
from .prepared_velocity import TABLE_BYTES, PreparedVelocity
from .transformer import FlowMatchingTransformer

Implementation = Literal["fast", "reference"]


def scales_at(options: SamplingOptions, t: float) -> tuple[float, float]:
    """Audio and emotion scale at time t: those of the options inside the guidance interval, its ends included, and 1 outside."""
    start, end = options.guidance_interval
    return (options.audio_guidance, options.emotion_guidance) if start <= t <= end else (1.0, 1.0)


def asked_times(options: SamplingOptions) -> list[float]:
    """When the options' solver asks for the velocity, in order."""
    return evaluation_times(SOLVERS[options.solver], time_grid(options.solver, options.steps, options.time_grid))


def window_velocity(
    transformer: FlowMatchingTransformer,
    conditions: WindowConditions,
    options: SamplingOptions,
    impl: Implementation = "fast",
) -> Velocity:
    """`velocity(x, t)` for the times at which the options' solver asks. "reference": the plain loop; "fast" equals it but for rounding."""
    at_scales: dict[tuple[float, float], list[float]] = {}
    for t in asked_times(options):
        at_scales.setdefault(scales_at(options, t), []).append(t)
    velocities: dict[tuple[float, float], Velocity] = {}
    for scales, these in at_scales.items():
        if impl == "reference":
            velocities[scales] = GuidedVelocity(transformer, conditions, *scales)
        else:
            velocities[scales] = PreparedVelocity(transformer, conditions, *scales, these, table_bytes=TABLE_BYTES // len(at_scales))

    def velocity(x: Tensor, t: float) -> Tensor:
        return velocities[scales_at(options, t)](x, t)

    return velocity

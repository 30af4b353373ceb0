"""Values over time: curves from keyframes or from a list of values, and a curve that follows the loudness of audio.

A curve knows nothing of motion; the edit that holds it says what it moves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import torch
from torch import Tensor

from ..argument_checks import check_number, check_samples, check_type, check_whole
from ..easing import bezier, smooth
from ..errors import AudioError
from ..frame_rate import exact_rate, frames_for
from ..types import AudioClip, Keyframe, LambdaCurve, MotionEdit
from .edit_checks import check_curve


def evaluate_curve(curve: LambdaCurve, frames: int, fps: float) -> Tensor:
    """The value of the curve in each of T = `frames` frames, (T,) float32; frame i is at i / fps seconds.

    Keyframes may be in any order. If two are at the same time, the later one in the list holds from there on. A list of values is spread
    evenly from the first to the last frame, with straight lines between them. An empty curve is 0.

    >>> curve = LambdaCurve((Keyframe(0.0, 0.0, "linear"), Keyframe(1.0, 2.0)))
    >>> evaluate_curve(curve, frames=5, fps=2.0).tolist()
    [0.0, 1.0, 2.0, 2.0, 2.0]
    """
    check_curve(curve)
    check_whole("frames", frames, low=0)
    if curve.keyframes:
        times = torch.arange(frames, dtype=torch.float64) / check_number("fps", fps, low=1, high=1000)
        return _through_keyframes(sorted(curve.keyframes, key=lambda keyframe: keyframe.time), times).float()
    return _spread(torch.tensor(curve.values, dtype=torch.float64), frames).float()


def _eased(x: Tensor, keyframe: Keyframe) -> Tensor:
    if keyframe.easing == "hold":
        return torch.zeros_like(x)
    if keyframe.easing == "bezier":
        return bezier(x, keyframe.handles)
    return smooth(x) if keyframe.easing == "smooth" else x


def _through_keyframes(keyframes: list[Keyframe], times: Tensor) -> Tensor:
    values = torch.full_like(times, keyframes[0].value)
    for here, following in pairwise(keyframes):
        inside = (times >= here.time) & (times < following.time)
        if bool(inside.any()):
            share = (times[inside] - here.time) / (following.time - here.time)
            values[inside] = here.value + (following.value - here.value) * _eased(share, here)
    values[times >= keyframes[-1].time] = keyframes[-1].value
    return values


def _spread(values: Tensor, frames: int) -> Tensor:
    if len(values) < 2 or frames < 2:
        return values[:1].expand(frames) if len(values) else values.new_zeros(frames)
    positions = torch.arange(frames, dtype=torch.float64) * (len(values) - 1) / (frames - 1)  # whole numbers stay exact
    before = positions.long().clamp(max=len(values) - 2)
    return torch.lerp(values[before], values[before + 1], positions - before)


def scale_curves(edits: Iterable[MotionEdit], amount: float) -> tuple[MotionEdit, ...]:
    """The same edits with every value of their curves multiplied by `amount`; an edit without a curve stays the same object.

    >>> (edit,) = scale_curves([MotionEdit(0, curve=LambdaCurve(values=(0.0, 1.0)))], 3)
    >>> edit.curve.values
    (0.0, 3.0)
    """
    check_number("amount", amount)
    return tuple(edit if edit.curve is None else replace(edit, curve=_scaled(edit.curve, amount)) for edit in edits)


def _scaled(curve: LambdaCurve, amount: float) -> LambdaCurve:
    keyframes = tuple(replace(key, value=key.value * amount) for key in curve.keyframes)
    return LambdaCurve(keyframes, tuple(value * amount for value in curve.values))


def loudness_curve(audio: AudioClip, fps: float, *, attack: float = 0.02, release: float = 0.15, amount: float = 1.0) -> LambdaCurve:
    """How loud the audio is in each frame, as a curve with values from 0 to `amount` (where it is loudest).

    `attack` and `release`: seconds in which the curve covers 63 % of a step up and of a step down. Silence gives 0.

    >>> quiet_then_loud = torch.cat([torch.zeros(800), torch.ones(800)])
    >>> loudness_curve(AudioClip(quiet_then_loud, 16000), fps=20, attack=0).values
    (0.0, 1.0)
    """
    samples = check_samples(check_type("audio", audio, AudioClip, AudioError)).detach().cpu()
    for name, seconds in (("attack", attack), ("release", release)):
        check_number(f"{name} (seconds)", seconds, low=0)
    check_number("amount", amount)
    rate = exact_rate(fps)
    envelope = _follow(_loudness(samples, int(audio.sample_rate), rate), 1 / float(rate), attack, release)
    loudest = max(envelope)
    return LambdaCurve(values=tuple(amount * level / loudest if loudest else 0.0 for level in envelope))


def _loudness(samples: Tensor, sample_rate: int, rate: Fraction) -> list[float]:
    """Root mean square of the samples of each frame."""
    frames = frames_for(Fraction(len(samples), sample_rate), rate)
    edges = torch.tensor([min(len(samples), math.ceil(i * sample_rate / rate)) for i in range(frames + 1)])
    sums = torch.cat([samples.new_zeros(1, dtype=torch.float64), samples.double().square().cumsum(0)])
    counts = (edges[1:] - edges[:-1]).clamp(min=1)
    levels: list[float] = ((sums[edges[1:]] - sums[edges[:-1]]) / counts).clamp(min=0).sqrt().tolist()
    return levels


def _follow(levels: list[float], frame: float, attack: float, release: float) -> list[float]:
    up, down = (1 - math.exp(-frame / seconds) if seconds else 1.0 for seconds in (attack, release))
    level, envelope = 0.0, []
    for target in levels:
        level += (target - level) * (up if target > level else down)
        envelope.append(level)
    return envelope

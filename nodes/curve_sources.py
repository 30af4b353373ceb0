"""Where the curves of FLOATLambdaCurve come from, and how long they last. Knows float_core's types; knows no ComfyUI."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch

from ..float_core import AudioClip, LambdaCurve, MotionEdit, MotionSequence, OptionError, frames_for, loudness_curve
from .conversions import clip_seconds, floats_of

PEAKS = 600  # of the waveform in the editor: more than its pixels
SHORTEST = 1.0  # seconds of a plot of keyframes that all stand at 0


def given_values(values: object) -> LambdaCurve:
    """The curve of another node's numbers. Raises OptionError where there are none."""
    numbers = floats_of(values)
    if not numbers:
        raise OptionError("source is 'values', but no number came; connect a node that gives floats to the input values")
    return LambdaCurve(values=numbers)


def loudness(clip: AudioClip | None, fps: float, *, attack: float, release: float) -> LambdaCurve:
    """The loudness of a sound, 0 to 1 (its loudest frame)."""
    assert clip is not None
    return loudness_curve(clip, fps, attack=attack, release=release)


def scaled(edits: Iterable[MotionEdit], amount: float) -> tuple[MotionEdit, ...]:
    """The same edits, every value of their curves times `amount`."""
    return tuple(edit if edit.curve is None else replace(edit, curve=_scaled_curve(edit.curve, amount)) for edit in edits)


def _scaled_curve(curve: LambdaCurve, amount: float) -> LambdaCurve:
    keyframes = tuple(replace(key, value=key.value * amount) for key in curve.keyframes)
    return LambdaCurve(keyframes, tuple(value * amount for value in curve.values))


def clip_length(edits: Sequence[MotionEdit], fps: float, motion: MotionSequence | None, clip: AudioClip | None) -> int:
    """Frames of the clip: the motion's, else the sound's, else as many as the curves reach."""
    if motion is not None:
        return int(motion.motion.shape[1])
    seconds = clip_seconds(clip)
    if seconds is not None:
        return frames_for(seconds, fps)
    curves = [edit.curve for edit in edits if edit.curve is not None]
    last = max((key.time for curve in curves for key in curve.keyframes), default=0.0)
    return max([frames_for(max(last, SHORTEST), fps), *(len(curve.values) for curve in curves)])


def waveform_peaks(clip: AudioClip | None, seconds: float) -> list[float]:
    """Up to 600 peaks, 0 to 1, of the first `seconds` of a sound; silence where it is shorter. None without a sound."""
    if clip is None:
        return []
    wanted = max(1, round(seconds * clip.sample_rate))
    sound = clip.waveform.abs().clamp(max=1)[:wanted]
    sound = torch.nn.functional.pad(sound, (0, wanted - len(sound)))
    return [round(float(part.max()), 3) for part in sound.tensor_split(min(PEAKS, wanted))]

"""Where the curves of FLOATLambdaCurve come from, and how long they last. Knows float_core's types; knows no ComfyUI."""

from __future__ import annotations

from collections.abc import Sequence

from ..float_core import AudioClip, LambdaCurve, MotionEdit, MotionSequence, OptionError
from ..float_core.motion_editing import frames_for
from .conversions import clip_seconds, floats_of

SHORTEST = 1.0  # seconds of a plot of keyframes that all stand at 0


def given_values(values: object) -> LambdaCurve:
    """The curve of another node's numbers. Raises OptionError where there are none."""
    numbers = floats_of(values)
    if not numbers:
        raise OptionError("source is 'values', but no number came; connect a node that gives floats to the input values")
    return LambdaCurve(values=numbers)


def clip_length(edits: Sequence[MotionEdit], fps: float, motion: MotionSequence | None, clip: AudioClip | None) -> int:
    """Frames of the clip: the motion's, else the sound's, else as many as the curves reach."""
    if motion is not None:
        return int(motion.latents.shape[1])
    seconds = clip_seconds(clip)
    if seconds is not None:
        return frames_for(seconds, fps)
    curves = [edit.curve for edit in edits if edit.curve is not None]
    last = max((key.time for curve in curves for key in curve.keyframes), default=0.0)
    return max([frames_for(max(last, SHORTEST), fps), *(len(curve.values) for curve in curves)])

"""An emotion that changes over time: keyframes as text, and as one row of seven weights for each frame.

The user chooses these emotions; `speech_emotion` predicts them from a voice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..argument_checks import check_number, check_whole
from ..easing import smooth
from ..errors import OptionError
from ..types import EmotionCondition
from .speech_emotion import choose_emotion

_LINE = re.compile(r"(?P<time>\S+)\s+(?P<mix>.*?)(?:\s+x\s*(?P<strength>\S+))?", re.DOTALL)
_EXAMPLE = '"2.5 happy" or "2.5 happy=0.7,surprise=0.3 x0.8"'


@dataclass(frozen=True)
class EmotionKeyframe:
    """The emotion from a moment on.

    time: seconds from the start, from 0.
    mix: a name, or names with their weights, as `choose_emotion` takes them.
    strength: 0..1; 0 = neutral, 1 = the mix itself.
    """

    time: float
    mix: str | Mapping[str, float]
    strength: float = 1.0

    def __post_init__(self) -> None:
        check_number("the time of an emotion keyframe", self.time, low=0)
        check_number("the strength of an emotion keyframe", self.strength, low=0, high=1)
        choose_emotion(self.mix)  # refuses unknown names and bad weights


def emotion_timeline(keyframes: Sequence[EmotionKeyframe], frames: int, fps: float, *, transition: float = 0.5) -> EmotionCondition:
    """Weights (1, T, 7) for T = `frames` frames: the emotion of each keyframe from its time on, that of the first from the start.

    Changes are smooth and take `transition` seconds, half of them before the time of the keyframe; 0 = at once. A timeline with only one
    emotion gives the same motion as the constant emotion, bit for bit.

    >>> keyframes = emotion_keyframes_from_text("0 neutral")
    >>> emotion_timeline(keyframes, frames=50, fps=25.0).probabilities.shape
    torch.Size([1, 50, 7])
    """
    if not keyframes:
        raise OptionError(f"the emotion timeline has no keyframes; expected at least one, such as {_EXAMPLE}")
    check_whole("frames", frames, low=1)
    check_number("fps", fps, low=1, high=1000)
    check_number("transition (seconds)", transition, low=0)
    ordered = sorted(keyframes, key=lambda keyframe: keyframe.time)
    times = torch.arange(frames, dtype=torch.float64) / fps
    weights = _weights(ordered[0]).expand(frames, -1)
    for keyframe in ordered[1:]:
        weights = torch.lerp(weights, _weights(keyframe).expand(frames, -1), _arrived(times, keyframe.time, transition).float()[:, None])
    return EmotionCondition(weights[None].contiguous())


def emotion_keyframes_from_text(text: str) -> tuple[EmotionKeyframe, ...]:
    """Keyframes from text, one on each line: seconds, an emotion or a mix, and optionally `x` and a strength. Empty lines and comments
    after a # are skipped. Raises OptionError, with the line, for anything else.

    >>> text = "0.0 happy" + chr(10) + "2.5 happy=0.7,surprise=0.3 x0.8"
    >>> [keyframe.strength for keyframe in emotion_keyframes_from_text(text)]
    [1.0, 0.8]
    """
    if not isinstance(text, str):
        raise OptionError(f"the emotion timeline is {type(text).__name__}; expected text, a line such as {_EXAMPLE}")
    keyframes = []
    for number, line in enumerate(text.splitlines(), 1):
        said = line.partition("#")[0].strip()
        if said:
            keyframes.append(_keyframe(said, f"line {number} of the emotion timeline, {said[:60]!r}"))
    if not keyframes:
        raise OptionError(f"the emotion timeline is empty; expected a line such as {_EXAMPLE}")
    return tuple(keyframes)


def _keyframe(line: str, place: str) -> EmotionKeyframe:
    parts = _LINE.fullmatch(line)
    if parts is None:
        raise OptionError(f"{place}, has no emotion; expected {_EXAMPLE}")
    strength = 1.0 if parts["strength"] is None else _number(parts["strength"], place)
    try:
        return EmotionKeyframe(_number(parts["time"], place), parts["mix"], strength)
    except OptionError as error:
        raise error if place in str(error) else OptionError(f"{place}: {error}") from error


def _number(text: str, place: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise OptionError(f"{place}: {text[:30]!r} is not a number; expected {_EXAMPLE}") from error


def _weights(keyframe: EmotionKeyframe) -> Tensor:
    """(1, 7): strength * mix + (1 - strength) * neutral."""
    mix = choose_emotion(keyframe.mix).probabilities[0]
    return mix if keyframe.strength == 1 else torch.lerp(choose_emotion("neutral").probabilities[0], mix, keyframe.strength)


def _arrived(times: Tensor, time: float, transition: float) -> Tensor:
    """How much of the change at `time` is done: 0 before it, 1 after it, 3 x^2 - 2 x^3 in between."""
    if transition == 0:
        return (times >= time - 1e-9).double()
    share = ((times - time) / transition + 0.5).clamp(0, 1)
    return smooth(share)

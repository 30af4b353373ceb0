"""Widget values as float_core's options, edits, curves and directions: the same for a run and for the live preview.

Knows the widgets' names; imports neither ComfyUI nor networks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from reprlib import repr as short  # what comes over a socket may be anything, of any length
from typing import Any

import numpy as np
from torch import Tensor

from ..float_core import (
    EDIT_PRESETS,
    AudioClip,
    Calibration,
    CalibrationError,
    FloatModel,
    LambdaCurve,
    MotionEdit,
    MotionSequence,
    OptionError,
    SamplingOptions,
    edits_from_text,
    preset_edits,
)
from ..float_core.argument_checks import check_number, is_number
from ..float_core.frame_rate import frames_for
from ..float_core.motion_editing import direction_group, directions_of
from ..float_core.types import QUALITIES
from .conversions import clip_seconds

DIRECTIONS = 20  # of the released model and of the bundled one; the ids of the sliders are permanent
LIMIT = 10.0  # of a slider, in coefficient units
NO_PRESET = "none"
LISTED = "listed below"  # the choice of directions that are written out
AS_SET = "as set above"  # the choice of no quality
QUALITY_CHOICES = (AS_SET, *QUALITIES)
LONGEST_TEXT, MOST_EDITS = 1_000_000, 1000  # characters, and edits in them: what comes over the route must not keep the server busy
SHORTEST_PLOT = 1.0  # seconds of a plot of keyframes that all stand at 0
_BESIDE_QUALITY = ("audio_guidance", "emotion_guidance", "seed", "noise_policy")  # a quality decides all other widgets
RANGES: dict[str, tuple[float, float, float]] = {  # LambdaEdit's numbers: default, lowest, highest
    **{f"lambda_{k:02d}": (0.0, -LIMIT, LIMIT) for k in range(DIRECTIONS)},
    "preset_strength": (1.0, 0.0, 1.0),
    "start": (0.0, 0.0, 36000.0),
    "end": (0.0, 0.0, 36000.0),
    "ease": (0.2, 0.0, 60.0),
    "outside_scale": (1.0, 0.0, 2.0),
}
TEXTS: dict[str, str] = {"edit": "", "preset": NO_PRESET}


def sampling_options(quality: str = AS_SET, **values: Any) -> SamplingOptions:
    """SampleMotionLatents' widgets as they are, or, of a quality, its steps and solver in the place of theirs. Raises OptionError."""
    if quality == AS_SET:
        return SamplingOptions(**values)
    return SamplingOptions.of_quality(quality, **{name: values[name] for name in _BESIDE_QUALITY if name in values})


@dataclass(frozen=True)
class LambdaSettings:
    """LambdaEdit's widgets. `edits` in the order in which they apply: preset, text, sliders. `note` says how far the preset reaches, or
    is ''."""

    edits: tuple[MotionEdit, ...]
    outside_scale: float
    note: str

    @classmethod
    def of(cls, values: Mapping[str, Any], calibration: Calibration | None) -> LambdaSettings:
        """From widget values by name; those that are left out have their defaults. Raises OptionError, naming the widget."""
        if unknown := sorted(set(values) - set(RANGES) - set(TEXTS)):
            expected = f"lambda_00 to lambda_19, {', '.join([*list(RANGES)[DIRECTIONS:], *TEXTS])}"
            raise OptionError(f"{', '.join(map(repr, unknown))[:200]}: no such widget; expected {expected}")
        numbers = {name: check_number(name, values.get(name, default), low=low, high=high) for name, (default, low, high) in RANGES.items()}
        texts = {name: _text(name, values.get(name, default)) for name, default in TEXTS.items()}
        chosen, note = _preset(texts["preset"], calibration, numbers["preset_strength"])
        written = edits_from_text(texts["edit"])
        if len(written) > MOST_EDITS:
            raise OptionError(f"edit has {len(written)} edits; expected at most {MOST_EDITS}: curves say more with less")
        return cls((*chosen, *written, *_sliders(numbers)), numbers["outside_scale"], note)


def _sliders(numbers: Mapping[str, float]) -> list[MotionEdit]:
    start, end, ease = numbers["start"], numbers["end"] or None, numbers["ease"]  # 0 = to the end: a widget cannot be empty
    offsets = [numbers[f"lambda_{k:02d}"] for k in range(DIRECTIONS)]
    return [MotionEdit(k, offset, start=start, end=end, ease=ease) for k, offset in enumerate(offsets) if offset]


def _preset(name: str, calibration: Calibration | None, strength: float) -> tuple[tuple[MotionEdit, ...], str]:
    if name == NO_PRESET:
        return (), ""
    if name not in EDIT_PRESETS:
        raise OptionError(f"preset is {name[:100]!r}; expected {NO_PRESET}, {', '.join(EDIT_PRESETS)}")
    return preset_edits(name, calibration, strength)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        found = f"{len(value)} characters long" if isinstance(value, str) else type(value).__name__
        raise OptionError(f"{name} is {found}; expected a text of up to {LONGEST_TEXT} characters")
    return value


def chosen_directions(group: str, listed: str, calibration: Calibration | None) -> tuple[int, ...]:
    """The directions of a group, or those that are listed as text. Raises OptionError where there are none."""
    if group == LISTED:
        found, why = directions_of_text(listed), "directions is empty"
    elif calibration is None:
        raise CalibrationError(f"this model has no calibration, so it is not known which directions move the {group}")
    else:
        found, why = directions_of(calibration, group), f"none moves the {group}"
    if not found:
        raise OptionError(f"no direction is chosen: {why}")
    return found


def directions_of_text(text: str) -> tuple[int, ...]:
    """ "0, 2, 5-7" as (0, 2, 5, 6, 7), each once, in that order."""
    found: dict[int, None] = {}
    for part in text.replace(";", ",").replace(" ", ",").split(","):
        first, _, last = part.partition("-")
        ends = (first, last if "-" in part else first)
        if not part:
            continue
        if not all(end.isdecimal() and len(end) < 5 for end in ends) or int(ends[0]) > int(ends[1]):
            raise OptionError(f"the list of directions holds {part!r}; expected numbers and ranges such as 0, 2, 5-7")
        found |= dict.fromkeys(range(int(ends[0]), int(ends[1]) + 1))
    return tuple(found)


def seconds_of_directions(model: FloatModel, seconds: Mapping[str, float]) -> dict[int, float]:
    """What the parts of the face ask for, by direction. Raises CalibrationError for parts that a model without one cannot tell."""
    named = [part for part, value in seconds.items() if value and part != "other"]
    if model.calibration is None and named:
        raise CalibrationError(
            f"this model has no calibration, so it is not known which directions move: {', '.join(named)}. All of them are 'other'."
        )
    groups = {k: direction_group(model.calibration, k) for k in range(model.basis.shape[1])}
    return {k: seconds[group] for k, group in groups.items() if seconds[group]}


def curve_of_values(values: object) -> LambdaCurve:
    """The curve of another node's numbers. Raises OptionError where there are none."""
    numbers = floats_of(values)
    if not numbers:
        raise OptionError("source is 'values', but no number came; connect a node that gives floats to the input values")
    return LambdaCurve(values=numbers)


def floats_of(values: object) -> tuple[float, ...]:
    """Numbers as packs hand them over: one number, a list, a list in a list, an array or a tensor. Their order is kept."""
    listed: Any = values.tolist() if isinstance(values, (Tensor, np.ndarray, np.generic)) else values
    if isinstance(listed, (list, tuple)):
        return tuple(number for part in listed for number in floats_of(part))
    if is_number(listed):
        return (float(listed),)
    raise OptionError(f"the values hold {short(listed)}; expected finite numbers, or lists of them")


def plot_frames(edits: Sequence[MotionEdit], fps: float, motion: MotionSequence | None, audio: AudioClip | None) -> int:
    """Frames that a plot of curves shows: the motion's, else the audio's, else as many as the curves reach."""
    if motion is not None:
        return int(motion.latents.shape[1])
    seconds = clip_seconds(audio)
    if seconds is not None:
        return frames_for(seconds, fps)
    curves = [edit.curve for edit in edits if edit.curve is not None]
    last = max((key.time for curve in curves for key in curve.keyframes), default=0.0)
    return max([frames_for(max(last, SHORTEST_PLOT), fps), *(len(curve.values) for curve in curves)])

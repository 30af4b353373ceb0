"""Ready-made edits by name: still head, calm, lively, limit rotation, lips only.

A preset becomes ordinary edits. It relies on the calibration, and it reports which directions it changes and what else they move.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..argument_checks import check_number
from ..errors import CalibrationError, OptionError
from ..types import Calibration, MotionEdit
from .direction_names import direction_group, direction_name

EDIT_PRESETS = ("still head", "calm", "lively", "limit rotation", "lips only")
_ROTATIONS = ("yaw", "pitch", "roll")
_WIDE, _NARROW = 30.0, 10.0  # degrees to either side, at strength 0 and 1: the first is beyond what models are trained on
_WORTH_SAYING = 0.05  # share of a direction's movement

_Edits = dict[int, MotionEdit]


def preset_edits(name: str, calibration: Calibration | None, strength: float = 1.0) -> tuple[tuple[MotionEdit, ...], str]:
    """The edits of a preset, and a text that says which directions they change and what else these move.

    still head: the head stays at its mean pose. calm: head and brows move less. lively: head and brows move more, the mouth slightly more.
    limit rotation: yaw, pitch and roll stay within 10 degrees of looking straight ahead. lips only: all but mouth and jaw stay at their
    mean. `strength` is 0..1; 0 = no edits. Raises OptionError for an unknown name and CalibrationError without a calibration.

    >>> import float_core
    >>> edits, text = preset_edits("still head", float_core.load_model("mini").calibration)
    >>> [edit.direction for edit in edits], text[:41]
    ([0, 1, 2, 3, 4, 5], 'still head: changes yaw (λ0), pitch (λ1),')
    """
    if name not in _PRESETS:
        raise OptionError(f"there is no preset {name!r}; expected one of {', '.join(EDIT_PRESETS)}")
    check_number("the preset's strength", strength, low=0, high=1)
    if calibration is None:
        raise CalibrationError(f"the preset {name!r} needs to know what the model's directions move, and this model has no calibration")
    groups, make = _PRESETS[name]
    edits = make(calibration, strength)
    said = _described(name, calibration, sorted(edits), groups)
    return (tuple(edits[k] for k in sorted(edits)) if strength > 0 else ()), said


def _members(calibration: Calibration, groups: Sequence[str]) -> list[int]:
    return [k for k in range(len(calibration.directions)) if direction_group(calibration, k) in groups]


def _gains(calibration: Calibration, gains: dict[tuple[str, ...], float]) -> _Edits:
    return {k: MotionEdit(k, gain=gain) for groups, gain in gains.items() for k in _members(calibration, groups)}


def _still_head(calibration: Calibration, strength: float) -> _Edits:
    return _gains(calibration, {("head",): 1 - strength})


def _calm(calibration: Calibration, strength: float) -> _Edits:
    return _gains(calibration, {("head", "brows"): 1 - 0.6 * strength})


def _lively(calibration: Calibration, strength: float) -> _Edits:
    return _gains(calibration, {("head", "brows"): 1 + 0.6 * strength, ("mouth", "jaw"): 1 + 0.2 * strength})


def _lips_only(calibration: Calibration, strength: float) -> _Edits:
    return _gains(calibration, {("head", "eyes", "brows", "other"): 1 - strength})


def _limit_rotation(calibration: Calibration, strength: float) -> _Edits:
    """Limits around 0, which is looking straight ahead. A direction that turns the head in two ways gets the tighter limit."""
    degrees = _WIDE + (_NARROW - _WIDE) * strength
    edits = {}
    for k in _members(calibration, ("head",)):
        labels = calibration.directions[k].labels
        turns = [abs(label.per_unit) for label in labels if label.name in _ROTATIONS and label.unit.startswith("deg")]
        if turns and max(turns) > 0:
            limit = degrees / max(turns)
            edits[k] = MotionEdit(k, low=-limit, high=limit)
    return edits


_PRESETS: dict[str, tuple[tuple[str, ...], Callable[[Calibration, float], _Edits]]] = {
    "still head": (("head",), _still_head),
    "calm": (("head", "brows"), _calm),
    "lively": (("head", "brows", "mouth", "jaw"), _lively),
    "limit rotation": (("head",), _limit_rotation),
    "lips only": (("head", "eyes", "brows", "other"), _lips_only),
}


def _described(name: str, calibration: Calibration, chosen: list[int], groups: tuple[str, ...]) -> str:
    """Which directions a preset changes, what else they move, and which other directions move the same parts and stay."""
    if not chosen:
        return f"{name}: the calibration has no direction that moves {', '.join(groups)}; nothing is changed."
    parts = [f"{name}: changes {', '.join(direction_name(calibration, k) for k in chosen)}."]
    besides = [text for k in chosen if (text := _shares(calibration, k, lambda group: group not in groups))]
    if besides:
        parts.append(f"These also move: {'; '.join(besides)}.")
    left = [k for k in range(len(calibration.directions)) if k not in chosen]
    remains = [text for k in left if (text := _shares(calibration, k, lambda group: group in groups))]
    if remains:
        parts.append(f"Not changed, although they move the same parts a little: {'; '.join(remains)}.")
    return " ".join(parts)


def _shares(calibration: Calibration, direction: int, counts: Callable[[str], bool]) -> str:
    """A text such as "λ3: smile 20 %" with the labels whose group counts; empty if there are none."""
    found = [label for label in calibration.directions[direction].labels if counts(label.group) and label.strength >= _WORTH_SAYING]
    return f"λ{direction}: " + ", ".join(f"{label.name} {label.strength:.0%}" for label in found) if found else ""

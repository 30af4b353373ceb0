"""Checks of edits and curves that need no model: types, finite values, ranges. `place` says in a message which edit is meant.

The same checks hold for edits made in Python, read from text, or sent by a browser.
"""

from __future__ import annotations

from reprlib import repr as short  # what is found may be anything, of any length

from ..errors import OptionError
from ..types import EASINGS, Keyframe, LambdaCurve, MotionEdit

LARGEST = 1e6  # of any number here: far beyond what a face can do, far below where float32 ends
_RANGE_EASINGS = ("linear", "smooth")


def is_number(value: object) -> bool:
    """Whether this is an int or float that float32 can work with; True and False are not numbers here."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST


def check_number(name: str, value: object, *, low: float = -LARGEST, high: float = LARGEST) -> float:
    """A finite number from `low` to `high`, or an OptionError that begins with `name`."""
    if not is_number(value) or not low <= value <= high:  # type: ignore[operator]
        allowed = f"from {low:g}" + ("" if high == LARGEST else f" to {high:g}") if low > -LARGEST else f"of at most {high:g}"
        raise OptionError(f"{name} is {short(value)}; expected a finite number {allowed}")
    return float(value)  # type: ignore[arg-type]


def check_edit(edit: object, directions: int | None, place: str = "an edit") -> MotionEdit:
    """One edit; `directions`: how many the basis has, None where that is not known yet."""
    if not isinstance(edit, MotionEdit):
        raise OptionError(f"{place} is {type(edit).__name__}; expected MotionEdit")
    _check_direction(edit.direction, directions, place)
    of = f"{place}: the %s of direction {edit.direction}"
    for name in ("offset", "gain"):
        check_number(of % name, getattr(edit, name))
    for name in ("low", "high"):
        if getattr(edit, name) is not None:
            check_number(of % name, getattr(edit, name))
    if edit.low is not None and edit.high is not None and edit.low > edit.high:
        raise OptionError(f"{of % 'low'} is {edit.low!r}, above its high, {edit.high!r}")
    if not isinstance(edit.freeze, bool):
        raise OptionError(f"{place}: freeze is {short(edit.freeze)}; expected True or False")
    _check_range(edit, place)
    if edit.curve is not None:
        check_curve(edit.curve, f"{place}, curve")
    return edit


def _check_direction(direction: object, directions: int | None, place: str) -> None:
    whole = isinstance(direction, int) and not isinstance(direction, bool)
    if not whole or direction < 0 or (directions is not None and direction >= directions):  # type: ignore[operator]
        expected = "a whole number from 0" + ("" if directions is None else f" to {directions - 1}")
        raise OptionError(f"{place}: direction is {short(direction)}; expected {expected}")


def _check_range(edit: MotionEdit, place: str) -> None:
    check_number(f"{place}: start (seconds)", edit.start, low=0)
    check_number(f"{place}: ease (seconds)", edit.ease, low=0)
    if edit.end is not None:
        check_number(f"{place}: end (seconds)", edit.end, low=0)
        if edit.end < edit.start:
            raise OptionError(f"{place}: end is {edit.end!r} s, before its start, {edit.start!r} s")
    if edit.easing not in _RANGE_EASINGS:
        raise OptionError(f"{place}: easing is {short(edit.easing)}; expected one of {', '.join(_RANGE_EASINGS)}")


def check_curve(curve: object, place: str = "the curve") -> LambdaCurve:
    """Keyframes or values, not both; finite; handles of "bezier" with x in 0..1."""
    if not isinstance(curve, LambdaCurve):
        raise OptionError(f"{place} is {type(curve).__name__}; expected LambdaCurve")
    if curve.keyframes and curve.values:
        raise OptionError(f"{place} has both keyframes and values; expected one of the two")
    for number, keyframe in enumerate(curve.keyframes, 1):
        _check_keyframe(keyframe, f"{place}, keyframe {number}")
    for number, value in enumerate(curve.values, 1):
        if not is_number(value):
            check_number(f"{place}: value {number}", value)
    return curve


def _check_keyframe(keyframe: object, place: str) -> None:
    if not isinstance(keyframe, Keyframe):
        raise OptionError(f"{place} is {type(keyframe).__name__}; expected Keyframe")
    check_number(f"{place}: time (seconds)", keyframe.time)
    check_number(f"{place}: value", keyframe.value)
    if keyframe.easing not in EASINGS:
        raise OptionError(f"{place}: easing is {short(keyframe.easing)}; expected one of {', '.join(EASINGS)}")
    handles = keyframe.handles
    if not isinstance(handles, tuple) or len(handles) != 4 or not all(is_number(number) for number in handles):
        raise OptionError(f"{place}: handles are {short(handles)}; expected four finite numbers, x1, y1, x2, y2")
    if not (0 <= handles[0] <= 1 and 0 <= handles[2] <= 1):
        raise OptionError(f"{place}: handles are {short(handles)}; expected x1 and x2 from 0 to 1")

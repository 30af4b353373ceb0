"""Checks of edits and curves: types, finite values, ranges. In messages `place` says which edit is meant.

The same checks apply to edits made in Python, read from text, or sent by a browser.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from reprlib import repr as short  # what is found may be anything, of any length

from ..argument_checks import check_number, check_whole, is_number, is_whole
from ..errors import OptionError
from ..types import EASINGS, FloatModel, Keyframe, LambdaCurve, MotionEdit

_RANGE_EASINGS = ("linear", "smooth")


def check_edits(model: FloatModel, edits: object) -> tuple[MotionEdit, ...]:
    """The edits, if all are valid and along directions of the basis."""
    directions = model.basis.shape[1]
    if not isinstance(edits, Sequence) or isinstance(edits, str):
        raise OptionError(f"edits is {type(edits).__name__}; expected a sequence of MotionEdit")
    return tuple(check_edit(edit, directions, f"edit {number}") for number, edit in enumerate(edits, 1))


def check_edit(edit: object, directions: int | None, place: str = "an edit") -> MotionEdit:
    """The edit, if it is valid; `directions`: how many the basis has, None if that is not known yet."""
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
        raise OptionError(f"{of % 'low'} is {edit.low!r}; expected at most its high, {edit.high!r}")
    if not isinstance(edit.freeze, bool):
        raise OptionError(f"{place}: freeze is {short(edit.freeze)}; expected True or False")
    _check_range(edit, place)
    if edit.curve is not None:
        check_curve(edit.curve, f"{place}, curve")
    return edit


def check_directions(model: FloatModel, directions: Iterable[object]) -> list[int]:
    """The directions in rising order, each once, if the basis of the model has them."""
    last = model.basis.shape[1] - 1
    return sorted({check_whole("direction", direction, low=0, high=last) for direction in directions})


def _check_direction(direction: object, directions: int | None, place: str) -> None:
    if not is_whole(direction) or direction < 0 or (directions is not None and direction >= directions):
        expected = "a whole number from 0" + ("" if directions is None else f" to {directions - 1}")
        raise OptionError(f"{place}: direction is {short(direction)}; expected {expected}")


def _check_range(edit: MotionEdit, place: str) -> None:
    check_number(f"{place}: start (seconds)", edit.start, low=0)
    check_number(f"{place}: ease (seconds)", edit.ease, low=0)
    if edit.end is not None:
        check_number(f"{place}: end (seconds)", edit.end, low=0)
        if edit.end < edit.start:
            raise OptionError(f"{place}: end is {edit.end!r} s; expected at least its start, {edit.start!r} s")
    if edit.easing not in _RANGE_EASINGS:
        raise OptionError(f"{place}: easing is {short(edit.easing)}; expected one of {', '.join(_RANGE_EASINGS)}")


def check_curve(curve: object, place: str = "the curve") -> LambdaCurve:
    """The curve, if it has keyframes or values but not both, all finite, with x handles in 0..1."""
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

"""Edits as text and back: a JSON list that people copy, paste and keep in a workflow. Only values that differ from the default are written.

[{"direction": 0, "offset": 1.5, "start": 1, "end": 3, "ease": 0.3, "curve": {"keyframes": [[0, 0], [1.5, 2, "hold"]]}}]
A keyframe is [time, value], [time, value, easing] or [time, value, "bezier", [x1, y1, x2, y2]].
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

from ..argument_checks import is_number
from ..errors import OptionError
from ..types import Keyframe, LambdaCurve, MotionEdit
from .edit_checks import check_edit

_DEFAULTS = {item.name: item.default for item in fields(MotionEdit) if item.default is not MISSING}
_NUMBERS = ("offset", "gain", "start", "ease")
_NUMBERS_OR_NULL = ("low", "high", "end")
_EXAMPLE = '[{"direction": 0, "offset": 1.5}]'


def edits_to_text(edits: Sequence[MotionEdit]) -> str:
    """The edits as JSON, one on each line; `edits_from_text` reads them back. Raises OptionError for edits that are not valid.

    >>> edits_to_text([MotionEdit(0, offset=1.5, end=2.0)])
    '[{"direction": 0, "offset": 1.5, "end": 2}]'
    """
    entries = [json.dumps(_entry(check_edit(edit, None, f"edit {number}"))) for number, edit in enumerate(edits, 1)]
    return "[" + ",\n ".join(entries) + "]"


def edits_from_text(text: str) -> tuple[MotionEdit, ...]:
    """Edits from text in the format above; empty text = no edits. Raises OptionError, with the place in the text, for anything else.

    Whether the model has these directions is checked later, by `edit_motion`.

    >>> edits_from_text('[{"direction": 3, "gain": 0.5}]')[0].gain
    0.5
    """
    if not isinstance(text, str):
        raise OptionError(f"the edits are {type(text).__name__}; expected text such as {_EXAMPLE}")
    if not text.strip():
        return ()
    data = _read_json(text)
    if not isinstance(data, list):
        raise OptionError(f"the edits are {_described(data)}; expected a list such as {_EXAMPLE}")
    return tuple(_edit(entry, f"edit {number}") for number, entry in enumerate(data, 1))


def _read_json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise OptionError(f"the edits are not JSON: {error.msg} at {place}. Expected a list such as {_EXAMPLE}") from error
    except OptionError:
        raise
    except (ValueError, RecursionError) as error:  # numbers with thousands of digits, very deeply nested lists
        raise OptionError(f"the edits cannot be read ({type(error).__name__}); expected a list such as {_EXAMPLE}") from error


def _refuse_constant(name: str) -> Any:
    raise OptionError(f"the edits hold {name}; expected finite numbers")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        raise OptionError(f"{next(name for name in names if names.count(name) > 1)!r} is given twice in one part of the edits")
    return result


def _edit(entry: Any, place: str) -> MotionEdit:
    if not isinstance(entry, dict):
        raise OptionError(f'{place} is {_described(entry)}; expected an object such as {{"direction": 0, "offset": 1.5}}')
    _refuse_unknown(entry, ("direction", *_DEFAULTS), place)
    if "direction" not in entry:
        raise OptionError(f"{place} has no direction; expected a whole number from 0")
    values = dict(entry)
    for name in (*_NUMBERS, *_NUMBERS_OR_NULL):
        if name in entry and not (entry[name] is None and name in _NUMBERS_OR_NULL):
            values[name] = _number(entry[name], f"{place}, {name}")
    if entry.get("curve") is not None:
        values["curve"] = _curve(entry["curve"], f"{place}, curve")
    return check_edit(MotionEdit(**values), None, place)


def _refuse_unknown(entry: Mapping[str, Any], known: Sequence[str], place: str) -> None:
    unknown = [name for name in entry if name not in known]
    if unknown:
        raise OptionError(f"{place} has {unknown[0][:60]!r}; expected only {', '.join(known)}")


def _number(value: Any, place: str) -> float:
    if not is_number(value):
        raise OptionError(f"{place} is {_described(value)}; expected a finite number of at most 1e6")
    return float(value)


def _curve(data: Any, place: str) -> LambdaCurve:
    if not isinstance(data, dict):
        raise OptionError(f'{place} is {_described(data)}; expected an object such as {{"keyframes": [[0, 0], [1.5, 2]]}}')
    _refuse_unknown(data, ("keyframes", "values"), place)
    keyframes, values = (_list(data.get(name, []), f"{place}, {name}") for name in ("keyframes", "values"))
    return LambdaCurve(
        tuple(_keyframe(item, f"{place}, keyframe {number}") for number, item in enumerate(keyframes, 1)),
        tuple(_number(item, f"{place}, value {number}") for number, item in enumerate(values, 1)),
    )


def _keyframe(data: Any, place: str) -> Keyframe:
    if not isinstance(data, list) or not 2 <= len(data) <= 4:
        raise OptionError(f"{place} is {_described(data)}; expected [time, value], then optionally an easing and its handles")
    time, value = (_number(item, f"{place}, {name}") for item, name in zip(data, ("time", "value"), strict=False))
    if len(data) == 2:
        return Keyframe(time, value)
    if len(data) == 3:
        return Keyframe(time, value, data[2])  # checked with the whole edit
    if data[2] != "bezier":
        raise OptionError(f'{place} has handles, but its easing is {_described(data[2])}; only "bezier" has them')
    x1, y1, x2, y2 = _four(data[3], f"{place}, handles")
    return Keyframe(time, value, "bezier", (x1, y1, x2, y2))


def _four(data: Any, place: str) -> list[float]:
    if len(_list(data, place)) != 4:
        raise OptionError(f"{place} has {len(data)} numbers; expected four, x1, y1, x2, y2")
    return [_number(item, place) for item in data]


def _list(data: Any, place: str) -> list[Any]:
    if not isinstance(data, list):
        raise OptionError(f"{place} is {_described(data)}; expected a list")
    return data


def _described(value: Any) -> str:
    """The value as short JSON: it comes from the user and may be anything."""
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _entry(edit: MotionEdit) -> dict[str, Any]:
    entry: dict[str, Any] = {"direction": edit.direction}
    for name, default in _DEFAULTS.items():
        value = getattr(edit, name)
        if value != default:
            entry[name] = _curve_entry(value) if name == "curve" else _plain(value)
    return entry


def _curve_entry(curve: LambdaCurve) -> dict[str, Any]:
    if curve.values:
        return {"values": [_plain(value) for value in curve.values]}
    return {"keyframes": [_keyframe_entry(keyframe) for keyframe in curve.keyframes]}


def _keyframe_entry(keyframe: Keyframe) -> list[Any]:
    entry: list[Any] = [_plain(keyframe.time), _plain(keyframe.value)]
    if keyframe.easing != "smooth":
        entry.append(keyframe.easing)
    if keyframe.easing == "bezier" and keyframe.handles != Keyframe(0, 0).handles:
        entry.append([_plain(number) for number in keyframe.handles])
    return entry


def _plain(value: Any) -> Any:
    """Whole numbers lose their decimal point, as in a browser."""
    return int(value) if isinstance(value, float) and value.is_integer() else value

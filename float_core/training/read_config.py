"""Training configurations in JSON files: read, and every value held against the dataclass that it is for."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from reprlib import repr as short
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ..argument_checks import is_number, is_whole
from ..config import PRESETS, ModelConfig
from ..errors import OptionError

T = TypeVar("T")


def read_object(path: str | Path) -> dict[str, Any]:
    """The JSON object in a file. Raises OptionError for anything else."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise OptionError(f"{path} is not a training configuration: {error}. See float_core/training/configs.") from error
    if not isinstance(data, dict):
        raise OptionError(f"{path} is not a training configuration: {short(data)}; expected an object as in float_core/training/configs")
    return data


def preset(data: dict[str, Any], path: str | Path) -> ModelConfig | None:
    """The preset that the object names, which is taken out of it."""
    name = data.pop("preset", None)
    if name is not None and name not in PRESETS:
        raise OptionError(f"{path}: preset is {short(name)}; expected one of {', '.join(PRESETS)}")
    return None if name is None else PRESETS[name]


def from_data(kind: type[T], data: object, place: str) -> T:
    """The dataclass of that kind with these values, those inside of it too. Raises OptionError, which says where, for names and types that
    do not fit."""
    if not isinstance(data, Mapping):
        raise OptionError(f"{place} is {short(data)}; expected an object")
    known = {field.name: field for field in fields(kind) if field.init}  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    if unknown := [name for name in data if name not in known]:
        raise OptionError(f"{place} has {unknown[0]!r}; expected only {', '.join(known)}")
    missing = [name for name, field in known.items() if name not in data and field.default is field.default_factory is MISSING]
    if missing:
        raise OptionError(f"{place} has no {', '.join(missing)}")
    values = {name: _value(value, hints[name], f"{place}: {name}") for name, value in data.items()}
    try:
        return kind(**values)
    except OptionError as error:
        raise OptionError(f"{place}: {error}") from error


def _value(value: object, hint: Any, place: str) -> Any:
    if is_dataclass(hint):
        return value if isinstance(value, hint) else from_data(hint, value, place)  # type: ignore[arg-type]
    union = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else ()
    if isinstance(value, Mapping) and (inner := [one for one in union if is_dataclass(one)]):
        return from_data(inner[0], value, place)  # type: ignore[arg-type]
    if get_origin(hint) is tuple and isinstance(value, list):
        return tuple(_value(one, get_args(hint)[0], f"{place} {number}") for number, one in enumerate(value, 1))
    if not _fits(value, hint):
        raise OptionError(f"{place} is {short(value)}; expected {getattr(hint, '__name__', hint)}")
    return value


def _fits(value: object, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) in (Union, types.UnionType):
        return any(_fits(value, one) for one in get_args(hint))
    if hint in (int, float):
        return is_whole(value) if hint is int else is_number(value)
    return isinstance(hint, type) and isinstance(value, hint)

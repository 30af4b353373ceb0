"""The file beside the weights that says what the directions of their basis do: JSON that people can read too.

The room `calibration` measures a calibration; this file only writes, reads and checks it.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from ..atomic_file import write_beside
from ..basis_fingerprint import basis_fingerprint, same_basis
from ..errors import CheckpointError, OptionError
from ..types import LABEL_GROUPS, Calibration, DirectionCalibration, DirectionLabel
from .find_parts import resolve

FORMAT, VERSION = "float-calibration", 1


def calibration_path(model_path: str | Path) -> Path:
    """Where the calibration of a model is: beside the weight file, or in the model's folder.

    >>> calibration_path("mini.safetensors").name
    'mini.calibration.json'
    """
    path = Path(model_path)
    return path / "calibration.json" if path.is_dir() else path.with_name(f"{path.stem}.calibration.json")


def save_calibration(calibration: Calibration, path: str | Path) -> Path:
    """Writes the calibration to a .json file; an existing file is replaced when the new one is complete. Raises OptionError for a name that
    does not end in .json, and CheckpointError for numbers that are not finite and if writing fails.

    >>> save_calibration(calibration_of("mini"), "copy.calibration.json").name
    'copy.calibration.json'
    >>> read_calibration("copy.calibration.json") == calibration_of("mini")
    True
    """
    path = Path(path)
    if path.suffix != ".json":
        raise OptionError(f"the file name is {path.name!r}; expected one that ends in .json")
    _check_numbers(calibration, path)
    try:
        with write_beside(path) as unfinished:
            unfinished.write_text(_to_text(calibration), encoding="utf-8")
    except OSError as error:
        raise CheckpointError(f"{path} cannot be written: {error}") from error
    return path


def read_calibration(path: str | Path) -> Calibration:
    """The calibration in a file that `save_calibration` wrote. Raises CheckpointError for a damaged file or any other file.

    >>> read_calibration(calibration_path("models/float/FLOAT.safetensors"))  # doctest: +SKIP
    """
    path = Path(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise CheckpointError(f"{path} cannot be read as JSON: {error}. {_EXPECTED}") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not a calibration. {_EXPECTED}")
    if data.get("version") != VERSION:
        raise CheckpointError(f"{path} has version {data.get('version')!r} of the format; this package reads {VERSION}. {_EXPECTED}")
    try:
        calibration = _from_data(data)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is a damaged calibration: {error!r}. {_EXPECTED}") from error
    _check_numbers(calibration, path)
    return calibration


def calibration_of(path_or_name: str | Path) -> Calibration | None:
    """The calibration of a model, by path or name as for `load_model`, without loading its weights; None if it has none.

    Raises CheckpointError if the model does not exist, and for a damaged calibration.

    >>> len(calibration_of("mini").directions)
    20
    """
    path = calibration_path(resolve(path_or_name))
    return read_calibration(path) if path.is_file() else None


def calibration_beside(model_path: Path, basis: Tensor) -> Calibration | None:
    """The calibration beside a weight file, if it is for this basis (D, M). Otherwise None, with a warning that says why: a model works
    without a calibration too."""
    path = calibration_path(model_path)
    if not path.is_file():
        return None
    try:
        calibration = read_calibration(path)
    except CheckpointError as error:
        warnings.warn(f"the model loads without names for its directions: {error}", stacklevel=2)
        return None
    if len(calibration.directions) != basis.shape[1] or not same_basis(calibration.fingerprint, basis_fingerprint(basis)):
        warnings.warn(f"{path} is for another basis than that of {model_path.name}, and is not used. {_EXPECTED}", stacklevel=2)
        return None
    return calibration


_EXPECTED = "Calibrate the model again."


def _to_text(calibration: Calibration) -> str:
    """One line for each direction and row, so that people can read it and a diff shows what changed."""

    def lines(rows: Any) -> str:
        return "[\n  " + ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n ]"

    parts = {
        "format": json.dumps(FORMAT),
        "version": json.dumps(VERSION),
        "provenance": json.dumps(calibration.provenance, ensure_ascii=False),
        "fingerprint": json.dumps(calibration.fingerprint),
        "directions": lines(asdict(direction) for direction in calibration.directions),
        "mirror": lines(calibration.mirror),
    }
    return "{\n" + ",\n".join(f' "{name}": {text}' for name, text in parts.items()) + "\n}\n"


def _from_data(data: dict[str, Any]) -> Calibration:
    directions = tuple(_direction(entry) for entry in data["directions"])
    return Calibration(
        fingerprint=tuple(map(float, data["fingerprint"])),
        directions=directions,
        mirror=tuple(tuple(map(float, row)) for row in data["mirror"]),
        provenance=str(data["provenance"]),
    )


def _direction(entry: dict[str, Any]) -> DirectionCalibration:
    labels = tuple(
        DirectionLabel(str(one["name"]), str(one["group"]), float(one["strength"]), float(one["per_unit"]), str(one["unit"]))
        for one in entry["labels"]
    )
    return DirectionCalibration(labels, *(float(entry[name]) for name in ("fit", "low", "high", "spread")))


def _check_numbers(calibration: Calibration, path: Path) -> None:
    if problem := next(_problems(calibration), None):
        raise CheckpointError(f"the calibration {path} cannot be used: {problem}. {_EXPECTED}")


def _problems(calibration: Calibration) -> Iterator[str]:
    """Sizes that do not fit together, unknown groups, numbers that are not finite or outside their ranges."""
    directions, mirror = calibration.directions, calibration.mirror
    labels = [label for direction in directions for label in direction.labels]
    numbers = [*calibration.fingerprint, *(number for row in mirror for number in row), *(label.per_unit for label in labels)]
    numbers += [number for one in directions for number in (one.low, one.high, one.spread)]
    if not all(map(math.isfinite, numbers)):
        yield "it has numbers that are not finite"
    if not directions or {len(mirror), *map(len, mirror)} != {len(directions)}:
        yield f"it has {len(directions)} directions and a mirror of {len(mirror)} rows; expected M directions and M rows of M"
    for k, one in enumerate(directions):
        if unknown := [label.group for label in one.labels if label.group not in LABEL_GROUPS]:
            yield f"direction {k} has the group {unknown[0]!r}; expected one of {', '.join(LABEL_GROUPS)}"
        if not 0 <= one.fit <= 1 or any(not 0 <= label.strength <= 1 for label in one.labels):
            yield f"direction {k} has a fit or a strength outside of 0 to 1"
        if not one.low <= one.high or one.spread < 0:
            yield f"direction {k} has the range {one.low} to {one.high} and the spread {one.spread}"

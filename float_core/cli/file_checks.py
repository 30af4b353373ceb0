"""What can be known of files before anything starts: inputs are there, outputs can be written and take the place of no input."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from ..atomic_file import refuse_input
from ..errors import OptionError


def check_inputs(*paths: Path | None) -> list[Path]:
    """The files that are given, each there and readable. Raises OSError, which names the file, or OptionError for a folder."""
    given = [path for path in paths if path is not None]
    for path in given:
        path.stat()
        if path.is_dir():
            raise OptionError(f"{path} is a folder; expected a file")
        if not os.access(path, os.R_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    return given


def check_output(name: str, path: Path, *, suffixes: Iterable[str] = (), any_case: bool = False, inputs: Iterable[Path] = ()) -> None:
    """A file to write, which the option `name` gave: it ends in one of `suffixes`, can be written, and is none of `inputs`."""
    if path.is_dir():
        raise OptionError(f"{name} is {path}, a folder; expected the name of a file")
    expected = tuple(suffixes)
    if expected and (path.suffix.lower() if any_case else path.suffix) not in expected:
        raise OptionError(f"{name} is {path}; expected a name that ends in {' or '.join(expected)}")
    if path.exists() and not path.is_file():
        raise OptionError(f"{name} is {path}, which is no regular file; expected the name of a file")
    refuse_input(path, inputs)
    _check_writable(name, path)


def check_folder(name: str, path: Path) -> None:
    """A folder to write to, which the option `name` gave: it is there or can be made."""
    if path.exists() and not path.is_dir():
        raise OptionError(f"{name} is {path}, which is no folder")
    _check_writable(name, path)


def _check_writable(name: str, path: Path) -> None:
    """Of what is not there yet, the nearest folder above it counts; a file is written beside its name, so that its folder counts too."""
    above = next(place for place in Path(os.path.realpath(path)).parents if place.exists())
    if not above.is_dir():
        raise OptionError(f"{name} is {path}, but {above} is no folder")
    for place in (above, path) if path.exists() else (above,):
        if not os.access(place, os.W_OK):
            raise OptionError(f"{name} is {path}, but {place} cannot be written to")

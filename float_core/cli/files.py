"""The files that a command is given: outputs that can be written and take the place of no input, inputs that are there, and the image,
whose face is found before a model is loaded."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..atomic_file import refuse_input
from ..errors import ImageError, OptionError
from ..types import FaceCrop

_ANY_SIZE = 16  # pixels: where the face is does not depend on the model's size


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
    target = Path(os.path.realpath(path))  # what is written: "new/../x" is x, although there is no folder "new" yet
    if target.is_dir():
        raise OptionError(f"{name} is {path}, a folder; expected the name of a file")
    expected = tuple(suffixes)
    if expected and (path.suffix.lower() if any_case else path.suffix) not in expected:
        raise OptionError(f"{name} is {path}; expected a name that ends in {' or '.join(expected)}")
    if target.exists() and not target.is_file():
        raise OptionError(f"{name} is {path}, which is no regular file; expected the name of a file")
    refuse_input(path, inputs)
    _check_writable(name, path)


def check_folder(name: str, path: Path) -> None:
    """A folder to write to, which the option `name` gave: it is there or can be made."""
    if (target := Path(os.path.realpath(path))).exists() and not target.is_dir():
        raise OptionError(f"{name} is {path}, which is no folder")
    _check_writable(name, path)


def _check_writable(name: str, path: Path) -> None:
    """Of what is not there yet, the nearest folder above it counts; a file is written beside its name, so that its folder counts too."""
    target = Path(os.path.realpath(path))
    above = next(place for place in target.parents if place.exists())
    if not above.is_dir():
        raise OptionError(f"{name} is {path}, but {above} is no folder")
    for place in (above, target) if target.exists() else (above,):
        if not os.access(place, os.W_OK):
            raise OptionError(f"{name} is {path}, but {place} cannot be written to")


@dataclass(frozen=True)
class Portrait:
    """An image, and the small crop that says where its face is."""

    image: Any
    crop: FaceCrop

    @classmethod
    def open(
        cls, path: Path, *, crop: str | Sequence[float] | None = "detect", face: int | None = None, device: torch.device | str = "cpu"
    ) -> Portrait:
        """Reads the file and finds the face as `prepare_image` does. Raises ImageError, which names the file."""
        from .. import prepare_image, read_image

        image = read_image(path)
        try:
            return cls(image, prepare_image(image, _ANY_SIZE, crop=crop, face=face, device=device))
        except ImageError as error:
            raise type(error)(f"{path}: {error}") from error

    def at_size(self, size: int) -> Tensor:
        """(1, 3, size, size) in [-1, 1], for an encoder."""
        from .. import prepare_image

        return prepare_image(self.image, size, crop=self.crop.transform).image

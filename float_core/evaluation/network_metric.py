"""What all measures that need a network's weights share. The weights are optional and the user's own; none is ever loaded unasked."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

import numpy as np

from ..errors import OptionError


class NetworkMetric(Protocol):
    """A measure that is taken over all clips of one row of the table. `names`: of its columns."""

    names: tuple[str, ...]

    def add(self, made: np.ndarray, true: np.ndarray, voice: np.ndarray) -> None:
        """One clip: frames (T, S, S, 3) uint8 RGB, made and true, and the voice (samples,) float32 at 16 kHz that drove the made ones."""
        ...

    def result(self) -> dict[str, float]:
        """Each column's number over all clips so far."""
        ...


def load_package(module: str, package: str, measure: str) -> Any:
    """The module of an optional package. Raises OptionError if it is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        raise OptionError(
            f"{measure} needs the package {package}, which cannot be imported ({error}). Install it: pip install {package}"
        ) from error

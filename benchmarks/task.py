"""What a process of `child` runs: a task, found by its name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from float_core.errors import OptionError

Run = Callable[[], dict[str, Any]]  # does the work once; what it says is reported with the time


def find_task(name: str) -> Callable[..., Run]:
    """`MODULE:FUNCTION` of this folder: called with its options it prepares everything, and returns what is timed. Raises OptionError."""
    module, _, function = name.partition(":")
    try:
        task: Callable[..., Run] = getattr(import_module(f".{module}", __package__), function)
    except (ImportError, AttributeError) as error:
        raise OptionError(f"there is no task {name!r}: {error}") from error
    return task

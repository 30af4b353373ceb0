"""Progress of long tasks: they call `on_progress(stage, done, total)`. Raising in it stops the task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
ProgressCallback = Callable[[str, int, int], None]  # (stage, done, total)


def silent(stage: str, done: int, total: int) -> None:
    """Reports nothing."""


def counted(items: Sequence[T], stage: str, on_progress: ProgressCallback | None) -> Iterator[T]:
    """The items in order; after the work on each, `on_progress` gets how many are done."""
    for done, item in enumerate(items, 1):
        yield item
        if on_progress is not None:
            on_progress(stage, done, len(items))

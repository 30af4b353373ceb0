"""What the compiler of the decoder has to say, brought to the artist. Knows no ComfyUI and no network."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..float_core import CompileWarning


@contextmanager
def compile_notes(tell: Callable[[str], None]) -> Iterator[None]:
    """`tell` gets every CompileWarning of the block as soon as the block ends, once each; other warnings go where they went before."""
    caught: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", CompileWarning)
            yield
    finally:
        for text in dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, CompileWarning)):
            tell(text)
        for w in caught:
            if not issubclass(w.category, CompileWarning):
                warnings.showwarning(w.message, w.category, w.filename, w.lineno)

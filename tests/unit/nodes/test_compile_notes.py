"""A compiler's warnings reach the artist, and no others do."""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def notes(pack: ModuleType) -> ModuleType:
    return importlib.import_module(f"{pack.__name__}.nodes.compile_notes")


def test_each_is_told_once_and_others_go_their_way(notes: ModuleType) -> None:
    told: list[str] = []
    with pytest.warns(UserWarning) as others, notes.compile_notes(told.append):
        for _ in range(2):
            warnings.warn("no compiler", notes.CompileWarning, stacklevel=1)
        warnings.warn("something else", UserWarning, stacklevel=1)
        assert told == []
    assert told == ["no compiler"]
    assert [str(w.message) for w in others] == ["something else"]


def test_what_ends_the_block_does_not_swallow_them(notes: ModuleType) -> None:
    told: list[str] = []
    with pytest.raises(KeyboardInterrupt), notes.compile_notes(told.append):
        warnings.warn("no compiler", notes.CompileWarning, stacklevel=1)
        raise KeyboardInterrupt
    assert told == ["no compiler"]

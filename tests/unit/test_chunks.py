"""Sequences that come in pieces: the same entries in other lengths, taken when they are needed, and nothing held that grows."""

import doctest
import weakref
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from float_core import chunks
from float_core.chunks import cut_spans, rechunk, repeat_last


def in_pieces(whole: Tensor, sizes: tuple[int, ...], dim: int = 0) -> list[Tensor]:
    """`whole` along `dim` in pieces of these sizes, over and over until it ends."""
    pieces, start, count = [], 0, 0
    while start < whole.shape[dim]:
        size = min(sizes[count % len(sizes)], whole.shape[dim] - start)
        pieces.append(whole.narrow(dim, start, size))
        start, count = start + size, count + 1
    return pieces


@pytest.mark.parametrize("sizes", [(1,), (3, 0, 4), (10,), (100,)])
@pytest.mark.parametrize("dim", [0, 1, -2])
@pytest.mark.parametrize("length", [1, 4, 10, 23, 50])
def test_the_chunks_are_the_sequence_however_it_was_cut(sizes, dim, length):
    whole = torch.randn(23, 23, 2)
    found = list(rechunk(in_pieces(whole, sizes, dim), length, dim=dim))
    assert [chunk.shape[dim] for chunk in found] == [length] * (23 // length) + [23 % length] * (23 % length > 0)
    assert torch.equal(torch.cat(found, dim), whole)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_the_last_entry_is_repeated_up_to_a_length(dim):
    whole = torch.randn(5, 5)
    last = whole.narrow(dim, 4, 1)
    assert torch.equal(repeat_last(whole, 8, dim), torch.cat([whole, last, last, last], dim))
    assert repeat_last(whole, 5, dim) is whole and repeat_last(whole, 3, dim) is whole


@pytest.mark.parametrize("pieces", [[], [torch.zeros(0)], [torch.zeros(0), torch.zeros(0)]])
def test_of_nothing_there_are_no_chunks(pieces):
    assert list(rechunk(pieces, 4)) == []


@pytest.mark.parametrize("sizes", [(1,), (7, 2), (50,)])
def test_spans_may_overlap_leave_gaps_and_reach_beyond_the_end(sizes):
    whole, spans = torch.arange(50), [(0, 6), (2, 9), (2, 3), (30, 34), (48, 60), (70, 75)]
    found = list(cut_spans(in_pieces(whole, sizes), spans))
    assert [part.tolist() for part in found] == [whole[start:stop].tolist() for start, stop in spans]


def test_a_piece_is_taken_only_when_it_is_needed():
    taken: list[int] = []

    def pieces() -> Iterator[Tensor]:
        for number in range(10):
            taken.append(number)
            yield torch.zeros(3)

    found = rechunk(pieces(), 4)
    counts = []
    for _ in range(3):
        next(found)
        counts.append(len(taken))
    assert counts == [2, 3, 4]


@pytest.mark.parametrize("step", [50, 30, 1, 130])
@pytest.mark.parametrize("size", [1, 48, 50, 200])
def test_what_has_passed_is_let_go(step, size):
    """However many pieces came, what is joined for a cut of 50 is no more than it needs; also where cuts overlap or leave gaps."""
    pieces = (torch.zeros(size) for _ in range(10_000 // size))
    cuts = cut_spans(pieces, [(start, start + 50) for start in range(0, 9_900, step)])
    assert max(cut.untyped_storage().nbytes() // 4 for cut in cuts) <= 50 + size


def test_a_gap_is_not_held():
    alive: list[weakref.ref[Tensor]] = []
    most = 0

    def pieces() -> Iterator[Tensor]:
        nonlocal most
        for _ in range(100):
            piece = torch.zeros(10)
            alive.append(weakref.ref(piece))
            yield piece
            del piece
            most = max(most, sum(ref() is not None for ref in alive))

    assert [len(cut) for cut in cut_spans(pieces(), [(0, 5), (950, 955)])] == [5, 5]
    assert most <= 3


def test_the_example_in_the_docstring_is_true():
    assert doctest.testmod(chunks).failed == 0

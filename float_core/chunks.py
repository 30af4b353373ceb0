"""Cuts a sequence of tensors that comes in pieces of any length into other lengths, and holds only what the next cut needs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor


def rechunk(pieces: Iterable[Tensor], length: int, *, dim: int = 0) -> Iterator[Tensor]:
    """The same sequence in chunks of `length` along `dim`; the last one may be shorter (`repeat_last` fills it up).

    A piece is taken when the first chunk that needs it is asked for.

    >>> [chunk.tolist() for chunk in rechunk([torch.arange(3), torch.arange(3, 5)], 2)]
    [[0, 1], [2, 3], [4]]
    """
    spans = ((start, start + length) for start in itertools.count(0, length))
    return itertools.takewhile(lambda chunk: chunk.shape[dim] > 0, cut_spans(pieces, spans, dim=dim))


def cut_spans(pieces: Iterable[Tensor], spans: Iterable[tuple[int, int]], *, dim: int = 0) -> Iterator[Tensor]:
    """The entries [start, stop) of each span; fewer or none past the end of the sequence. Starts rise; spans may overlap or leave gaps.

    A piece is taken when the first span that needs it is asked for. Without any pieces there are no cuts.
    """
    source = iter(pieces)
    held: list[Tensor] = []  # the entries from `first` to `end`
    first = end = 0
    for start, stop in spans:
        if held:  # what has passed is let go before more is joined to it
            passed = min(start, end) - first
            held, first = [held[0].narrow(dim, passed, end - first - passed)], first + passed
        while end < stop and (piece := next(source, None)) is not None:
            size = piece.shape[dim]
            passed = min(max(0, start - end), size)
            if passed < size or not held:
                held.append(piece.narrow(dim, passed, size - passed))
            first, end = first + passed, end + size
        if not held:
            return
        held = [part for part in held if part.shape[dim]] or held[:1]
        held = [torch.cat(held, dim)] if len(held) > 1 else held
        yield held[0].narrow(dim, 0, max(0, min(stop, end) - first))


def repeat_last(tensor: Tensor, length: int, dim: int) -> Tensor:
    """At least `length` entries along `dim`: if there are fewer, the last one is repeated."""
    size = tensor.shape[dim]
    if size >= length:
        return tensor
    return torch.cat([tensor, tensor.narrow(dim, size - 1, 1).repeat_interleave(length - size, dim)], dim)

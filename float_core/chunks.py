"""Cut a sequence of tensors that comes in pieces of any length into other lengths, without holding more of it than one cut needs."""

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
    """The entries [start, stop) of every span, fewer or none where the sequence ends. Starts must rise; spans may overlap or leave gaps.

    A piece is taken when the first span that needs it is asked for. Of no pieces at all there are no cuts.
    """
    source = iter(pieces)
    held: list[Tensor] = []  # the entries from `first` to `end`
    first = end = 0
    for start, stop in spans:
        while end < stop and (piece := next(source, None)) is not None:
            if end <= start:  # all that is held lies before the span
                held, first = [], end
            held.append(piece)
            end += piece.shape[dim]
        if not held:
            return
        joined = held[0] if len(held) == 1 else torch.cat(held, dim)
        passed = min(max(0, start - first), end - first)
        first += passed
        held = [joined.narrow(dim, passed, end - first)]
        yield held[0].narrow(dim, 0, min(max(0, stop - first), end - first))


def repeat_last(tensor: Tensor, length: int, dim: int) -> Tensor:
    """At least `length` entries along `dim`: where there are fewer, the last one again and again."""
    size = tensor.shape[dim]
    if size >= length:
        return tensor
    return torch.cat([tensor, tensor.narrow(dim, size - 1, 1).repeat_interleave(length - size, dim)], dim)

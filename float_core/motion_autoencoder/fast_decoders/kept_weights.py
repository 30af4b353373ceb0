"""What a decoder's weights become for strips, made once for all sources. Knows when weights have changed, not what is made of them."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from ..face_decoder import FaceDecoder
from .strip_decoder import StripWeights

_SMALL = 2**18  # numbers of a weight; smaller ones are summed together
_KEPT: WeakKeyDictionary[FaceDecoder, tuple[list[int], StripWeights]] = WeakKeyDictionary()  # with the checksums of the weights


def strip_weights(decoder: FaceDecoder) -> StripWeights:
    """Those of this decoder, made anew only after its weights have changed: making them takes as long as two frames, noticing that there is
    no need a few hundredths of a second. They are kept, and take up to twice the decoder's own memory."""
    sums = _checksums(decoder)
    kept = _KEPT.get(decoder)
    if kept is None or kept[0] != sums:
        kept = _KEPT[decoder] = (sums, StripWeights(decoder))
    return kept[1]


@torch.no_grad()
def _checksums(decoder: FaceDecoder) -> list[int]:
    """Of all its weights; the small ones are put together first, as each sum costs a few calls."""
    parts = [part.flatten().view(torch.int32) for part in (*decoder.parameters(), *decoder.buffers())]
    small = torch.cat([part for part in parts if len(part) < _SMALL])
    return [_checksum(bits) for bits in (small, *(part for part in parts if len(part) >= _SMALL))]


def _checksum(bits: Tensor) -> int:
    """Of numbers and their places: sums over the rows and the columns of a square of them, each times its number."""
    side = 1 << (len(bits).bit_length() // 2)
    square, rest = bits[: len(bits) // side * side].view(-1, side), bits[len(bits) // side * side :]
    lines = torch.cat([square.sum(0), square.sum(1), rest.long()])
    return int((lines * (2 * torch.arange(len(lines), device=lines.device) + 1)).sum())


def forget_weights(decoder: FaceDecoder) -> None:
    """Frees what `strip_weights` keeps of it."""
    _KEPT.pop(decoder, None)

"""A sound in blocks, at the rate that a network wants, as often as it is asked for; and spans that are cut out of it on the way.

Only a few blocks, or one span, are in memory at a time. Knows nothing of how files are read, of networks, or of frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ..errors import AudioError
from ..types import AudioClip, AudioFile
from .waveform import check_samples

BLOCK = 1 << 16  # samples of a block that is cut from a clip


@dataclass(frozen=True)
class SoundStream:
    """A mono sound of `samples` samples at `sample_rate` Hz. `read()`: its blocks (n,) from the beginning, float32 on the CPU."""

    samples: int
    sample_rate: int
    read: Callable[[], Iterator[Tensor]]

    def whole(self) -> Tensor:
        """All of it, (1, samples): what `waveform.prepare` gives, bit for bit."""
        return torch.cat(list(self.read()))[None]


def stream_sound(clip: AudioClip | AudioFile, sample_rate: int) -> SoundStream:
    """The sound at `sample_rate`, resampled on the way if it has another rate. Raises AudioError as `waveform.prepare` does."""
    if isinstance(clip, AudioFile):
        blocks = clip.blocks
    else:
        blocks = partial(_split, check_samples(clip))
    rate, samples = int(clip.sample_rate), clip.samples
    if rate == sample_rate:
        return SoundStream(samples, sample_rate, blocks)
    return SoundStream(-(-samples * sample_rate // rate), sample_rate, lambda: resample_blocks(blocks(), samples, rate, sample_rate))


def _split(waveform: Tensor) -> Iterator[Tensor]:
    for block in waveform.split(BLOCK):
        yield block.detach().float().cpu()


def resample_blocks(blocks: Iterable[Tensor], samples: int, source_rate: int, target_rate: int) -> Iterator[Tensor]:
    """Blocks of a sound of `samples` samples in all, to the samples that `waveform.resample` makes of the whole, bit for bit."""
    import soxr

    try:
        stream = soxr.ResampleStream(source_rate, target_rate, 1, dtype="float32")
    except (ValueError, RuntimeError) as error:
        raise AudioError(f"a sound of {source_rate} Hz cannot be resampled to {target_rate} Hz: {error}") from error
    missing = -(-samples * target_rate // source_rate)
    heard, end = torch.zeros(1), None  # the last samples that came in and went out
    for block in blocks:
        heard, part = block[-1:], torch.from_numpy(stream.resample_chunk(block.numpy()))[:missing]
        if len(part):
            missing, end = missing - len(part), part[-1:].clone()
            yield part
    rest = torch.from_numpy(stream.resample_chunk(heard[:0].numpy(), last=True))[:missing]
    if len(rest):
        end = rest[-1:]
    rest = torch.cat([rest, (heard if end is None else end).expand(missing - len(rest))])
    if len(rest):
        yield rest


def cut_spans(blocks: Iterable[Tensor], spans: Iterable[tuple[int, int]]) -> Iterator[Tensor]:
    """The samples [start, stop) of each span, (stop - start,) or less where the sound ends. Starts must rise; spans may overlap."""
    source = iter(blocks)
    held, first = torch.zeros(0), 0  # the samples from `first` on
    for start, stop in spans:
        block: Tensor | None = held[:0]
        while block is not None:
            held = torch.cat([held, block])
            passed = min(len(held), max(0, start - first))
            held, first = held[passed:], first + passed
            block = next(source, None) if first + len(held) < stop else None
        yield held[: max(0, stop - first)]

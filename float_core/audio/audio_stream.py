"""Audio in blocks, at the rate that a network wants, as often as it is asked for. Only a few blocks are held at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ..argument_checks import check_samples
from ..errors import AudioError
from ..types import AudioClip, AudioFile

BLOCK = 1 << 16  # samples of a block of audio that is held whole


@dataclass(frozen=True)
class AudioStream:
    """Mono audio of `samples` samples at `sample_rate` Hz. `read()`: its blocks (n,) from the beginning, float32 on the CPU."""

    samples: int
    sample_rate: int
    read: Callable[[], Iterator[Tensor]]

    def whole(self) -> Tensor:
        """All of it, (1, samples): what `waveform.prepare` gives, bit for bit."""
        return torch.cat(list(self.read()))[None]


def stream_audio(audio: AudioClip | AudioFile, sample_rate: int) -> AudioStream:
    """The audio at `sample_rate`, resampled on the way if it has another rate. Raises AudioError as `waveform.prepare` does."""
    blocks = audio.blocks if isinstance(audio, AudioFile) else partial(_split, check_samples(audio))
    rate, samples = int(audio.sample_rate), audio.samples
    if rate == sample_rate:
        return AudioStream(samples, sample_rate, blocks)
    return AudioStream(-(-samples * sample_rate // rate), sample_rate, lambda: resample_blocks(blocks(), samples, rate, sample_rate))


def _split(waveform: Tensor) -> Iterator[Tensor]:
    for block in waveform.split(BLOCK):
        yield block.detach().float().cpu()


def resample_blocks(blocks: Iterable[Tensor], samples: int, source_rate: int, target_rate: int) -> Iterator[Tensor]:
    """Blocks of audio of `samples` samples in all, to the samples that `waveform.resample` makes of the whole, bit for bit."""
    import soxr

    try:
        stream = soxr.ResampleStream(source_rate, target_rate, 1, dtype="float32")
    except (ValueError, RuntimeError) as error:
        raise AudioError(f"audio of {source_rate} Hz cannot be resampled to {target_rate} Hz: {error}") from error
    missing = -(-samples * target_rate // source_rate)
    last_in, last_out = torch.zeros(1), None  # samples
    for block in blocks:
        last_in, part = block[-1:], torch.from_numpy(stream.resample_chunk(block.numpy()))[:missing]
        if len(part):
            missing, last_out = missing - len(part), part[-1:].clone()
            yield part
    rest = torch.from_numpy(stream.resample_chunk(last_in[:0].numpy(), last=True))[:missing]
    if len(rest):
        last_out = rest[-1:]
    rest = torch.cat([rest, (last_in if last_out is None else last_out).expand(missing - len(rest))])
    if len(rest):
        yield rest

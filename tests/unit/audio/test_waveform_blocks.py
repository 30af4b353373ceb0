"""Audio in blocks: the same samples as the whole, however they are cut, and never all of them at once."""

from __future__ import annotations

import weakref
from pathlib import Path

import pytest
import torch

from float_core.audio.waveform import prepare, resample, resample_blocks, stream_audio
from float_core.chunks import cut_spans
from float_core.errors import AudioError
from float_core.types import AudioClip, AudioFile

RATES = [8000, 11025, 22050, 44100, 48000, 96000, 16000]


def noise(samples: int) -> torch.Tensor:
    return 0.1 * torch.randn(samples, generator=torch.Generator().manual_seed(samples))


def as_file(waveform: torch.Tensor, rate: int, block: int = 30_011) -> AudioFile:
    return AudioFile(Path("a.wav"), rate, len(waveform), 1, lambda: iter(waveform.split(block)))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("samples", [1, 2, 3, 7, 1000, 65536, 200_001])
def test_a_stream_is_the_prepared_audio_bit_for_bit(rate, samples):
    waveform = noise(samples)
    expected = prepare(AudioClip(waveform, rate))
    for audio in (AudioClip(waveform, rate), as_file(waveform, rate)):
        stream = stream_audio(audio, 16000)
        assert (stream.samples, stream.sample_rate) == (expected.shape[1], 16000)
        assert torch.equal(stream.whole(), expected) and torch.equal(stream.whole(), expected)  # as often as it is asked for


@pytest.mark.parametrize("block", [1, 160, 4001, 10**6])
def test_the_size_of_the_blocks_does_not_show(block):
    waveform = noise(12_345)
    blocks = list(resample_blocks(waveform.split(block), len(waveform), 44100, 16000))
    assert all(len(part) for part in blocks) and torch.equal(torch.cat(blocks), resample(waveform, 44100, 16000))


def test_blocks_are_let_go():
    alive: list[weakref.ref] = []
    most = 0

    def blocks():
        nonlocal most
        for _ in range(40):
            block = torch.zeros(10_000)
            alive.append(weakref.ref(block))
            most = max(most, sum(ref() is not None for ref in alive))
            yield block

    stream = stream_audio(AudioFile(Path("a.wav"), 22050, 400_000, 1, blocks), 16000)
    for _ in cut_spans(stream.read(), [(start, start + 20_000) for start in range(0, 280_000, 15_000)]):
        pass
    assert len(alive) >= 39 and most <= 3


def test_what_cannot_be_used_is_said_at_the_call():
    with pytest.raises(AudioError, match="no samples"):
        stream_audio(AudioClip(torch.zeros(0), 16000), 16000)
    with pytest.raises(AudioError, match="not finite"):
        stream_audio(AudioClip(torch.tensor([float("nan")]), 44100), 16000)

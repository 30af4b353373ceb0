"""Audio from files, whatever PyAV reads, a video's audio track included: whole, or in blocks, so that its length needs no memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import av
import torch
from torch import Tensor

from ..chunks import rechunk
from ..errors import AudioError
from ..types import AudioClip, AudioFile
from .downmix import BLOCK, ChannelMeter, mix, usual_names

_UNHEARD = 0.02  # seconds by which a time stamp may be off: so much comes of rounding, and lips do not show it


class AudioBlock(NamedTuple):
    """Samples (channels, n) float32, n > 0, and what their track is like: its rate in Hz and its channels' names."""

    samples: Tensor
    sample_rate: int
    names: tuple[str, ...]


def read_audio(path: str | Path, *, start: float | None = None) -> AudioClip:
    """The first audio track of a file as one channel, mixed as `mix_to_mono` does, at its own rate. Raises AudioError.

    `start`: the samples stand where their time stamps say, counted from this second of the file's clock: what is missing is silence,
    what comes twice or before it is left out. Without it they stand one after another.

    >>> read_audio("assets/voice.wav").sample_rate
    22050
    """
    file = open_audio(path, start=start)
    return AudioClip(torch.cat(list(file.blocks())), file.sample_rate)


def open_audio(path: str | Path, *, start: float | None = None) -> AudioFile:
    """As `read_audio`, but nothing is kept: the file is decoded once to check it, to count its samples and to find out how its channels are
    mixed, and again, block by block, whenever it is needed. Raises AudioError for the same reasons, at the call.

    >>> audio = open_audio("assets/voice.wav")
    >>> sum(len(block) for block in audio.blocks()) == audio.samples
    True
    """
    meter, samples = None, 0
    for block in decode_audio(path, start):
        meter = meter or ChannelMeter(block.names)
        meter.add(block.samples)
        samples += block.samples.shape[1]
    assert meter is not None  # there is one block at least
    shape = (samples, block.sample_rate, len(block.names))
    return AudioFile(Path(path), block.sample_rate, samples, len(block.names), partial(_mono, path, shape, meter.mono(path), start))


def _mono(path: str | Path, shape: tuple[int, int, int], weights: Tensor, start: float | None) -> Iterator[Tensor]:
    for block in decode_again(path, shape, start):
        yield mix(weights, block.samples)[0]


def decode_again(path: str | Path, shape: tuple[int, int, int], start: float | None = None) -> Iterator[AudioBlock]:
    """All channels of a file that had so many samples, Hz and channels when it was opened. Raises AudioError if it has others now."""
    found = (0, *shape[1:])
    for block in decode_audio(path, start):
        found = (found[0] + block.samples.shape[1], block.sample_rate, len(block.names))
        if found[1:] == shape[1:] and found[0] <= shape[0]:
            yield block
    if found != shape:
        now, before = ("{} samples of {} Hz in {} channel(s)".format(*facts) for facts in (found, shape))
        raise AudioError(f"{path} has changed since it was opened: {now} now, {before} before")


def decode_audio(path: str | Path, start: float | None = None) -> Iterator[AudioBlock]:
    """The first audio track, at least one block. Whoever stops early closes the file. `start`: see `read_audio`. Raises AudioError."""
    if not Path(path).is_file():
        raise AudioError(f"there is no audio file {path}")
    try:
        with av.open(f"file:{path}") as container:
            if not container.streams.audio:
                raise AudioError(f"{path} has no audio track")
            frames = decode_all(container, container.streams.audio[0])
            first = next(frames, None)
            if first is None:
                raise AudioError(f"the audio track of {path} is empty")
            names = tuple(channel.name for channel in first.layout.channels)
            if len(names) == 1 or "NONE" in names:  # the file does not say which is which
                names = usual_names(len(names))
            heard = False
            timed = _samples(itertools.chain([first], frames))
            for samples in rechunk(_placed(timed, start, first.sample_rate), BLOCK, dim=1):
                if not bool(samples.isfinite().all()):
                    raise AudioError(f"the audio track of {path} holds values that are not finite")
                yield AudioBlock(samples, first.sample_rate, names)
                heard = True
            if not heard:
                raise AudioError(f"the audio track of {path} ends before second {start}")
    except av.FFmpegError as error:
        raise AudioError(f"{path} cannot be read as audio: {error.strerror}") from error


def decode_all(container: av.container.InputContainer, stream: Any) -> Iterator[Any]:
    """All frames that can be decoded: damaged packets are left out, and a file that was cut ends where it was cut, as in players."""
    packets = container.demux(stream)
    decoded, damage = 0, None
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                break
            frames = packet.decode()
        except av.error.InvalidDataError as error:
            damage = error
            continue
        decoded += len(frames)
        yield from frames
    if damage is not None and not decoded:
        raise damage


def _placed(timed: Iterable[tuple[float | None, Tensor]], start: float | None, rate: int) -> Iterator[Tensor]:
    """The samples at their times, from `start` on: silence where there are none. Without `start`, one after another."""
    done, begun = 0, False
    for time, samples in timed:
        late = 0 if time is None or start is None else round((time - start) * rate) - done
        if begun and abs(late) <= _UNHEARD * rate:
            late = 0
        if late > 0:
            yield samples.new_zeros(len(samples), late)
        kept = samples[:, max(0, -late) :]
        if kept.shape[1]:
            begun = True
            yield kept
        done += max(late, 0) + kept.shape[1]


def _samples(frames: Iterable[av.AudioFrame]) -> Iterator[tuple[float | None, Tensor]]:
    """(channels, n) float32, all with the rate and the channels of the first frame, and their times where they are known."""
    resampler: av.AudioResampler | None = None
    like, kind = None, None
    for frame in frames:
        like = like or frame
        if kind != (kind := (frame.format.name, frame.layout.name, frame.sample_rate)):
            for rest in _resampled(resampler, None):
                yield None, rest
            # Not planar, as PyAV would read beyond the end of eight planes.
            resampler = av.AudioResampler(format="flt", layout=like.layout, rate=like.sample_rate)
        for number, samples in enumerate(_resampled(resampler, frame)):
            yield (frame.time if not number and like.sample_rate == frame.sample_rate else None), samples
    for rest in _resampled(resampler, None):
        yield None, rest


def _resampled(resampler: av.AudioResampler | None, frame: av.AudioFrame | None) -> Iterator[Tensor]:
    """What comes out for a frame; for None, what was left inside."""
    for part in resampler.resample(frame) if resampler is not None else ():
        if part is not None and part.samples:
            yield torch.from_numpy(part.to_ndarray().reshape(part.samples, -1).T)

"""Frames and audio into a video file, H.264 and AAC, streamed: memory does not grow with the length.

The file is written beside its name and renamed when it is complete; whatever stops the work, an interrupt included, leaves nothing.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..argument_checks import check_type
from ..atomic_file import refuse_input, write_beside
from ..errors import AudioError, VideoError
from ..frame_rate import exact_rate
from ..types import AudioClip, AudioFile, FrameChunk
from .downmix import BLOCK, ChannelMeter, mix, usual_names
from .movie_file import LONGEST_SIDE, MovieFile, require_encoders, told
from .pixel_transfer import HostPixels, to_host
from .read_audio import decode_again

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
AUDIO_RATES = (1_000, 1_000_000)  # the lowest and the highest, in Hz


def write_video(
    path: str | Path, chunks: Iterable[FrameChunk], *, fps: float | Fraction, audio: AudioClip | AudioFile | None = None
) -> Path:
    """Write frames (n, 3, H, W) in [-1, 1], in order and without gaps, with the audio if there is one; returns the path.

    The ending chooses the container: .mp4, .m4v, .mov, .mkv. Missing folders are made, an existing file is replaced at the end. An odd
    width or height is extended by one pixel, which H.264 needs. Stereo stays stereo, more channels are mixed to it; of an `AudioFile` it
    is the file's own channels. Raises VideoError, or OptionError for `fps` and where the video would replace its own audio file: before
    the first frame is asked for, unless a frame is what is wrong.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_video(f"{folder}/gray.mp4", [FrameChunk(torch.zeros(5, 3, 64, 64), 0)], fps=25).name
    'gray.mp4'
    """
    target, rate = Path(path), exact_rate(fps)
    container = CONTAINERS.get(target.suffix.lower())
    if container is None:
        raise VideoError(f"{target.name!r} ends in {target.suffix!r}; expected one of {', '.join(CONTAINERS)}")
    if isinstance(audio, AudioFile):
        refuse_input(target, [audio.path])
    require_encoders()
    track = _track(audio)
    movie, size = None, (0, 0)
    with contextlib.ExitStack() as stack:
        with told(target):
            part = stack.enter_context(write_beside(target))
        for chunk in to_host(chunks, _check_shape):
            if movie is None:
                size, even = chunk.size, (chunk.pixels.shape[3], chunk.pixels.shape[2])
                movie = MovieFile(part, container, even, rate, sample_rate=track.sample_rate, channels=track.channels)
                stack.enter_context(movie)
            _check(chunk, movie.frames, size)
            for pixels in chunk.pixels:
                movie.add_frame(pixels)
            _add_audio(movie, track, seconds=movie.frames / rate)
        if movie is None:
            raise VideoError("there are no frames to write")
        _add_audio(movie, track, seconds=math.inf)
        movie.finish()
        with told(target):
            stack.close()
    return target


class AudioTrack(NamedTuple):
    """The audio of a video: blocks (channels, n) float32 in [-1, 1]; `channels` 1 or 2, or 0 for none."""

    sample_rate: int
    channels: int
    blocks: Iterator[Tensor]


def _add_audio(movie: MovieFile, track: AudioTrack, *, seconds: Fraction | float) -> None:
    """Up to the time of the frames, so that a player finds both at the same place of the file."""
    while track.channels and movie.samples < seconds * track.sample_rate:
        block = next(track.blocks, None)
        if block is None:
            return
        movie.add_audio(block)


def _track(audio: AudioClip | AudioFile | None) -> AudioTrack:
    if audio is None:
        return AudioTrack(0, 0, iter(()))
    blocks = _file_blocks(audio) if isinstance(audio, AudioFile) else _clip_blocks(audio)
    first = next(blocks)  # what is wrong with the audio is said before a frame is rendered
    return AudioTrack(int(audio.sample_rate), len(first), itertools.chain([first], blocks))


def _clip_blocks(audio: AudioClip) -> Iterator[Tensor]:
    check_type("the audio", audio, AudioClip, VideoError)
    waveform, rate = check_type("the waveform", audio.waveform, Tensor, VideoError), audio.sample_rate
    if waveform.ndim not in (1, 2) or not waveform.numel():
        raise VideoError(f"the audio has shape {tuple(waveform.shape)}; expected (samples,) or (channels, samples), at least one of each")
    if not waveform.is_floating_point() or not bool(waveform.isfinite().all()):
        raise VideoError(f"the audio has values of {waveform.dtype}; expected float in about [-1, 1], all finite")
    lowest, highest = AUDIO_RATES
    if not lowest <= rate <= highest or rate != int(rate):
        raise VideoError(f"the audio's rate is {rate}; expected a whole number of samples per second, {lowest} to {highest}")
    waveform = waveform.detach().to("cpu", torch.float32)
    pieces = (waveform[None] if waveform.ndim == 1 else waveform).split(BLOCK, dim=1)
    yield from _at_most_two(lambda: pieces, usual_names(len(pieces[0])))


def _file_blocks(audio: AudioFile) -> Iterator[Tensor]:
    """The file's own channels, one sample after another whatever its time stamps say."""
    shape = (audio.samples, audio.sample_rate, audio.channels)
    try:
        names = next(decode_again(audio.path, shape)).names
        yield from _at_most_two(lambda: (block.samples for block in decode_again(audio.path, shape)), names)
    except AudioError as error:
        raise VideoError(f"the audio of the video cannot be read: {error}") from error


def _at_most_two(blocks: Callable[[], Iterable[Tensor]], names: Sequence[str]) -> Iterator[Tensor]:
    """Blocks of one or two channels as they are, of more mixed to two; in [-1, 1]."""
    weights = None
    if len(names) > 2:
        meter = ChannelMeter(names)
        for block in blocks():
            meter.add(block)
        weights = meter.stereo()
    for block in blocks():
        yield (block if weights is None else mix(weights, block)).clamp(-1, 1)


def _check_shape(chunk: FrameChunk) -> None:
    frames = chunk.frames
    if frames.ndim != 4 or frames.shape[1] != 3 or 0 in frames.shape or max(frames.shape[2:]) > LONGEST_SIDE:
        raise VideoError(f"frames have shape {tuple(frames.shape)}; expected (n, 3, height, width), both 1 to {LONGEST_SIDE}")


def _check(chunk: HostPixels, done: int, size: tuple[int, int]) -> None:
    if chunk.start != done:
        raise VideoError(f"a chunk starts at frame {chunk.start}; expected frame {done}, the one after the last chunk")
    if chunk.size != size:
        raise VideoError(f"frames are {chunk.size} (height, width) now; the first ones were {size}")
    if not bool(chunk.finite.all()):
        first = done + int((~chunk.finite).nonzero()[0])
        raise VideoError(f"frame {first} holds values that are not finite. If the model computes in half precision, use float32.")

"""Images by Pillow, sounds by ffmpeg (the sound of videos included), from files to the types of the core.

Keeps what the file has: orientation, modes and transparency of images, the sound's own rate. A sound comes whole (`read_audio`) or in
blocks (`open_audio`). Knows nothing of faces or models.
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError

from ..errors import AudioError, ImageError
from ..types import AudioClip, AudioFile
from .codecs import last_words, start_ffmpeg

AU_FLOAT32 = 6  # the sample type's number in an AU header
BLOCK = 1 << 16  # samples per channel that are read and mixed at once


def read_image(path: str | Path) -> Image.Image:
    """The (first) image of a file, loaded, in the file's own mode. Raises ImageError."""
    if not Path(path).is_file():
        raise ImageError(f"there is no image file {path}")
    try:
        with Image.open(path) as image:
            image.load()
            return image.copy() if getattr(image, "is_animated", False) else image
    except UnidentifiedImageError as error:
        raise ImageError(f"{path} is not an image that Pillow can read; expected for example PNG, JPEG or WebP") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(f"the image {path} cannot be read: {error}") from error


def read_audio(path: str | Path) -> AudioClip:
    """The first sound track of a file as one channel (the mean of all) at its own rate; anything that ffmpeg reads. Raises AudioError."""
    blocks = list(_decode(path))
    return AudioClip(torch.from_numpy(np.concatenate([block.samples for block in blocks])), blocks[0].sample_rate)


def open_audio(path: str | Path) -> AudioFile:
    """As `read_audio`, but nothing of the sound is kept: it is decoded once to check and count its samples, and again, block by block,
    whenever it is needed. Raises AudioError for the same reasons, at the call."""
    samples = 0
    for block in _decode(path):
        samples += len(block.samples)
    rate, channels = block.sample_rate, block.channels  # there is one: a track without samples is an error
    return AudioFile(Path(path), rate, samples, channels, partial(_blocks, path, rate, samples))


def _blocks(path: str | Path, sample_rate: int, samples: int) -> Iterator[torch.Tensor]:
    """The sound of a file that had this rate and this many samples when it was opened."""
    found = 0
    for block in _decode(path):
        found += len(block.samples)
        if block.sample_rate == sample_rate and found <= samples:
            yield torch.from_numpy(block.samples)
    if block.sample_rate != sample_rate or found != samples:
        raise AudioError(
            f"{path} has changed since it was opened: {found} samples of {block.sample_rate} Hz now, {samples} of {sample_rate} Hz before"
        )


class _Block(NamedTuple):
    """Samples (n,) float32 of the mix of all channels, n > 0, and what the track is like."""

    samples: np.ndarray
    sample_rate: int
    channels: int


def _decode(path: str | Path) -> Iterator[_Block]:
    """At least one block of the first sound track. Whoever stops early stops ffmpeg as well."""
    if not Path(path).is_file():
        raise AudioError(f"there is no sound file {path}")
    # AU is the simplest format with a header that ffmpeg can stream: the sound's own rate and channels come with the samples.
    source = ["-i", f"file:{Path(path)}", "-map", "0:a:0", "-vn"]
    block: _Block | None = None
    with tempfile.TemporaryFile() as errors:
        process = start_ffmpeg(
            [*source, "-c:a", "pcm_f32be", "-f", "au", "pipe:1"], errors=errors, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            header = _read_header(process.stdout)
            for block in _read_blocks(process.stdout, *header) if header else ():
                yield _checked(block, path)
            code = process.wait()
        finally:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        words = last_words(errors)
    if "matches no streams" in words:
        raise AudioError(f"{path} has no sound track")
    if code or header is None:
        raise AudioError(f"{path} cannot be read as sound: {words}")
    if block is None:
        raise AudioError(f"the sound track of {path} is empty")


def _read_header(stream: IO[bytes]) -> tuple[int, int] | None:
    """(rate, channels) of a streamed AU file; None when there is no such file."""
    header = stream.read(24)
    if len(header) < 24:
        return None
    _, offset, _, kind, rate, channels = struct.unpack(">4s5I", header)
    if kind != AU_FLOAT32 or not channels or not rate:
        return None
    stream.read(offset - 24)
    return rate, channels


def _read_blocks(stream: IO[bytes], rate: int, channels: int) -> Iterator[_Block]:
    while data := stream.read(4 * channels * BLOCK):
        whole = len(data) // (4 * channels) * (4 * channels)
        if whole:
            frames = np.frombuffer(data[:whole], ">f4").reshape(-1, channels)
            yield _Block(frames.mean(1, dtype=np.float64).astype(np.float32), rate, channels)


def _checked(block: _Block, path: str | Path) -> _Block:
    if not np.isfinite(block.samples).all():
        raise AudioError(f"the sound track of {path} holds values that are not finite")
    return block

"""Pictures by Pillow, sounds by ffmpeg (the sound of videos included), from files to the types of the core.

Keeps what the file has: orientation, modes and transparency of pictures, the sound's own rate. Knows nothing of faces or models.
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
from pathlib import Path
from typing import IO

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError

from ..errors import AudioError, PictureError
from ..types import AudioClip
from .codecs import last_words, start_ffmpeg

AU_FLOAT32 = 6  # the sample type's number in an AU header
BLOCK = 1 << 16  # samples per channel that are read and mixed at once


def read_picture(path: str | Path) -> Image.Image:
    """The (first) picture of a file, loaded, in the file's own mode. Raises PictureError."""
    if not Path(path).is_file():
        raise PictureError(f"there is no picture file {path}")
    try:
        with Image.open(path) as picture:
            picture.load()
            return picture.copy() if getattr(picture, "is_animated", False) else picture
    except UnidentifiedImageError as error:
        raise PictureError(f"{path} is not a picture that Pillow can read; expected for example PNG, JPEG or WebP") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PictureError(f"the picture {path} cannot be read: {error}") from error


def read_audio(path: str | Path) -> AudioClip:
    """The first sound track of a file as one channel (the mean of all) at its own rate; anything that ffmpeg reads. Raises AudioError."""
    if not Path(path).is_file():
        raise AudioError(f"there is no sound file {path}")
    # AU is the simplest format with a header that ffmpeg can stream: the sound's own rate and channels come with the samples.
    source = ["-i", f"file:{Path(path)}", "-map", "0:a:0", "-vn"]
    with tempfile.TemporaryFile() as errors:
        process = start_ffmpeg(
            [*source, "-c:a", "pcm_f32be", "-f", "au", "pipe:1"], errors=errors, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            samples, rate = _read_au(process.stdout)
            code = process.wait()
        finally:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        words = last_words(errors)
    if "matches no streams" in words:
        raise AudioError(f"{path} has no sound track")
    if code or rate <= 0:
        raise AudioError(f"{path} cannot be read as sound: {words}")
    return AudioClip(_checked(samples, path), rate)


def _read_au(stream: IO[bytes]) -> tuple[np.ndarray, int]:
    """(samples of the mix, rate) of a streamed AU file; no samples and rate 0 when nothing came."""
    header = stream.read(24)
    if len(header) < 24:
        return np.zeros(0, np.float32), 0
    _, offset, _, kind, rate, channels = struct.unpack(">4s5I", header)
    if kind != AU_FLOAT32 or not channels:
        return np.zeros(0, np.float32), 0
    stream.read(offset - 24)
    parts = []
    while block := stream.read(4 * channels * BLOCK):
        whole = len(block) // (4 * channels) * (4 * channels)
        frames = np.frombuffer(block[:whole], ">f4").reshape(-1, channels)
        parts.append(frames.mean(1, dtype=np.float64).astype(np.float32))
    return np.concatenate(parts) if parts else np.zeros(0, np.float32), rate


def _checked(samples: np.ndarray, path: str | Path) -> torch.Tensor:
    if not samples.size:
        raise AudioError(f"the sound track of {path} is empty")
    if not np.isfinite(samples).all():
        raise AudioError(f"the sound track of {path} holds values that are not finite")
    return torch.from_numpy(samples)

"""Frames from video files, whatever PyAV reads, at a constant rate and upright: what a player shows, one frame after another.

Memory does not grow with the length. The file's audio on the clock of its frames: `read_audio` with the time of `first_frame_time`.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from ..errors import VideoError
from ..frame_rate import exact_rate
from .read_audio import decode_all

IMAGES = (".png", ".jpg", ".jpeg")  # a folder of them, in the order of their names, counts as a video
_HD = 720  # frames of at least so many rows have the colors of BT.709 where the file does not say; smaller ones those of BT.601
_UNKNOWN_COLORS = 2
_ROUNDING = 1e-4  # seconds; a frame that begins in the very middle comes with the next one


def read_frames(path: str | Path, fps: float | Fraction = 25) -> Iterator[np.ndarray]:
    """(height, width, 3) uint8 RGB, `fps` a second: frame k is what a player shows in the middle of its time, (k + 0.5) / fps seconds
    after the first frame. So frames of a variable rate last as long as they should, and none comes early or late on average.

    The file's rotation is applied, and pixels are made square. A folder of images has one frame an image. A damaged file ends where
    nothing more can be decoded. Raises VideoError, at the first frame at the latest.

    >>> import tempfile, torch
    >>> from float_core import FrameChunk, write_video
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_video(f"{folder}/gray.mp4", [FrameChunk(torch.zeros(5, 3, 64, 32), 0)], fps=10)
    ...     [frame.shape for frame in read_frames(path, 4)]
    [(64, 32, 3), (64, 32, 3)]
    """
    if Path(path).is_dir():
        yield from _images(Path(path))
        return
    rate = exact_rate(fps)
    shown: tuple[av.VideoFrame, tuple[int, int]] | None = None
    done, end = 0, 0.0
    for time, duration, frame, size in _timed(path):
        while shown is not None and (done + 0.5) / rate <= time + _ROUNDING:
            yield _pixels(*shown)
            done += 1
        shown, end = (frame, size), time + duration
    assert shown is not None  # there is one frame at least
    while not done or (done + 0.5) / rate < end:
        yield _pixels(*shown)
        done += 1


def first_frame_time(path: str | Path) -> float:
    """When a file's first frame is shown, in seconds of the file's own clock; 0 for a folder of images. Raises VideoError."""
    if Path(path).is_dir():
        return 0.0
    _stream, frame = next(_decoded(path))
    return _time(frame, 0.0)


def has_audio(path: str | Path) -> bool:
    """Whether a video file has an audio track; a folder of images has none. Raises VideoError."""
    if Path(path).is_dir():
        return False
    try:
        with av.open(f"file:{path}") as container:
            return bool(container.streams.audio)
    except av.FFmpegError as error:
        raise VideoError(f"{path} cannot be read as video: {error.strerror}") from error


def _timed(path: str | Path) -> Iterator[tuple[float, float, av.VideoFrame, tuple[int, int]]]:
    """Frames in the order of their times, each with: seconds after the first one, how long it lasts if none follows, and the size
    (width, height) at which its pixels are square, which is the first frame's for all."""
    start, last, size = None, 0.0, (0, 0)
    for stream, frame in _decoded(path):
        lasts = float(1 / stream.average_rate) if stream.average_rate else 1 / 25
        if start is None:
            start = last = _time(frame, 0.0)
            size = max(1, round(frame.width * (stream.sample_aspect_ratio or 1))), frame.height
        time = _time(frame, last + lasts)
        if time >= last:  # else it is out of order: damage
            yield time - start, lasts, frame, size
            last = time


def _decoded(path: str | Path) -> Iterator[tuple[Any, av.VideoFrame]]:
    """At least one frame, with its stream."""
    if not Path(path).is_file():
        raise VideoError(f"there is no video file {path}")
    try:
        with av.open(f"file:{path}") as container:
            if not container.streams.video:
                raise VideoError(f"{path} has no video track")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            frames = decode_all(container, stream)
            first = next(frames, None)
            if first is None:
                raise VideoError(f"the video track of {path} is empty")
            yield stream, first
            for frame in frames:
                yield stream, frame
    except av.FFmpegError as error:
        raise VideoError(f"{path} cannot be read as video: {error.strerror}") from error


def _time(frame: av.VideoFrame, otherwise: float) -> float:
    return otherwise if frame.time is None else float(frame.time)


def _pixels(frame: av.VideoFrame, size: tuple[int, int]) -> np.ndarray:
    """`size`: (width, height) before the rotation; all frames of a video have the first one's."""
    hd = frame.colorspace == _UNKNOWN_COLORS and frame.height >= _HD
    shown = frame.reformat(*size, format="rgb24", src_colorspace="ITU709" if hd else None)
    return np.ascontiguousarray(np.rot90(shown.to_ndarray(), round(frame.rotation / 90)))


def _images(folder: Path) -> Iterator[np.ndarray]:
    from PIL import Image, UnidentifiedImageError

    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGES)
    if not paths:
        raise VideoError(f"{folder} holds no frames; expected images ending in {', '.join(IMAGES)}")
    size = None
    for path in paths:
        try:
            with Image.open(path) as image:
                pixels = np.array(image.convert("RGB"))
        except (OSError, UnidentifiedImageError) as error:
            raise VideoError(f"the frame {path} cannot be read: {error}") from error
        size = size or pixels.shape
        if pixels.shape != size:
            raise VideoError(f"the frame {path} has shape {pixels.shape}; the first one has {size}")
        yield pixels

"""A video file that is being made: H.264 and AAC in a container, by PyAV. Frames and samples go in as they come.

Colors are those of BT.709 in limited range, and the file says so: untagged video is shown in other colors by other players.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from torch import Tensor

from ..errors import VideoError

AUDIO_RATE = 48000  # every player takes it, and its AAC frames are shorter than an image
LAYOUTS = {1: "mono", 2: "stereo"}
LONGEST_SIDE = 16384  # of an image in H.264
QUALITY = 18  # as x264's constant rate factor: 0 loses nothing, 18 looks the same
_ENCODER, _SETTINGS = "libx264", {"preset": "medium"}
_BT709 = 1  # as matrix, primaries and transfer
_LIMITED = 1  # range


def require_encoders() -> None:
    """Raises VideoError where PyAV was built without what is needed."""
    for name in (_ENCODER, "aac"):
        try:
            av.Codec(name, "w")
        except av.codec.codec.UnknownCodecError as error:
            raise VideoError(f"PyAV {av.__version__} has no encoder {name}; a newer one has it: pip install --upgrade av") from error


class MovieFile:
    """Frames of `size` (width, height), both even, `rate` a second; with audio of `sample_rate` Hz if `channels` is 1 or 2. A context
    manager; the file is complete only after `finish`. Raises VideoError."""

    def __init__(
        self,
        path: Path,
        container: str,
        size: tuple[int, int],
        rate: Fraction,
        *,
        sample_rate: int = 0,
        channels: int = 0,
        quality: int = QUALITY,
    ) -> None:
        self.rate, self.sample_rate = rate, sample_rate
        self.frames = self.samples = 0  # so far
        options = {"movflags": "+faststart"} if container in ("mp4", "mov") else {}
        with told():
            self._file = av.open(f"file:{path}", "w", format=container, options=options)
            self._video = _add_video(self._file, size, rate, quality)
            if channels:
                self._audio = self._file.add_stream("aac", rate=AUDIO_RATE, layout=LAYOUTS[channels])
                self._audio.bit_rate = 128_000
                self._resampler = av.AudioResampler(format="fltp", layout=LAYOUTS[channels], rate=AUDIO_RATE, frame_size=1024)

    def __enter__(self) -> MovieFile:
        return self

    def __exit__(self, *_failure: object) -> None:
        with contextlib.suppress(av.FFmpegError, OSError):
            self._file.close()

    def add_frame(self, pixels: Tensor) -> None:
        """RGB (3, height, width) uint8 on the CPU."""
        with told():
            frame = av.VideoFrame.from_ndarray(pixels.permute(1, 2, 0).numpy(), format="gbrp")
            frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG", interpolation="BICUBIC")
            frame.pts, frame.time_base = self.frames, 1 / self.rate
            self._file.mux(self._video.encode(frame))
        self.frames += 1

    def add_audio(self, block: Tensor) -> None:
        """Samples (channels, n) float32 in [-1, 1]."""
        with told():
            frame = av.AudioFrame.from_ndarray(block.contiguous().numpy(), format="fltp", layout=LAYOUTS[len(block)])
            frame.sample_rate, frame.pts, frame.time_base = self.sample_rate, self.samples, Fraction(1, self.sample_rate)
            self._encode_audio(self._resampler.resample(frame))
        self.samples += block.shape[1]

    def finish(self) -> None:
        """What the encoders still hold, and the index."""
        with told():
            self._file.mux(self._video.encode(None))
            if self.samples:
                self._encode_audio(self._resampler.resample(None))
                self._file.mux(self._audio.encode(None))
            self._file.close()

    def _encode_audio(self, frames: Iterable[av.AudioFrame | None]) -> None:
        for frame in frames:
            if frame is not None:
                self._file.mux(self._audio.encode(frame))


@contextlib.contextmanager
def told(what: object = "the video") -> Iterator[None]:
    """What PyAV and the system say, as a VideoError."""
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{what} cannot be written: {error.strerror or error}") from error


def _add_video(file: av.container.OutputContainer, size: tuple[int, int], rate: Fraction, quality: int) -> Any:
    stream: Any = file.add_stream(_ENCODER, rate=rate, options=_SETTINGS | {"crf": str(quality)})
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    context.color_range = _LIMITED
    context.thread_type = "FRAME"  # PyAV's own choice cuts every frame into slices: larger files
    return stream

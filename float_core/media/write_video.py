"""Frames and a sound into a video file, H.264 and AAC, streamed: memory does not grow with the length.

The file is written beside its name with the ending `.part` and renamed when it is complete; whatever stops the work, an interrupt
included, ends ffmpeg and removes the part. Knows nothing of where frames come from.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import IO

import torch

from ..errors import OptionError, VideoError
from ..types import AudioClip, AudioFile, FrameChunk
from .codecs import last_words, start_ffmpeg
from .pixel_transfer import HostPixels, to_host

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
AUDIO_RATE = 48000  # every player takes it, and its AAC frames are shorter than an image
# BT.709 throughout and said so in the file: untagged video is shown in other colors by other players.
COLOURS = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
SCALER = "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int,format=yuv420p"


def write_video(
    path: str | Path, chunks: Iterable[FrameChunk], *, fps: float | Fraction, audio: AudioClip | AudioFile | None = None
) -> Path:
    """Write frames (n, 3, H, W) in [-1, 1], in order and without gaps, with the sound if there is one (ffmpeg itself reads that of an
    `AudioFile`); returns the path.

    The ending chooses the container: .mp4, .m4v, .mov, .mkv. Missing folders are made, an existing file is replaced at the end.
    An odd width or height is extended by one pixel, which H.264 needs. Raises VideoError."""
    target = Path(path)
    if target.suffix.lower() not in CONTAINERS:
        raise VideoError(f"{target.name!r} ends in {target.suffix!r}; expected one of {', '.join(CONTAINERS)}")
    rate = _frame_rate(fps)
    _make_folder(target)
    part = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with tempfile.TemporaryDirectory(prefix="float-sound-") as folder, tempfile.TemporaryFile() as errors:
            sound = _sound_arguments(audio, Path(folder) / "sound.f32")
            _encode(part, CONTAINERS[target.suffix.lower()], chunks, rate, sound, errors)
        _rename(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _encode(part: Path, container: str, chunks: Iterable[FrameChunk], rate: Fraction, sound: list[str], errors: IO[bytes]) -> None:
    process: subprocess.Popen[bytes] | None = None
    size: tuple[int, int] | None = None
    done = 0
    try:
        for chunk in to_host(chunks, _check_shape):
            _check(chunk, done, size)
            if process is None:
                size = chunk.size
                process = start_ffmpeg(
                    _arguments(part, container, size, rate, sound), errors=errors, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
                )
            _feed(process, chunk.pixels.numpy().data.cast("B"), errors)
            done += len(chunk.pixels)
        if process is None:
            raise VideoError("there are no frames to write")
        _finish(process, errors)
    finally:
        if process is not None:
            _stop(process)


def _arguments(part: Path, container: str, size: tuple[int, int], rate: Fraction, sound: list[str]) -> list[str]:
    height, width = (side + side % 2 for side in size)
    frames = [
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-s",
        f"{width}x{height}",
        "-framerate",
        f"{rate.numerator}/{rate.denominator}",
        "-i",
        "pipe:0",
    ]
    video = ["-vf", SCALER, "-c:v", "libx264", "-crf", "18", "-preset", "medium", *COLOURS]
    audio = ["-c:a", "aac", "-b:a", "128k", "-ar", str(AUDIO_RATE)] if sound else ["-an"]
    fast_start = ["-movflags", "+faststart"] if container in ("mp4", "mov") else []
    return [*frames, *sound, *video, *audio, *fast_start, "-f", container, "-y", f"file:{part}"]


def _sound_arguments(audio: AudioClip | AudioFile | None, file: Path) -> list[str]:
    """ffmpeg's second input. The samples go through a file: two pipes into one program can wait for each other for ever."""
    if audio is None:
        return []
    if isinstance(audio, AudioFile):
        return _file_arguments(audio)
    samples = audio.waveform.detach().to("cpu", torch.float32)
    if samples.ndim != 1 or not samples.numel() or not bool(samples.isfinite().all()):
        raise VideoError(f"the sound has shape {tuple(samples.shape)}; expected (samples,), at least one, all finite")
    if audio.sample_rate < 1:
        raise VideoError(f"the sound's rate is {audio.sample_rate}; expected samples per second")
    samples.clamp(-1, 1).contiguous().numpy().astype("<f4", copy=False).tofile(file)
    return ["-f", "f32le", "-ar", str(audio.sample_rate), "-ac", "1", "-i", f"file:{file}"]


def _file_arguments(sound: AudioFile) -> list[str]:
    """The file as ffmpeg's second input, such that the same samples are heard as if they had been read: the mean of the channels, limited
    to [-1, 1] (as integers cannot be beyond), one sample after another whatever the track's time stamps say, and none of its tags."""
    mean = "+".join(f"{1 / sound.channels:.9f}*c{channel}" for channel in range(sound.channels))
    mixed = f"aformat=sample_fmts=fltp,pan=mono|c0={mean},aformat=sample_fmts=s32,asetpts=N/SR/TB"
    maps = ["-map", "0:v:0", "-map", "1:a:0", "-map_metadata", "-1", "-map_chapters", "-1"]
    return ["-i", f"file:{sound.path}", *maps, "-af", mixed]


def _check_shape(chunk: FrameChunk) -> None:
    frames = chunk.frames
    if frames.ndim != 4 or frames.shape[1] != 3 or 0 in frames.shape:
        raise VideoError(f"frames have shape {tuple(frames.shape)}; expected (n, 3, height, width)")


def _check(chunk: HostPixels, done: int, size: tuple[int, int] | None) -> None:
    if chunk.start != done:
        raise VideoError(f"a chunk starts at frame {chunk.start}; expected frame {done}, the one after the last chunk")
    if size is not None and chunk.size != size:
        raise VideoError(f"frames are {chunk.size} (height, width) now; the first ones were {size}")
    if not bool(chunk.finite.all()):
        first = done + int((~chunk.finite).nonzero()[0])
        raise VideoError(f"frame {first} holds values that are not finite. If the model computes in half precision, use float32.")


def _feed(process: subprocess.Popen[bytes], data: memoryview, errors: IO[bytes]) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(data)
    except OSError as error:  # the pipe broke: ffmpeg has ended, and its own words say why
        process.wait()
        raise VideoError(f"ffmpeg stopped while frames were written: {last_words(errors)}") from error


def _finish(process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    if process.wait():
        raise VideoError(f"ffmpeg failed with status {process.returncode}: {last_words(errors)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End ffmpeg at once if it still runs: on success it has ended already."""
    process.kill()
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    process.wait()


def _frame_rate(fps: float | Fraction) -> Fraction:
    """The nearest ratio that video files know: 25 stays 25, 23.976 becomes 24000/1001."""
    try:
        rate = Fraction(fps).limit_denominator(1001)
    except (TypeError, ValueError, OverflowError) as error:
        raise OptionError(f"fps is {fps!r}; expected frames per second, for example 25") from error
    if not 0 < rate <= 1000:
        raise OptionError(f"fps is {fps!r}; expected more than 0 and at most 1000 frames per second")
    return rate


def _make_folder(target: Path) -> None:
    if target.is_dir():
        raise VideoError(f"{target} is a folder; expected the name of a file")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VideoError(f"the folder {target.parent} cannot be made: {error}") from error


def _rename(part: Path, target: Path) -> None:
    try:
        os.replace(part, target)
    except OSError as error:
        raise VideoError(f"the finished video cannot take the name {target}: {error}") from error

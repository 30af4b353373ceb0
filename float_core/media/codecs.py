"""The ffmpeg program that imageio-ffmpeg ships: where it is, how it is started, what it says, what a video file holds.

Commands are lists, never shell text, and errors go to a file, so that a full pipe cannot stop the program.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..errors import VideoError

LAST_LINES = 6


@dataclass(frozen=True)
class VideoInfo:
    """What a video file holds: `frames`, `fps`, `size` (width, height), `duration` in seconds, `codec`, `audio_codec` or None."""

    frames: int
    fps: float
    size: tuple[int, int]
    duration: float
    codec: str
    audio_codec: str | None


def ffmpeg_program() -> str:
    """Path of ffmpeg: the variable IMAGEIO_FFMPEG_EXE, else the one in imageio-ffmpeg's wheel, else the system's."""
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise VideoError(f"ffmpeg is not available: {error}. `pip install imageio-ffmpeg` brings one.") from error


def start_ffmpeg(arguments: list[str], *, errors: IO[bytes], **pipes: Any) -> subprocess.Popen[bytes]:
    """ffmpeg as a child process. `errors`: a real file for what it says; `pipes`: stdin and stdout as subprocess has them."""
    command = [ffmpeg_program(), "-hide_banner", "-nostdin", "-loglevel", "error", *arguments]
    window = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # on Windows no console flashes up
    try:
        return subprocess.Popen(command, stderr=errors, creationflags=window, **pipes)
    except OSError as error:
        raise VideoError(f"ffmpeg does not start ({command[0]}): {error}") from error


def last_words(errors: IO[bytes]) -> str:
    """The last lines that ffmpeg wrote, for an error message."""
    errors.seek(0)
    lines = [line.strip() for line in errors.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return " / ".join(lines[-LAST_LINES:]) or "it said nothing"


def probe(path: str | Path) -> VideoInfo:
    """Read a video file's facts; frames are counted, not estimated. Raises VideoError."""
    import imageio_ffmpeg

    if not Path(path).is_file():
        raise VideoError(f"there is no file {path}")
    ffmpeg_program()
    try:
        frames, duration = imageio_ffmpeg.count_frames_and_secs(str(path))
        reader = imageio_ffmpeg.read_frames(str(path))
        try:
            meta = next(reader)
        finally:
            reader.close()
    except (OSError, RuntimeError, StopIteration) as error:
        raise VideoError(f"{path} cannot be read as a video: {error}") from error
    width, height = meta["source_size"]
    return VideoInfo(frames, float(meta["fps"]), (width, height), float(duration), meta["codec"], meta.get("audio_codec") or None)

"""What another program finds in the files that we wrote: the ffmpeg that imageio-ffmpeg brings, which is not the one inside PyAV."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


@dataclass(frozen=True)
class VideoInfo:
    """What a video file holds; `size` is (width, height), `duration` in seconds, `said` all that ffmpeg says of it."""

    frames: int
    fps: float
    size: tuple[int, int]
    duration: float
    codec: str
    audio_codec: str | None
    said: str


def ffmpeg(*arguments: str | Path, given: bytes | None = None) -> bytes:
    """Run it; what it wrote to stdout."""
    pipes = {"input": given} if given is not None else {"stdin": subprocess.DEVNULL}
    return subprocess.run([FFMPEG, "-v", "error", "-y", *arguments], capture_output=True, check=True, **pipes).stdout


def streams(path: str | Path) -> str:
    """What ffmpeg says about a file."""
    return subprocess.run([FFMPEG, "-hide_banner", "-i", f"file:{path}"], capture_output=True, text=True).stderr


def probe(path: str | Path) -> VideoInfo:
    """Frames are counted by decoding."""
    said = streams(path)
    video = re.search(r"Video: (\w+).*?, (\d+)x(\d+).*?([\d.]+)(k?) fps", said)
    hours, minutes, seconds = re.search(r"Duration: (\d+):(\d+):([\d.]+)", said).groups()
    audio = re.search(r"Audio: (\w+)", said)
    size = (int(video[2]), int(video[3]))
    frames = len(ffmpeg("-i", f"file:{path}", "-map", "0:v", "-fps_mode", "passthrough", "-pix_fmt", "gray", "-f", "rawvideo", "pipe:1"))
    return VideoInfo(
        frames // (size[0] * size[1]),
        float(video[4]) * (1000 if video[5] else 1),
        size,
        int(hours) * 3600 + int(minutes) * 60 + float(seconds),
        video[1],
        audio and audio[1],
        said,
    )


def yuv_frames(path: str | Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The numbers in the file, untouched: Y (n, H, W), U and V (n, H / 2, W / 2)."""
    width, height = probe(path).size
    data = ffmpeg("-i", f"file:{path}", "-map", "0:v", "-fps_mode", "passthrough", "-pix_fmt", "yuv420p", "-f", "rawvideo", "pipe:1")
    planes = np.frombuffer(data, np.uint8).reshape(-1, height * width * 3 // 2)
    luma, blue, red = np.split(planes, [height * width, height * width * 5 // 4], axis=1)
    half = (-1, height // 2, width // 2)
    return luma.reshape(-1, height, width), blue.reshape(half), red.reshape(half)


def audio_samples(path: str | Path) -> np.ndarray:
    """(channels, samples) float32 at the track's own rate."""
    channels = {"mono": 1, "1": 1, "stereo": 2, "2": 2}[re.search(r"Audio: .* Hz, ([\w.]+)", streams(path))[1]]
    data = ffmpeg("-i", f"file:{path}", "-map", "0:a", "-f", "f32le", "pipe:1")
    return np.frombuffer(data, "<f4").reshape(-1, channels).T

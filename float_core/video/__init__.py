"""Files in and out: pictures, sounds, videos."""

from .codecs import VideoInfo, probe
from .read_media import read_audio, read_picture
from .write_video import write_video

__all__ = ["VideoInfo", "probe", "read_audio", "read_picture", "write_video"]

"""Files in and out: pictures, sounds, videos."""

from .codecs import VideoInfo, probe
from .read_media import open_audio, read_audio, read_picture
from .write_video import write_video

__all__ = ["VideoInfo", "open_audio", "probe", "read_audio", "read_picture", "write_video"]

"""Frames as a viewer gets them: written and read again through one setting of H.264. Real and rendered frames lose the same by it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from ..media.movie_file import QUALITY, MovieFile
from ..media.read_video import read_frames


def through_codec(frames: np.ndarray, fps: int, quality: int = QUALITY) -> np.ndarray:
    """(T, S, S, 3) uint8 RGB, S even, after H.264 at that constant rate factor of x264 (0 loses nothing, 51 most)."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "frames.mp4"
        with MovieFile(path, "mp4", (frames.shape[2], frames.shape[1]), Fraction(fps), quality=quality) as movie:
            for pixels in frames:
                movie.add_frame(torch.from_numpy(pixels).permute(2, 0, 1))
            movie.finish()
        return np.stack(list(read_frames(path, fps)))

"""What clips are measured from: a real video of one face that speaks, and what a face does from frame to frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

FPS, SAMPLE_RATE = 25, 16000
_BILABIAL = "pbm"
_SILENT_LETTERS = ("ph", "pn", "ps", "pt", "mn")  # at the begin of an English word, another sound than the first letter's


@dataclass(frozen=True, eq=False)
class FaceTracks:
    """A face over T frames. `lips` (T,): gap between the inner lips, 0 = closed, in head units (from the eyes' middle to the mouth's);
    `lids` (T, 2): height of each eye's opening over its width; `pose` (T, 3): yaw, pitch, roll in degrees; `seen` (T,): False where no face
    was found: there, the values lie between those of the neighbors."""

    lips: np.ndarray
    lids: np.ndarray
    pose: np.ndarray
    seen: np.ndarray

    @classmethod
    def of_rows(cls, rows: Sequence[np.ndarray | None]) -> FaceTracks:
        """One row a frame: lips, two lids, yaw, pitch, roll; None where no face was found. Without any face all is 0."""
        seen = np.array([row is not None for row in rows])
        there = np.flatnonzero(seen)
        if not len(there):
            nothing = np.zeros((len(rows), 6))
            return cls(nothing[:, 0], nothing[:, 1:3], nothing[:, 3:], seen)
        known = np.array([row for row in rows if row is not None], np.float64)
        whole = np.stack([np.interp(np.arange(len(rows)), there, column) for column in known.T], 1)
        return cls(whole[:, 0], whole[:, 1:3], whole[:, 3:], seen)

    def first(self, frames: int) -> FaceTracks:
        """The begin of it."""
        return FaceTracks(self.lips[:frames], self.lids[:frames], self.pose[:frames], self.seen[:frames])


Tracker = Callable[[np.ndarray], FaceTracks]  # frames (T, S, S, 3) uint8 RGB of one face


@dataclass(frozen=True, eq=False)
class SpokenClip:
    """A real clip. `frames` (T, S, S, 3) uint8 RGB, 25 a second; `waveform` (samples,) float32 at 16 kHz in step with them; `emotion`: one
    of config.EMOTIONS, "" if it is not known; `closures`: times in seconds at which p, b and m close the lips."""

    name: str
    speaker: str
    emotion: str
    frames: np.ndarray
    waveform: np.ndarray
    closures: tuple[float, ...]


def lip_closures(words: Sequence[tuple[str, float, float]], sounds: Sequence[tuple[str, float, float]]) -> tuple[float, ...]:
    """When p, b and m close the lips, in seconds. `words` and `sounds` (IPA): name, start, end. The middle of each such sound; without
    known sounds, the begin of each English word that is written with p, b or m, and the end of the spoken letter m.

    >>> lip_closures([("bin", 0.5, 0.75), ("physics", 1.0, 1.5), ("m", 2.0, 2.25)], [])
    (0.5, 2.25)
    """
    if sounds:
        return tuple((start + end) / 2 for name, start, end in sounds if name in _BILABIAL and name)
    found = []
    for name, start, end in words:
        word = name.lower()
        if word == "m":
            found.append(end)
        elif word[:1] in tuple(_BILABIAL) and not word.startswith(_SILENT_LETTERS):
            found.append(start)
    return tuple(found)

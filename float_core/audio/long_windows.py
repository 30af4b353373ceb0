"""Overlapping windows for audio that is too long for a network at once, and how what the windows give becomes one sequence again.

Counts in frames, or in whatever steps a network has.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import OptionError

# For networks that see all of the audio. Half of the overlap is the least that a frame sees to each side; the positional convolution of
# wav2vec2 reaches 2.6 s, its attention further. benchmarks/long_audio_error.py measures what the windows change.
SPEECH_SECONDS, SPEECH_OVERLAP, SPEECH_FADE = 50, 10, 2


@dataclass(frozen=True)
class WindowPlan:
    """Windows of `length` frames, of which neighbors share at least `overlap`. In the middle of what they share, one fades into the
    other over `fade` frames; 0 = a cut."""

    length: int
    overlap: int
    fade: int = 0

    def __post_init__(self) -> None:
        if self.fade < 0 or self.fade % 2 or self.overlap < self.fade or self.length < self.overlap + max(1, 2 * self.fade):
            raise OptionError(f"{self}: expected an even fade, no longer than the overlap, and length - overlap of at least two fades")

    def spans(self, frames: int) -> list[tuple[int, int]]:
        """(start, stop) of every window, evenly spread: all are of the full length, and the last one ends with the audio."""
        rest = frames - self.length
        if rest <= 0:
            return [(0, frames)]
        steps = math.ceil(rest / (self.length - self.overlap))
        return [(i * rest // steps, i * rest // steps + self.length) for i in range(steps + 1)]

    def join(self, spans: Sequence[tuple[int, int]], windows: Iterable[Tensor]) -> Iterator[Tensor]:
        """What each span gave (B, stop - start, C), as pieces (B, n, C) of one sequence, each given when its window has come."""
        half, done = self.fade // 2, 0
        tail: Tensor | None = None  # what the window before says of the frames from `done` on, (B, fade, C)
        for number, window in enumerate(windows):
            start, stop = spans[number]
            is_last = number == len(spans) - 1
            end = stop if is_last else (spans[number + 1][0] + stop) // 2 + half
            piece = window[:, done - start : end - start]
            if tail is not None and self.fade:
                piece = torch.cat([_faded(tail, piece[:, : self.fade]), piece[:, self.fade :]], dim=1)
            done = end if is_last else end - self.fade
            tail = piece[:, piece.shape[1] - (end - done) :]
            yield piece[:, : piece.shape[1] - (end - done)]


def speech_windows(rate: float) -> WindowPlan:
    """The plan for networks that see all of the audio, at `rate` frames a second."""
    return WindowPlan(round(SPEECH_SECONDS * rate), round(SPEECH_OVERLAP * rate), 2 * round(SPEECH_FADE * rate / 2))


def _faded(before: Tensor, after: Tensor) -> Tensor:
    """(B, n, C): in a straight line from the one to the other."""
    share = (torch.arange(before.shape[1], device=before.device, dtype=before.dtype) + 0.5) / before.shape[1]
    return torch.lerp(before, after, share[:, None])

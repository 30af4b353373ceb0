"""Clips for phase 2 in memory, drawn by shares of their kinds, and random windows of them.

Knows nothing of files, of losses and of the transformer; `motion_sources` reads the clips.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..audio.compact_encoder import MELS_PER_FRAME
from ..synthetic.rig import RIG_NAMES
from .heard_audio import HeardAudio

# A face that speaks keeps a third of the expression in its portrait. All of it would freeze a smile; none would lose the person.
KEPT_EXPRESSION = 0.35
_EXPRESSION = ("smile", "mouth_wide", "brow_inner", "brow_outer", "blink", "upper_lip", "lower_lip")


@dataclass(frozen=True)
class SourceShares:
    """How much of a batch comes from each kind of material, before dividing by the sum over the kinds that are there.

    videos: prepared clips, their mouths measured.
    speech: prepared recordings, their mouths by phones and coarticulation.
    synthetic: voices of espeak-ng.
    latents: clips that the encoder has looked at.
    """

    videos: float = 0.45
    speech: float = 0.4
    synthetic: float = 0.15
    latents: float = 0.45


@dataclass(frozen=True)
class MotionClip:
    """A clip of T frames.

    audio: its recording.
    motion: (T, D), motion latents.
    emotion: (7,), weights.
    rest: (M,), coefficients of the clip's own pose and of its face at rest; None if they are not known.
    closed: (T,), 1 where the lips must touch: at p, b or m, or where real ones do while somebody speaks.
    held_out: not for training.
    kind: a field of SourceShares.
    speaker: who speaks.
    """

    audio: HeardAudio
    motion: Tensor
    emotion: Tensor
    rest: Tensor | None
    closed: np.ndarray
    held_out: bool
    kind: str = "synthetic"
    speaker: str = ""

    @property
    def mel(self) -> Tensor:
        """(4 T, bands) float16, log-mel of the recording as it is."""
        return cut(self.audio.plain(), 0, len(self.motion) * MELS_PER_FRAME)


@dataclass(frozen=True)
class Windows:
    """B windows of W frames with P preceding frames. The first window of a clip has none: its mel and motion start with the clip.

    mel: (B, 4 (before + P + W + after), bands), log-mel.
    motion: (B, P + W, D), or (B, W, D) for first windows.
    emotion: (B, 7), weights.
    clips: the clip of each window.
    """

    mel: Tensor
    motion: Tensor
    emotion: Tensor
    clips: tuple[MotionClip, ...]


class ClipMixture:
    """Draws clips: a kind by its share, in it a speaker by the square root of what there is of the speaker, then a clip by its length."""

    def __init__(self, clips: Sequence[MotionClip], shares: SourceShares) -> None:
        self.clips = list(clips)
        frames: dict[tuple[str, str], int] = defaultdict(int)
        for clip in clips:
            frames[clip.kind, clip.speaker] += len(clip.motion)
        of_kind: dict[str, float] = defaultdict(float)
        for (kind, _), count in frames.items():
            of_kind[kind] += count**0.5
        self.weights = torch.tensor(
            [getattr(shares, c.kind) / of_kind[c.kind] * frames[c.kind, c.speaker] ** -0.5 * len(c.motion) for c in clips],
            dtype=torch.float64,
        )

    def draw(self, count: int, generator: torch.Generator) -> list[MotionClip]:
        """`count` clips."""
        return [self.clips[int(i)] for i in torch.multinomial(self.weights, count, replacement=True, generator=generator)]


def draw_windows(
    clips: Sequence[MotionClip], *, window: int, preceding: int, context: int, first: bool, generator: torch.Generator
) -> Windows:
    """A random window of each clip. `context`: more frames of audio on each side; `first`: the first windows of clips, otherwise any
    place."""
    mels, motions = [], []
    for clip in clips:
        last = max(0, len(clip.motion) - window)
        start = 0 if first else int(torch.randint(last + 1, (1,), generator=generator))
        before = 0 if first else preceding
        heard = (start - before - (0 if first else context), start + window + context)
        mel = clip.audio.draw(generator)
        mels.append(cut(mel, heard[0] * MELS_PER_FRAME, heard[1] * MELS_PER_FRAME).float())
        motions.append(cut_repeating(clip.motion, start - before, start + window))
    return Windows(torch.stack(mels), torch.stack(motions), torch.stack([c.emotion for c in clips]), tuple(clips))


def portrait_coefficients(rest: Tensor) -> Tensor:
    """Coefficients (..., M) of a portrait for a clip with this rest: the same pose, and an expression of which the clip keeps a part."""
    scale = torch.tensor([1 / KEPT_EXPRESSION if name in _EXPRESSION else 1.0 for name in RIG_NAMES])
    return rest * scale.to(rest)


def cut(sequence: Tensor, start: int, end: int) -> Tensor:
    """(T, C) from `start` to `end`; zeros beyond both ends, which are silence in a mel."""
    inside = sequence[max(start, 0) : max(end, 0)]
    return F.pad(inside, (0, 0, max(0, -start), end - max(start, 0) - len(inside)))


def cut_repeating(sequence: Tensor, start: int, end: int) -> Tensor:
    """(T, C) from `start` to `end`; beyond both ends the first and the last frame are repeated."""
    return sequence[torch.arange(start, end).clamp(0, len(sequence) - 1)]

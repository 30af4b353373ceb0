"""Motion in time: resampling, trimming, speed, joins and loops. Needs no model; times are exact fractions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

import torch
from torch import Tensor

from ..argument_checks import check_number, check_sequence, check_whole
from ..chunks import cut_spans
from ..easing import smoother
from ..errors import OptionError
from ..frame_rate import check_rate, exact_rate, exact_seconds, frames_for
from ..types import MotionSequence
from .time_filters import AROUND, at_positions

SLOWEST, FASTEST = 0.05, 20.0
_BLOCK = 50  # frames that are resampled at a time


def resample_motion(motion: MotionSequence, fps: float | Fraction, *, seconds: float | Fraction | None = None) -> MotionSequence:
    """The motion at another frame rate, 10 to 120: frame n is the motion at n / fps seconds, on the cubic spline through its frames.

    The result has exactly ceil(seconds * fps) frames. `seconds` None = the length of the motion; Fraction(samples, sample_rate) = the
    length of that audio. After the end of the motion its last frame is held. At the motion's own rate, frames keep their bits.

    >>> motion = MotionSequence(torch.zeros(1, 50, 64), fps=25.0)
    >>> resample_motion(motion, 30).latents.shape
    torch.Size([1, 60, 64])
    """
    check_sequence(motion)
    old, rate = exact_rate(motion.fps), check_rate(fps, own=motion.fps)
    length = motion.latents.shape[1]
    count = frames_for(Fraction(length) / old if seconds is None else seconds, rate)
    if rate == old and count == length:
        return motion
    pieces = resample_pieces([motion.latents], length, old, rate, count)
    return replace(motion, latents=torch.cat(list(pieces), dim=1), fps=float(rate))


def resample_pieces(pieces: Iterable[Tensor], length: int, old: Fraction, rate: Fraction, count: int) -> Iterator[Tensor]:
    """As `resample_motion`, for a motion of `length` frames that comes in pieces (B, n, D): yields pieces with `count` frames in all, and
    the same bits however the motion is cut. Checks nothing."""
    step, first = old / rate, 0
    starts = range(0, length, _BLOCK)
    spans = [(max(0, start - AROUND), min(length, start + _BLOCK + AROUND)) for start in starts]
    for start, (begin, _), part in zip(starts, spans, cut_spans(pieces, spans, dim=1), strict=False):
        behind = count if start + _BLOCK >= length else min(count, math.ceil((start + _BLOCK) / step))
        if first < behind:
            yield at_positions(part, [n * step - begin for n in range(first, behind)])
        first = behind
        if first == count:
            return


def trim_motion(motion: MotionSequence, start: float, end: float | None = None) -> MotionSequence:
    """The frames at `start` <= time < `end` seconds (None = to the end). Parts that are cut at the same second make up the whole.

    >>> motion = MotionSequence(torch.zeros(1, 50, 64), fps=25.0)
    >>> trim_motion(motion, start=0.5, end=1.5).latents.shape
    torch.Size([1, 25, 64])
    """
    check_sequence(motion)
    rate, length = exact_rate(motion.fps), motion.latents.shape[1]
    first = math.ceil(exact_seconds("start", start) * rate)
    behind = length if end is None else min(length, math.ceil(exact_seconds("end", end) * rate))
    if first >= behind:
        found = f"from {start:g} s to " + ("the end" if end is None else f"{end:g} s")
        raise OptionError(f"{found} there is no frame; the motion lasts {float(length / rate):.2f} s. Start earlier or end later.")
    return replace(motion, latents=motion.latents[:, first:behind])


def stretch_motion(motion: MotionSequence, speed: float) -> MotionSequence:
    """The motion `speed` times as fast, at the same frame rate: 2 takes half as long, 0.5 takes twice as long, 1 changes nothing.

    >>> motion = MotionSequence(torch.zeros(1, 50, 64), fps=25.0)
    >>> stretch_motion(motion, speed=2).latents.shape
    torch.Size([1, 25, 64])
    """
    check_sequence(motion)
    check_number("speed", speed, low=SLOWEST, high=FASTEST)
    if speed == 1:
        return motion
    step = Fraction(speed).limit_denominator(10000)
    count = math.ceil(motion.latents.shape[1] / step)
    return replace(motion, latents=at_positions(motion.latents, [n * step for n in range(count)]))


def join_motions(first: MotionSequence, second: MotionSequence, *, crossfade: float = 0.2) -> MotionSequence:
    """One motion after the other. They overlap for `crossfade` seconds and change smoothly there, so the result is that much shorter.

    >>> motion = MotionSequence(torch.zeros(1, 50, 64), fps=25.0)
    >>> join_motions(motion, motion, crossfade=0.2).latents.shape
    torch.Size([1, 95, 64])
    """
    check_pair(first, second)
    count = _crossfade_frames(crossfade, first, min(first.latents.shape[1], second.latents.shape[1]))
    before, after = first.latents, second.latents.to(first.latents)
    weight = smoother(torch.arange(1, count + 1) / (count + 1)).to(before)[:, None]  # without 0 and 1: those are the frames beside it
    faded = torch.lerp(before[:, before.shape[1] - count :], after[:, :count], weight)
    joined = torch.cat([before[:, : before.shape[1] - count], faded, after[:, count:]], dim=1)
    return replace(first, latents=joined, source=_common_source(first, second))


def loop_motion(motion: MotionSequence, *, crossfade: float = 0.5, repeats: int = 1) -> MotionSequence:
    """The motion as a loop, `repeats` times in a row: its first frame continues after its last one. The last `crossfade` seconds are
    faded into the start, so each round is that much shorter.

    >>> motion = MotionSequence(torch.zeros(1, 50, 64), fps=25.0)
    >>> loop_motion(motion, crossfade=0.4, repeats=2).latents.shape
    torch.Size([1, 80, 64])
    """
    check_sequence(motion)
    check_whole("repeats", repeats, low=1, high=1000)
    frames = motion.latents
    count = _crossfade_frames(crossfade, motion, frames.shape[1] // 2)
    length = frames.shape[1] - count
    weight = smoother(torch.arange(count) / max(1, count)).to(frames)[:, None]
    faded = torch.lerp(frames[:, length:], frames[:, :count], weight)  # starts with the frame that follows the last one
    return replace(motion, latents=torch.cat([faded, frames[:, count:length]], dim=1).repeat(1, repeats, 1))


def check_pair(first: object, second: object) -> None:
    """Refuses two motions that differ in batch, latent size or frame rate."""
    one, two = check_sequence(first, name="first"), check_sequence(second, name="second")
    if exact_rate(one.fps) != exact_rate(two.fps):
        raise OptionError(f"the first motion has {one.fps:g} frames per second, the second {two.fps:g}: use resample_motion on one of them")
    if one.latents.shape[::2] != two.latents.shape[::2]:
        raise OptionError(
            f"the motions have shapes {tuple(one.latents.shape)} and {tuple(two.latents.shape)}; expected the same batch and latent size"
        )


def _crossfade_frames(seconds: float, motion: MotionSequence, most: int) -> int:
    count = round(exact_seconds("crossfade", seconds) * exact_rate(motion.fps))
    if count > most:
        raise OptionError(f"crossfade is {seconds:g} s; expected at most {most / motion.fps:.2f} s here. Give less, or a longer motion.")
    return count


def _common_source(first: MotionSequence, second: MotionSequence) -> Tensor | None:
    """The portrait of both motions, or None if they differ."""
    if first.source is None or second.source is None or not torch.equal(first.source, second.source.to(first.source)):
        return None
    return first.source

"""Motion in time: exact frame counts, resampling, trimming, speed, joins and loops."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from float_core.errors import OptionError
from float_core.frame_rate import exact_rate, frames_for
from float_core.motion_editing import join_motions, loop_motion, resample_motion, stretch_motion, trim_motion
from float_core.motion_editing.motion_timing import resample_pieces
from float_core.motion_editing.time_filters import at_positions, extend
from float_core.types import MotionSequence

TELEVISION = {23.976: Fraction(24000, 1001), 29.97: Fraction(30000, 1001), 59.94: Fraction(60000, 1001), 119.88: Fraction(120000, 1001)}
SOUNDS = [(1, 16000), (15999, 16000), (16000, 16000), (16001, 16000), (12345, 44100), (44101, 44100), (70001, 48000)]
RATES = [*range(10, 121), *TELEVISION, 12.5, 33.3, 24000 / 1001, 30000 / 1001, Fraction(60000, 1001)]


def noise(frames: int, fps: float = 25.0, batch: int = 1, seed: int = 0) -> MotionSequence:
    generator = torch.Generator().manual_seed(seed)
    return MotionSequence(torch.randn(batch, frames, 3, generator=generator), fps, torch.randn(batch, 3, generator=generator))


def sine(frames: int, fps: float, hertz: float = 1.5) -> torch.Tensor:
    """(1, T, 2): sine and cosine."""
    angle = 2 * torch.pi * hertz * torch.arange(frames, dtype=torch.float64) / fps
    return torch.stack([angle.sin(), angle.cos()], -1)[None].float()


@pytest.mark.parametrize("fps", RATES, ids=str)
def test_exact_lengths_for_every_rate_and_length(fps):
    rate = TELEVISION.get(fps) or Fraction(fps).limit_denominator(1001)
    motion = noise(40)
    for samples, sample_rate in (
        (1, 16000),
        (15999, 16000),
        (16000, 16000),
        (16001, 16000),
        (12345, 44100),
        (44101, 44100),
        (70001, 48000),
    ):
        expected = math.ceil(samples * rate / sample_rate)
        assert frames_for(Fraction(samples, sample_rate), fps) == expected
        assert frames_for(samples / sample_rate, fps) == expected
        resampled = resample_motion(motion, fps, seconds=Fraction(samples, sample_rate))
        assert resampled.latents.shape == (1, expected, 3)
        assert resampled.fps == pytest.approx(float(rate), abs=1e-12)


def test_its_own_length_goes_on():
    assert resample_motion(noise(30), 60).latents.shape[1] == 72
    assert resample_motion(noise(31), 10).latents.shape[1] == 13
    assert resample_motion(noise(1), 120).latents.shape[1] == 5


@pytest.mark.parametrize("rate", [Fraction(10), Fraction(24), Fraction(30000, 1001), Fraction(60), Fraction(120)])
@pytest.mark.parametrize("length", [1, 2, 49, 50, 51, 100, 163])
def test_in_pieces_it_is_the_spline_through_all_frames(rate, length):
    """However the motion is cut, and whatever is held at its end, bit for bit."""
    frames = noise(length, batch=2).latents
    for count in {1, math.ceil(length * rate / 25), math.ceil(length * rate / 25) + 70}:
        expected = at_positions(frames, [n * 25 / rate for n in range(count)])
        for size in (7, 50, 200):
            pieces = list(resample_pieces(frames.split(size, dim=1), length, Fraction(25), rate, count))
            assert torch.equal(torch.cat(pieces, dim=1), expected)


def test_a_piece_is_taken_when_it_is_needed():
    taken = []

    def pieces():
        for number in range(20):
            taken.append(number)
            yield noise(10, seed=number).latents

    resampled = resample_pieces(pieces(), 200, Fraction(25), Fraction(60), 480)
    assert taken == [] and next(resampled).shape == (1, 120, 3) and len(taken) == 8  # 50 frames, and those around them
    assert sum(part.shape[1] for part in resampled) == 360 and len(taken) == 20


def test_the_same_rate_is_the_same_motion():
    motion = noise(40)
    assert resample_motion(motion, 25) is motion
    assert resample_motion(motion, 25.0, seconds=1.6) is motion
    television = noise(40, 24000 / 1001)
    assert resample_motion(television, 23.976) is television


def test_the_same_rate_and_another_length_keeps_bits_and_holds_the_end():
    motion = noise(40)
    assert torch.equal(resample_motion(motion, 25, seconds=1).latents, motion.latents[:, :25])
    longer = resample_motion(motion, 25, seconds=2).latents
    assert torch.equal(longer[:, :40], motion.latents) and torch.equal(longer[:, 40:], motion.latents[:, -1:].expand(-1, 10, -1))


@pytest.mark.parametrize("fps", [10, 23.976, 24, 29.97, 30, 48, 50, 59.94, 60, 75, 100, 119.88, 120])
def test_a_sinusoid_is_followed(fps):
    motion = MotionSequence(sine(100, 25.0), 25.0)
    resampled = resample_motion(motion, fps)
    expected = sine(resampled.latents.shape[1], float(exact_rate(fps)))
    times = torch.arange(expected.shape[1]) / float(exact_rate(fps))
    error = (resampled.latents - expected).abs()[0].amax(-1)
    assert float(error[(times > 0.3) & (times < 3.6)].max()) < 1e-4
    assert float(error[times < 99 / 25].max()) < 0.03  # at the ends half of the neighbors are missing; later the last frame is held


def test_frames_at_the_same_time_keep_their_bits():
    motion = noise(40)
    assert torch.equal(resample_motion(motion, 50).latents[:, ::2], motion.latents)
    assert torch.equal(resample_motion(motion, 120).latents[:, ::24], motion.latents[:, ::5])
    assert torch.equal(resample_motion(resample_motion(motion, 100), 25).latents, motion.latents)


def test_speed_and_acceleration_have_no_steps_at_the_frames():
    """25 to 120 fps: the second difference of a smooth curve stays as smooth as that of the curve itself."""
    fine = resample_motion(MotionSequence(sine(50, 25.0, 3.0), 25.0), 120).latents[0, 24:-24].double()
    true = sine(240, 120.0, 3.0)[0, 24:-24].double()
    assert float((fine.diff(n=2, dim=0) - true[: len(fine)].diff(n=2, dim=0)).abs().max()) < 0.06 * float(true.diff(n=2, dim=0).abs().max())


def test_straight_lines_stay_straight_to_the_ends():
    line = MotionSequence(torch.arange(20.0)[None, :, None].expand(1, 20, 3), 25.0)
    torch.testing.assert_close(resample_motion(line, 50).latents[0, :39, 0], torch.arange(39) / 2)


def test_batches_and_sources_go_along():
    motion = noise(40, batch=3)
    resampled = resample_motion(motion, 60)
    assert resampled.latents.shape == (3, 96, 3) and resampled.source is motion.source
    torch.testing.assert_close(
        resampled.latents[1:2], resample_motion(replace(motion, latents=motion.latents[1:2], source=None), 60).latents
    )


@pytest.mark.parametrize("fps", [9.9, 121, 0, -25, math.nan, math.inf, "25", True, None, Fraction(1, 2), Fraction(10**9)])
def test_rates_that_are_refused(fps):
    with pytest.raises(OptionError, match="fps is"):
        resample_motion(noise(4), fps)


@pytest.mark.parametrize("seconds", [-1, math.nan, "2", Fraction(-1, 2)])
def test_lengths_that_are_refused(seconds):
    with pytest.raises(OptionError, match="seconds is"):
        resample_motion(noise(4), 50, seconds=seconds)


def test_extension_turns_about_the_end_points():
    frames = torch.tensor([1.0, 2.0, 4.0])[None, :, None]
    assert extend(frames, 2).flatten().tolist() == [-2.0, 0.0, 1.0, 2.0, 4.0, 6.0, 7.0]
    assert extend(frames[:, :1], 2).flatten().tolist() == [1.0] * 5
    assert extend(frames[:, :2], 3).flatten().tolist() == [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_positions_are_held_at_the_ends():
    frames = noise(5).latents
    assert torch.equal(at_positions(frames, [Fraction(-3), Fraction(9, 2), Fraction(2)]), frames[:, [0, 4, 2]])


def test_trim():
    motion = noise(40)
    assert torch.equal(trim_motion(motion, 0.4, 1.0).latents, motion.latents[:, 10:25])
    assert torch.equal(trim_motion(motion, 1.0).latents, motion.latents[:, 25:])
    assert torch.equal(trim_motion(motion, 0.0, 99.0).latents, motion.latents)
    for cut in (0.04, 0.2, 0.5, 1.1, 1.23):
        parts = trim_motion(motion, 0, cut), trim_motion(motion, cut)
        assert torch.equal(torch.cat([part.latents for part in parts], dim=1), motion.latents)
    assert trim_motion(motion, 1.0).fps == 25.0 and trim_motion(motion, 1.0).source is motion.source


@pytest.mark.parametrize(
    ("start", "end", "says"), [(1.6, None, "no frame"), (1.0, 1.0, "lasts 1.60 s"), (-1, None, "start is -1"), (0, math.nan, "end")]
)
def test_trim_refuses(start, end, says):
    with pytest.raises(OptionError, match=says):
        trim_motion(noise(40), start, end)


def test_speed():
    motion = noise(40)
    assert stretch_motion(motion, 1.0) is motion
    assert torch.equal(stretch_motion(motion, 2.0).latents, motion.latents[:, ::2])
    slow = stretch_motion(motion, 0.5)
    assert slow.latents.shape[1] == 80 and torch.equal(slow.latents[:, ::2], motion.latents) and slow.fps == 25.0
    curve = stretch_motion(MotionSequence(sine(100, 25.0, 1.0), 25.0), 1.6).latents
    assert curve.shape[1] == 63
    torch.testing.assert_close(curve[:, 3:60], sine(63, 25.0, 1.6)[:, 3:60], rtol=0, atol=1e-3)


@pytest.mark.parametrize("speed", [0, -1, 0.01, 21, math.nan, "2"])
def test_speed_refuses(speed):
    with pytest.raises(OptionError, match="speed is"):
        stretch_motion(noise(4), speed)


def test_join_is_one_then_the_other_with_a_fade_between():
    first, second = noise(30, seed=1), noise(20, seed=2)
    joined = join_motions(first, second, crossfade=0.2).latents
    assert joined.shape[1] == 45
    assert torch.equal(joined[:, :25], first.latents[:, :25]) and torch.equal(joined[:, 30:], second.latents[:, 5:])
    for i in range(5):
        x = (i + 1) / 6
        w = 6 * x**5 - 15 * x**4 + 10 * x**3
        torch.testing.assert_close(joined[:, 25 + i], (1 - w) * first.latents[:, 25 + i] + w * second.latents[:, i])
    cut = join_motions(first, second, crossfade=0).latents
    assert torch.equal(cut, torch.cat([first.latents, second.latents], dim=1))


def test_join_has_no_jump():
    up, down = MotionSequence(torch.full((1, 30, 1), 1.0), 25.0), MotionSequence(torch.full((1, 30, 1), -1.0), 25.0)
    assert float(join_motions(up, down, crossfade=0.4).latents.diff(dim=1).abs().max()) < 2 * 1.875 / 11  # the fade's steepest slope
    assert float(join_motions(up, down, crossfade=0).latents.diff(dim=1).abs().max()) == 2.0


def test_join_keeps_the_source_only_if_it_is_the_same():
    first, second = noise(30, seed=1), noise(20, seed=2)
    assert join_motions(first, second).source is None
    assert torch.equal(join_motions(first, replace(second, source=first.source.clone())).source, first.source)


def test_join_refuses():
    with pytest.raises(OptionError, match="25 frames per second, the second 30: use resample_motion"):
        join_motions(noise(30), noise(30, 30.0))
    with pytest.raises(OptionError, match="same batch and latent size"):
        join_motions(noise(30), noise(30, batch=2))
    with pytest.raises(OptionError, match=r"crossfade is 1 s; expected at most 0\.80 s"):
        join_motions(noise(30), noise(20), crossfade=1.0)
    with pytest.raises(OptionError, match="crossfade is -1"):
        join_motions(noise(30), noise(20), crossfade=-1)
    with pytest.raises(OptionError, match="second is NoneType; expected MotionSequence"):
        join_motions(noise(30), None)


def drifting(frames: int) -> MotionSequence:
    """Sines of several speeds and a drift: the end is nowhere near the beginning."""
    time = torch.arange(frames, dtype=torch.float64) / 25
    curves = [(2 * torch.pi * hertz * time + phase).sin() + 0.4 * time for hertz, phase in ((0.31, 0.5), (0.83, 2.0), (1.7, 1.0))]
    return MotionSequence(torch.stack(curves, -1)[None].float(), 25.0)


@pytest.mark.parametrize("frames", [60, 100, 101, 177])
def test_a_loop_shows_no_seam(frames):
    looped = loop_motion(drifting(frames), repeats=3).latents[0]
    length = frames - 12
    assert len(looped) == 3 * length
    assert torch.equal(looped[length : 2 * length], looped[:length])
    acceleration = looped.diff(n=2, dim=0).norm(dim=-1)  # entry i is of frame i + 1
    for wrap in (length, 2 * length):
        at_wrap = acceleration[wrap - 2 : wrap + 1]  # of the frames wrap - 1, wrap, wrap + 1
        inside = acceleration[wrap + 1 : wrap + length - 3]
        assert float(at_wrap.max()) <= float(inside.max())
    plain = torch.cat([drifting(frames).latents[0]] * 2)
    assert float(plain.diff(n=2, dim=0).norm(dim=-1)[frames - 2 : frames].max()) > 3 * float(acceleration.max())


def test_a_loop_is_the_motion_itself_beside_the_fade():
    motion = noise(50)
    looped = loop_motion(motion, crossfade=0.4).latents
    assert looped.shape[1] == 40
    assert torch.equal(looped[:, 10:], motion.latents[:, 10:40])
    assert torch.equal(looped[:, 0], motion.latents[:, 40])
    for i in range(10):
        w = 6 * (i / 10) ** 5 - 15 * (i / 10) ** 4 + 10 * (i / 10) ** 3
        torch.testing.assert_close(looped[:, i], (1 - w) * motion.latents[:, 40 + i] + w * motion.latents[:, i])
    assert torch.equal(loop_motion(motion, crossfade=0).latents, motion.latents)


def test_loop_refuses():
    with pytest.raises(OptionError, match=r"crossfade is 0\.5 s; expected at most 0\.40 s"):
        loop_motion(noise(20))
    for repeats in (0, -1, 1.5, True, 10**6):
        with pytest.raises(OptionError, match="repeats is"):
            loop_motion(noise(50), repeats=repeats)

"""animate: equal to its steps, first frames before the last motion, emotion choices, checks at the call."""

from __future__ import annotations

import warnings
import weakref
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from torch import nn

from float_core.audio.speech_emotion import choose_emotion
from float_core.config import EmotionConfig
from float_core.errors import AudioError, CheckpointError, ImageError, OptionError
from float_core.frame_rate import frame_count
from float_core.motion_editing import edit_motion, resample_motion, retarget_motion
from float_core.pipeline.animate import animate
from float_core.pipeline.encode import encode_audio, encode_identity
from float_core.pipeline.render import render_frames
from float_core.pipeline.sample import sample_motion
from float_core.types import AudioClip, EmotionCondition, Keyframe, LambdaCurve, MotionEdit, MotionSequence, SamplingOptions

OPTIONS = SamplingOptions(steps=2, seed=9)
EDITS = (MotionEdit(0, 0.5),)


def joined(chunks) -> torch.Tensor:
    return torch.cat([chunk.frames for chunk in chunks])


@pytest.mark.parametrize("batch_size", [None, 4, 30])
def test_equals_its_steps(model, image, clip, batch_size):
    identity, audio = encode_identity(model, image), encode_audio(model, clip)
    motion = edit_motion(model, sample_motion(model, identity, audio, choose_emotion("sad"), OPTIONS), EDITS)
    expected = list(render_frames(model, identity, motion, batch_size=batch_size))
    chunks = list(animate(model, image, clip, emotion="sad", options=OPTIONS, edits=EDITS, batch_size=batch_size))
    assert [chunk.start for chunk in chunks] == [chunk.start for chunk in expected]
    assert torch.equal(joined(chunks), joined(expected))
    assert joined(chunks).shape == (25, 3, 16, 16)


@pytest.mark.parametrize("quality", ["fast", "balanced"])
def test_a_seed_gives_the_same_frames_bit_for_bit(model, image, clip, quality):
    options = SamplingOptions.of_quality(quality, seed=9)
    first, again, other = (joined(animate(model, image, clip, emotion="sad", options=replace(options, seed=seed))) for seed in (9, 9, 10))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


STREAMING = {
    "a range": MotionEdit(0, 0.5, start=0.2, end=0.8, ease=0.2),
    "a clamp": MotionEdit(1, low=-0.1, high=0.1),
    "frozen": MotionEdit(0, freeze=True, start=0.5),
    "a curve": MotionEdit(2, curve=LambdaCurve((Keyframe(0.0, 0.0), Keyframe(0.7, 2.0)))),
    "values over the whole clip": MotionEdit(2, curve=LambdaCurve(values=(0.0, 1.0, -1.0))),
}


@pytest.mark.parametrize("name", [*STREAMING, "gain"])
def test_edits_over_time_equal_those_of_the_whole_motion(model, image, clip, name, before_evaluation):
    edits = [MotionEdit(3, -0.2), STREAMING.get(name, MotionEdit(1, gain=3.0))]
    identity, audio = encode_identity(model, image), encode_audio(model, clip)
    plain = sample_motion(model, identity, audio, choose_emotion("sad"), OPTIONS)
    expected = joined(render_frames(model, identity, edit_motion(model, plain, edits), batch_size=4))
    evaluations: list[None] = []
    before_evaluation(lambda: evaluations.append(None))
    chunks = animate(model, image, clip, emotion="sad", options=OPTIONS, edits=edits, batch_size=4)
    first = next(chunks).frames
    assert len(evaluations) == (3 * OPTIONS.steps if name == "gain" else OPTIONS.steps)  # gain needs the mean of all three windows
    assert torch.equal(torch.cat([first, joined(chunks)]), expected)
    assert not torch.equal(expected, joined(render_frames(model, identity, edit_motion(model, plain, edits[:1]), batch_size=4)))


def test_first_frames_come_before_the_last_motion_is_sampled(model, image, clip, before_evaluation):
    evaluations: list[None] = []
    before_evaluation(lambda: evaluations.append(None))
    chunks = animate(model, image, clip, emotion="sad", options=OPTIONS, batch_size=4)
    assert next(chunks).start == 0
    assert len(evaluations) == OPTIONS.steps  # of one window out of three
    list(chunks)
    assert len(evaluations) == 3 * OPTIONS.steps


def test_a_chunk_is_freed_before_the_next_is_rendered(model, image, clip, before_decoding):
    alive: list[bool] = []
    last: list[weakref.ref] = []
    before_decoding(lambda: alive.append(bool(last) and last[-1]() is not None))
    chunks = animate(model, image, clip, emotion="sad", options=OPTIONS, batch_size=5)
    for _ in range(5):
        last.append(weakref.ref(next(chunks).frames))
    assert alive == [False] * 5


def test_progress_never_goes_back_and_raising_in_it_stops(model, image, clip):
    reports: list[tuple[str, int, int]] = []
    list(animate(model, image, clip, emotion="sad", options=OPTIONS, batch_size=4, on_progress=lambda *report: reports.append(report)))
    assert [report for report in reports if report[0] == "encode"] == [("encode", n, 3) for n in range(4)]
    rendered = [done for stage, done, total in reports[4:] if (stage, total) == ("render", 25)]
    assert len(rendered) == len(reports) - 4 and rendered == sorted(rendered) and rendered[-1] == 25
    assert rendered.count(0) == OPTIONS.steps  # called while the first window is sampled, too

    class Stop(Exception):
        pass

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "render":
            raise Stop

    chunks = animate(model, image, clip, emotion="sad", options=OPTIONS, on_progress=stop)
    with pytest.raises(Stop):
        next(chunks)
    assert list(chunks) == []


@pytest.mark.parametrize("emotion", ["happy", {"happy": 2.0}, EmotionCondition(choose_emotion("happy").probabilities.repeat(1, 25, 1))])
def test_an_emotion_may_be_a_name_a_mix_or_a_condition(model, image, clip, emotion):
    expected = joined(animate(model, image, clip, emotion=choose_emotion("happy"), options=OPTIONS))
    torch.testing.assert_close(joined(animate(model, image, clip, emotion=emotion, options=OPTIONS)), expected, rtol=1e-4, atol=1e-4)


def test_without_an_emotion_network_it_is_neutral_and_says_so(model, image, clip):
    with pytest.warns(UserWarning, match="neutral"):
        chunks = animate(model, image, clip, options=OPTIONS)
    assert torch.equal(joined(chunks), joined(animate(model, image, clip, emotion="neutral", options=OPTIONS)))


class _Happy(nn.Module):
    config = EmotionConfig(network="{}")

    def probabilities(self, waveform: torch.Tensor) -> torch.Tensor:
        return choose_emotion("happy").probabilities


def test_with_an_emotion_network_it_is_heard(model, image, clip):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        heard = joined(animate(replace(model, emotion_loader=_Happy), image, clip, options=OPTIONS))
    assert torch.equal(heard, joined(animate(model, image, clip, emotion="happy", options=OPTIONS)))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"image": torch.zeros(2, 3, 16, 16)}, ImageError, r"expected \(1, 3, 16, 16\)"),
        ({"clip": AudioClip(torch.zeros(0), 16000)}, AudioError, "no samples"),
        ({"clip": None}, AudioError, "NoneType"),
        ({"emotion": "hapy"}, OptionError, "surprise"),
        ({"emotion": EmotionCondition(torch.full((1, 24, 7), 1 / 7))}, OptionError, "24 frames; expected 1, or 25"),
        ({"emotion": EmotionCondition(torch.full((2, 1, 7), 1 / 7))}, OptionError, r"expected \(1, 1 or T, 7\)"),
        ({"options": None}, OptionError, "SamplingOptions"),
        (
            {"options": SamplingOptions(guidance_interval=(0.91, 0.95))},
            OptionError,
            r"0.91 to 0.95, but 10 steps of euler .* only at 0.00, 0.10, 0.20",
        ),
        (
            {"options": replace(SamplingOptions.of_quality("balanced"), steps=1)},
            OptionError,
            r"1 steps of ab2 evaluate the velocity only at 0.00: the guid",
        ),
        ({"edits": [MotionEdit(4, 1.0)]}, OptionError, "from 0 to 3"),
        ({"batch_size": 0}, OptionError, "batch_size"),
        ({"fps": 9.9}, OptionError, "fps is 9.9; expected 10 to 120"),
        ({"fps": 121}, OptionError, "fps is 121; expected 10 to 120"),
        ({"fps": "fast"}, OptionError, "fps is 'fast'"),
        ({"motion": torch.zeros(1, 3, 12)}, OptionError, "motion is Tensor; expected MotionSequence"),
        ({"motion": MotionSequence(torch.zeros(1, 3, 8), 25.0)}, OptionError, r"shape \(1, 3, 8\)"),
        ({"motion": MotionSequence(torch.zeros(2, 3, 12), 25.0)}, OptionError, r"expected \(1, T, 12\)"),
        ({"motion": MotionSequence(torch.zeros(1, 3, 12), 25.0), "clip": None}, AudioError, "NoneType"),
        ({"motion": MotionSequence(torch.zeros(1, 3, 12), 25.0), "clip": AudioClip(torch.zeros(0), 16000)}, AudioError, "no samples"),
    ],
)
def test_arguments_are_checked_at_the_call(model, image, clip, changes, error, message):
    arguments = {"image": image, "clip": clip, "emotion": "sad", "options": OPTIONS} | changes
    with pytest.raises(error, match=message):
        animate(model, arguments.pop("image"), arguments.pop("clip"), **arguments)


def test_an_interval_without_a_step_is_no_mistake_where_nothing_is_guided(model, image, clip):
    options = SamplingOptions(audio_guidance=1.0, guidance_interval=(0.91, 0.95))
    next(animate(model, image, clip, emotion="sad", options=options))


def whole(model, image, clip, edits=EDITS) -> tuple:
    """Identity, and the edited motion that OPTIONS give."""
    identity, audio = encode_identity(model, image), encode_audio(model, clip)
    return identity, edit_motion(model, sample_motion(model, identity, audio, choose_emotion("sad"), OPTIONS), edits)


@pytest.mark.parametrize("fps", [10, 24, 29.97, Fraction(60000, 1001), 120])
@pytest.mark.parametrize("samples", [16000, 15361, 41000])
def test_another_rate_is_that_of_the_resampled_motion(model, image, fps, samples):
    clip = AudioClip(torch.randn(samples, generator=torch.Generator().manual_seed(1)) * 0.1, 16000)
    identity, motion = whole(model, image, clip)
    expected = resample_motion(motion, fps, seconds=Fraction(samples, 16000))
    chunks = list(animate(model, image, clip, emotion="sad", options=OPTIONS, edits=EDITS, fps=fps, batch_size=4))
    assert sum(len(chunk.frames) for chunk in chunks) == frame_count(samples, 16000, fps)
    assert torch.equal(joined(chunks), joined(render_frames(model, identity, expected, batch_size=4)))


def test_its_own_rate_changes_no_bit(model, image, clip):
    plain, asked = (joined(animate(model, image, clip, emotion="sad", options=OPTIONS, fps=fps)) for fps in (None, 25))
    assert torch.equal(plain, asked)


def test_at_another_rate_frames_come_before_the_last_motion(model, image, before_evaluation):
    clip = AudioClip(torch.randn(16000 * 8, generator=torch.Generator().manual_seed(1)) * 0.1, 16000)  # 200 frames, windows of 10
    evaluations: list[None] = []
    before_evaluation(lambda: evaluations.append(None))
    chunks = animate(model, image, clip, emotion="sad", options=OPTIONS, fps=60, batch_size=4)
    next(chunks)
    assert len(evaluations) <= 8 * OPTIONS.steps  # of 20
    list(chunks)
    assert len(evaluations) == 20 * OPTIONS.steps


@pytest.mark.parametrize("fps", [None, 60])
def test_on_motion_gets_what_is_rendered_once_and_first(model, image, clip, fps):
    kept: list = []
    chunks = animate(model, image, clip, emotion="sad", options=OPTIONS, edits=EDITS, fps=fps, on_motion=kept.append, batch_size=4)
    first = next(chunks).frames
    assert len(kept) == 1 and kept[0].fps == (fps or 25)
    frames = torch.cat([first, joined(chunks)])
    assert torch.equal(frames, joined(animate(model, image, clip, emotion="sad", options=OPTIONS, edits=EDITS, fps=fps, batch_size=4)))
    identity = encode_identity(model, image)
    assert len(kept) == 1 and torch.equal(kept[0].source, identity.motion)
    assert torch.equal(frames, joined(render_frames(model, identity, kept[0], batch_size=4)))


def test_what_is_kept_and_given_again_gives_the_same_frames(model, image, clip):
    kept: list = []
    frames = joined(animate(model, image, clip, emotion="sad", options=OPTIONS, edits=EDITS, fps=60, on_motion=kept.append))
    bare = replace(model, transformer=None, audio_encoder=None)  # neither is needed
    assert torch.equal(frames, joined(animate(bare, image, clip, motion=kept[0])))
    assert len(joined(animate(bare, image, clip, motion=kept[0], fps=30))) == 30


@pytest.mark.parametrize("has_source", [True, False])
def test_a_given_motion_is_put_on_this_face(model, image, clip, has_source):
    generator = torch.Generator().manual_seed(4)
    motion = MotionSequence(
        torch.randn(1, 25, 12, generator=generator), 25.0, torch.randn(1, 12, generator=generator) if has_source else None
    )
    identity = encode_identity(model, image)
    moved = retarget_motion(model, motion, identity)
    assert not torch.equal(moved.latents, motion.latents)
    found = joined(animate(model, image, clip, motion=motion))
    assert torch.equal(found, joined(render_frames(model, identity, moved)))
    edited = edit_motion(model, moved, EDITS)
    assert torch.equal(joined(animate(model, image, clip, motion=motion, edits=EDITS)), joined(render_frames(model, identity, edited)))


@pytest.mark.parametrize("fps", [None, 25, 30])
@pytest.mark.parametrize(("frames", "own"), [(7, 25.0), (90, 25.0), (24, 25.0), (9, 10.0), (3, 5.0)])
def test_a_given_motion_lasts_as_long_as_the_audio(model, image, clip, fps, frames, own):
    motion = MotionSequence(torch.randn(1, frames, 12, generator=torch.Generator().manual_seed(4)), own)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = joined(animate(model, image, clip, motion=motion, fps=fps))
    assert len(found) == frame_count(16000, 16000, fps or own)
    shorter = frames < own  # of a second
    assert [str(warning.message) for warning in said] == (
        [f"the audio lasts 1.00 s and the motion {frames / own:.2f} s: the last frame is held to the end"] if shorter else []
    )
    if shorter and frames < 24:
        torch.testing.assert_close(found[-1], found[-2], rtol=0, atol=1e-5)


def test_progress_says_where_all_motion_comes_first(model, image, clip):
    reports: list[tuple[str, int, int]] = []
    told = lambda *report: reports.append(report)  # noqa: E731
    list(animate(model, image, clip, emotion="sad", options=OPTIONS, on_motion=lambda motion: None, batch_size=4, on_progress=told))
    stages = [stage for stage, _, _ in reports]
    assert stages == sorted(stages, key=["encode", "sample", "render"].index) and set(stages) == {"encode", "sample", "render"}
    assert ("sample", 3 * OPTIONS.steps, 3 * OPTIONS.steps) in reports and reports[-1] == ("render", 25, 25)


@pytest.mark.parametrize("part", ["autoencoder", "transformer", "audio_encoder"])
def test_missing_parts_are_named_at_the_call(model, image, clip, part):
    with pytest.raises(CheckpointError, match=part.replace("_", " ")):
        animate(replace(model, **{part: None}), image, clip, emotion="sad")

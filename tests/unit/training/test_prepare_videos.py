"""Odd videos become clips: variable rates, rotation, cuts, second faces, no sound, late and drifting sound, broken files."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from float_core.cli.main import main
from float_core.errors import OptionError, VideoError
from float_core.training import cut_clips
from float_core.training import prepare_videos as prepare
from float_core.training.audio_offset import loudness
from float_core.training.cut_clips import VideoLimits
from float_core.training.video_clips import load_clip, open_clips
from tests.unit.training.drawn_talker import RATE, CodeTracker, Look, draw, speech, talk, write

LIMITS = VideoLimits(face_pixels=40)


@pytest.fixture(autouse=True)
def tracker(monkeypatch):
    CodeTracker.looked = 0
    monkeypatch.setattr(prepare, "MediaPipeTracker", CodeTracker)
    monkeypatch.setattr(cut_clips, "MediaPipeTracker", CodeTracker)
    monkeypatch.setattr(cut_clips, "_tracker", [])
    return CodeTracker


@pytest.fixture
def source(tmp_path):
    return tmp_path / "source"


def run(source, **options):
    return prepare.prepare_videos(source, source.parent / "out", **{"size": 64, "limits": LIMITS, **options})


def in_step(clip) -> float:
    """How well the loudness at each frame follows the lips of the same frame; at the ends there may be no sound."""
    loud = loudness(clip.waveform, RATE, 4 * clip.facts.frames).reshape(-1, 4).mean(1)
    return float(np.corrcoef(loud[10:-10], clip.tracks[10:-10, 0])[0, 1])


def test_a_clip_holds_frames_mesh_motion_and_sound(source):
    lips, sound = speech(4)
    frames, _ = talk(4)
    write(source / "ann" / "happy 1.mp4", frames, sound)
    (source / "ann" / "happy 1.json").write_text(json.dumps({"phones": [[0.5, 0.7, "B"], [0.7, 1.0, "AA1"]], "text": "bah"}))
    done = run(source)
    (facts,) = done.clips
    assert (facts.speaker, facts.emotion, facts.split, facts.frames, facts.sound, facts.delay) == ("ann", "happy", "train", 100, "voice", 0)
    assert done.seconds == {"train": 4.0, "valid": 0, "test": 0} and not done.rejected
    layout, listed = open_clips(source.parent / "out")
    assert listed == [facts] and layout == CodeTracker().layout
    clip = load_clip(source.parent / "out", facts)
    assert clip.frames.shape == (100, 64, 64, 3) and clip.waveform.shape == (64000,) and clip.rig.shape == (100, 20)
    assert np.abs(clip.points[:, list(layout.oval), :2]).max() == pytest.approx(1 / 1.6, abs=0.04)
    assert np.corrcoef(lips, clip.tracks[:, 0])[0, 1] > 0.99 and np.ptp(clip.tracks[:, 3]) < 1 and clip.seen.all()
    assert in_step(clip) > 0.8
    assert [(p.name, round(p.start, 2)) for p in clip.timings.phones] == [("b", 0.5), ("ɑ", 0.7)] and clip.timings.text == "bah"
    assert load_clip(source.parent / "out", facts, frames=False).frames is None
    assert (source.parent / "out" / "sheet.jpg").exists() and "1 clips" in (source.parent / "out" / "report.txt").read_text()


def test_a_variable_rate_becomes_a_constant_one_in_step(source):
    lips, sound = speech(6)
    times = np.arange(0, 6000, 20)[np.random.default_rng(1).random(300) > 0.4]
    times[0] = 0
    write(source / "a.mkv", [draw(Look(gap=int(lips[min(len(lips) - 1, t // 40)]))) for t in times], sound, times=times)
    clip = load_clip(source.parent / "out", run(source).clips[0])
    assert abs(clip.facts.frames - 150) <= 2 and in_step(clip) > 0.75


def test_a_rotated_video_stands_upright(source):
    frames, sound = talk(3)
    write(source / "a.mp4", [np.ascontiguousarray(np.rot90(frame, -1)) for frame in frames], sound, turn=90)
    clip = load_clip(source.parent / "out", run(source).clips[0])
    assert np.corrcoef(speech(3)[0], clip.tracks[:, 0])[0, 1] > 0.99


def test_cuts_and_lost_faces_divide_and_no_clip_is_longer_than_allowed(source):
    first, second = talk(2)[0], talk(3, 1, Look(background=200, place=14))[0]
    lost = [draw(Look(faces=0))] * 10
    write(source / "a.mp4", [*first, *second, *lost, *talk(1.4)[0]])
    done = run(source, limits=replace(LIMITS, longest=2.0))
    assert [(round(clip.start, 2), clip.frames) for clip in done.clips] == [(0, 50), (2, 37), (3.48, 38), (5.4, 35)]
    assert done.rejected == {"no face": 1} and done.rejected_seconds == pytest.approx(0.4)


def test_a_face_that_is_lost_for_a_moment_is_filled_in(source):
    frames = [draw(Look(place=10 + n // 10)) for n in range(50)]
    frames[20:23] = [draw(Look(faces=0))] * 3
    write(source / "a.mp4", frames)
    clip = load_clip(source.parent / "out", run(source).clips[0])
    assert np.flatnonzero(~clip.seen).tolist() == [20, 21, 22] and np.isfinite(clip.points).all()


@pytest.mark.parametrize(("second", "kept"), [(1, 1), (2, 0), (3, 1)])
def test_of_two_faces_the_larger_one_is_followed_unless_they_share_the_square(source, second, kept):
    write(source / "a.mp4", talk(2, 0, Look(second=second))[0])
    write(source / "good.mp4", talk(2)[0])
    done = run(source)
    assert len(done.clips) == 1 + kept
    assert done.rejected == ({} if kept else {"a second face beside the first one": 1})
    assert all(np.corrcoef(speech(2)[0], load_clip(done.folder, clip).tracks[:, 0])[0, 1] > 0.99 for clip in done.clips)


def test_what_is_small_short_or_turned_is_left_out_with_its_reason(source):
    write(source / "turned.mp4", talk(2, 0, Look(yaw=12))[0])
    write(source / "short.mp4", talk(0.6)[0])
    write(source / "moves.mp4", [draw(Look(place=0 if n < 5 else min(20, n - 5))) for n in range(50)])
    write(source / "none.mp4", [draw(Look(faces=0))] * 30)
    write(source / "good.mp4", talk(2)[0])
    done = run(source)
    assert [clip.name for clip in done.clips] == ["good_mp4_000", "moves_mp4_000"]
    assert done.rejected == {"turned too far": 1, "too short": 1, "no face": 1}
    outline = load_clip(done.folder, done.clips[1]).points[:, list(CodeTracker().layout.oval), 0]
    assert np.abs(outline).max() < 1 and np.ptp(outline.mean(1)) > 0.5  # one square, in which the head goes from side to side
    with pytest.raises(OptionError, match="face too small"):
        run(source, limits=VideoLimits(face_pixels=150))


def test_a_video_without_sound_is_for_faces_only(source):
    write(source / "a.mp4", talk(2)[0])
    write(source / "silent.mkv", talk(2, 0, Look())[0][:1] * 50, np.zeros(2 * RATE))
    write(source / "mute.mkv", talk(2)[0], np.zeros(2 * RATE))
    done = run(source)
    assert [(clip.source, clip.sound) for clip in done.clips] == [("a.mp4", "none"), ("silent.mkv", "silent")]
    assert done.rejected == {"the lips do not follow the sound": 1}
    assert load_clip(done.folder, done.clips[0]).waveform is None


@pytest.mark.parametrize("late", [0.24, -0.3])
def test_sound_that_is_late_or_early_is_moved_into_step(source, late):
    frames, sound = talk(8)
    moved = np.roll(sound, round(late * RATE))
    write(source / "a.mkv", frames, moved)
    (source / "a.json").write_text(json.dumps({"words": [[2 + late, 2.5 + late, "word"]]}))
    done = run(source)
    assert done.moved == 1 and done.clips[0].delay == pytest.approx(late, abs=0.03)
    clip = load_clip(done.folder, done.clips[0])
    assert in_step(clip) > 0.8 and clip.timings.words[0].start == pytest.approx(2, abs=0.03)


def test_a_late_beginning_of_the_sound_in_the_file_is_no_delay(source):
    """The time stamps say it: nothing has to be guessed."""
    frames, sound = talk(2)
    write(source / "a.mkv", frames[5:], sound[: 2 * RATE], times=[40 * (n + 5) for n in range(len(frames) - 5)])
    clip = load_clip(source.parent / "out", run(source).clips[0])
    assert clip.facts.delay == 0 and in_step(clip) > 0.8


def test_sound_that_drifts_is_stretched_into_step(source):
    frames, sound = talk(24)
    drifting = np.interp(np.arange(24 * RATE) / (1.01 * RATE), np.arange(24 * RATE) / RATE, sound)
    write(source / "a.mkv", frames, drifting)
    done = run(source, limits=replace(LIMITS, longest=30.0))
    assert done.clips[0].drift == pytest.approx(0.01, abs=0.002)
    assert in_step(load_clip(done.folder, done.clips[0])) > 0.75


def test_foreign_sound_is_left_out(source):
    write(source / "good.mkv", *talk(9))
    write(source / "foreign.mkv", talk(12, 1)[0], talk(12, 2)[1])
    done = run(source)
    assert [clip.source for clip in done.clips] == ["good.mkv"] and done.rejected == {"the lips do not follow the sound": 1}


def test_one_of_many_short_recordings_with_foreign_sound_is_found_by_the_rest(source):
    for n in range(5):
        write(source / f"s1_good{n}.mkv", *talk(2.5, n))
    write(source / "s1_wrong.mkv", talk(2.5, 7)[0], talk(2.5, 8)[1])
    done = run(source, layout="grid")
    assert len(done.clips) == 5 and {clip.speaker for clip in done.clips} == {"s1"}
    assert "the lips do not follow the sound" in done.rejected


def test_broken_files_and_foreign_names_are_told_and_skipped(source):
    write(source / "s1_good.mkv", *talk(2))
    write(source / "holiday.mkv", *talk(2))
    (source / "s1_broken.mp4").write_bytes(b"not a video")
    (source / "s2_half.mp4").write_bytes(write(source / "s2_whole.mp4", *talk(2)).read_bytes()[:900])
    (source / "s1_timed.json").write_text('{"words": [[2, 1, "a"]]}')
    write(source / "s1_timed.mkv", *talk(2))
    done = run(source, layout="grid")
    assert [clip.source for clip in done.clips] == ["s1_good.mkv", "s2_whole.mp4"]
    assert done.rejected == {"broken file": 3, "the name does not fit the layout grid": 1}
    report = json.loads((done.folder / "report.json").read_text())
    assert report["clips"] == 2 and any("s1_broken.mp4" in line for line in report["details"])


def test_an_interrupted_call_goes_on_and_other_settings_begin_anew(source, tracker):
    for n in range(3):
        write(source / f"{n}.mkv", *talk(2, n))

    def stop(stage, done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(source, on_progress=stop)
    assert tracker.looked == 100
    first = run(source)
    assert tracker.looked == 150 and run(source).clips == first.clips and tracker.looked == 150
    run(source, size=32)
    assert tracker.looked == 300


def test_a_damaged_clip_is_told(source):
    write(source / "a.mkv", *talk(2))
    done = run(source)
    (done.folder / "clips" / "a_mkv_000.npz").write_bytes(b"no")
    with pytest.raises(VideoError, match="prepare it again"):
        load_clip(done.folder, done.clips[0])


def test_the_command_prepares(source, monkeypatch, capsys):
    monkeypatch.setitem(prepare.prepare_videos.__kwdefaults__, "limits", LIMITS)
    write(source / "s1_a.mkv", *talk(2))
    arguments = ["prepare", "videos", str(source), "--out", str(source.parent / "out"), "--layout", "grid", "--size", "64"]
    assert main(arguments) == 0
    assert "1 clips, 0.00 hours" in capsys.readouterr().out
    assert main([*arguments[:-1], "65"]) == 2 and "even" in capsys.readouterr().err


def test_where_there_is_nothing_to_prepare(source):
    source.mkdir()
    with pytest.raises(OptionError, match="no videos"):
        run(source)
    with pytest.raises(OptionError, match="even"):
        run(source, size=63)

"""What all preparations share: processes that die, splits by speaker, names of data sets."""

import json
import os
from pathlib import PurePosixPath

import pytest

from float_core.cli import prepare as command
from float_core.config import EMOTIONS
from float_core.errors import OptionError
from float_core.training.name_layouts import LAYOUTS, NameLabel, label
from float_core.training.preparation import Rejected, counted_reasons, read_json, split_speakers, work_through, write_json


def square_or_die(number: int) -> int:
    if number == 3:
        os._exit(1)
    return number * number


def test_an_item_that_kills_its_process_does_not_end_the_rest():
    found = list(work_through(square_or_die, range(8), 2, lambda number: -number))
    assert sorted(found) == [-3, 0, 1, 4, 16, 25, 36, 49]


def test_one_worker_works_here_and_as_results_are_asked_for():
    asked = []
    results = work_through(lambda n: asked.append(n) or n, [1, 2, 3], 1, lambda n: -n)
    assert next(results) == 1 and asked == [1]


def test_speakers_stay_in_their_splits_when_others_join():
    few, many = (split_speakers(map(str, range(count))) for count in (200, 2000))
    moved = [name for name, split in few.items() if many[name] != split]
    shares = {split: sum(value == split for value in many.values()) / 2000 for split in ("train", "valid", "test")}
    assert not moved
    assert shares["train"] == pytest.approx(0.8, abs=0.03) and shares["valid"] == pytest.approx(0.1, abs=0.03)


def test_three_speakers_fill_every_split_and_one_is_for_training():
    for names in (["a", "b", "c"], ["x1", "x2", "x3", "x4"], [str(n) for n in range(7)]):
        assert set(split_speakers(names).values()) == {"train", "valid", "test"}
    assert len(split_speakers(["ann", "ann"])) == 1


@pytest.mark.parametrize(
    ("layout", "path", "expected"),
    [
        ("hdtf", "WDA_BarackObama_000.mp4", NameLabel("WDA_BarackObama", "", "WDA_BarackObama_000.mp4")),
        ("hdtf", "RD_Radio1_011.mp4", NameLabel("RD_Radio1", "", "RD_Radio1_011.mp4")),
        ("ravdess", "Actor_12/01-01-05-02-01-02-12.mp4", NameLabel("12", "angry", "12")),
        ("ravdess", "01-01-02-01-01-01-01.mp4", NameLabel("01", "neutral", "01")),
        ("vfhq", "Clip+_-3V4z1Yv3Y+P0+C1+F1234-1345", NameLabel("_-3V4z1Yv3Y+P0", "", "Clip+_-3V4z1Yv3Y+P0+C1+F1234-1345")),
        ("vfhq", "a/Clip+x.y+P2+C1+F1-2.mp4", NameLabel("x.y+P2", "", "a/Clip+x.y+P2+C1+F1-2.mp4")),
        ("crema-d", "1001_IEO_SAD_HI.flv", NameLabel("1001", "sad", "1001")),
        ("grid", "s10_bbaf2n.mp4", NameLabel("s10", "neutral", "s10")),
        ("grid", "s10/video/bbaf2n.mpg", NameLabel("s10", "neutral", "s10")),
        ("librispeech", "103-1240-0000.opus", NameLabel("103", "", "103-1240-0000.opus")),
        ("emodb", "03a01Wa.opus", NameLabel("03", "angry", "03")),
        ("emodb", "16b10Lb.wav", NameLabel("16", "", "16")),
        ("folder", "ann/happy/one.mp4", NameLabel("ann", "happy", "ann/happy/one.mp4")),
        ("folder", "sad/Ben/two.mp4", NameLabel("Ben", "sad", "sad/Ben/two.mp4")),
        ("folder", "three_surprised.mp4", NameLabel("three_surprised", "surprise", "three_surprised.mp4")),
        ("folder", "four.mp4", NameLabel("four", "", "four.mp4")),
    ],
)
def test_names_say_who_speaks_and_how(layout, path, expected):
    assert label(layout, PurePosixPath(path)) == expected
    assert expected.emotion in ("", *EMOTIONS)


@pytest.mark.parametrize(
    ("layout", "path", "reason"),
    [
        ("ravdess", "02-01-05-02-01-02-12.mp4", "a copy without sound"),
        ("ravdess", "01-02-05-02-01-02-12.mp4", "a song"),
        *((layout, "holiday.mp4", "does not fit") for layout in LAYOUTS if layout not in ("folder", "hdtf")),
    ],
)
def test_names_that_do_not_belong_are_told(layout, path, reason):
    with pytest.raises(Rejected, match=reason):
        label(layout, PurePosixPath(path))


def test_the_command_names_layouts_that_there_are():
    assert set(command.VIDEO_LAYOUTS) | set(command.SPEECH_LAYOUTS) == set(LAYOUTS)
    with pytest.raises(OptionError, match="expected one of"):
        label("mead", PurePosixPath("a.mp4"))


def test_damaged_notes_are_made_again(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    assert read_json(tmp_path / "a.json") == {"a": 1} and read_json(tmp_path / "b.json") is None
    (tmp_path / "a.json").write_text("{")
    assert read_json(tmp_path / "a.json") is None
    assert counted_reasons(["broken: a", "small", "broken: b"]) == {"broken": 2, "small": 1}


def test_what_is_no_number_is_null(tmp_path):
    data = {"r": float("nan"), "all": (1.0, [float("inf")]), "name": "NaN", "count": 3}
    write_json(tmp_path / "a.json", data)
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {"r": None, "all": [1.0, [None]], "name": "NaN", "count": 3}

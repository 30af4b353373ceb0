"""Photographs become portraits: rejects with reasons, broken files skipped, an interrupted call goes on. The detector here knows the
answer."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from float_core.cli.main import main
from float_core.errors import OptionError
from float_core.synthetic.portraits import load_portrait, open_portraits
from float_core.training import mediapipe_landmarks
from float_core.training import prepare_portraits as prepare
from float_core.training.mediapipe_landmarks import FoundFaces, mediapipe_layout
from tests.unit.synthetic.conftest import make_mesh


class KnownFaces:
    """Finds what the first pixel of an image says: its red is the number of faces, green the yaw, blue whether a hand is there."""

    asked = 0

    def __init__(self):
        self.layout, self.head = make_mesh()

    def find(self, pixels):
        type(self).asked += 1
        count, yaw, hand = (int(v) for v in pixels[0, 0])
        height, width = pixels.shape[:2]
        angle = np.radians(yaw)
        turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
        face = self.head @ turn.T * (0.22 * height) + [width / 2, height / 2, 0]
        hands = np.array([[width / 2, height / 2]]) if hand else np.zeros((0, 2))
        return FoundFaces(tuple([face] * count), np.ones((height, width), np.float32), hands)


@pytest.fixture
def detector(monkeypatch):
    KnownFaces.asked = 0
    monkeypatch.setattr(prepare, "MediaPipeLandmarker", KnownFaces)
    monkeypatch.setattr(prepare, "_detector", [])
    return KnownFaces


def _photograph(path, faces=1, yaw=0, hand=0, size=320):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 255, (size, size, 3), dtype=np.uint8)
    pixels[0, 0] = faces, yaw, hand
    Image.fromarray(pixels).save(path)


@pytest.fixture
def photographs(tmp_path):
    source = tmp_path / "source"
    _photograph(source / "good.png")
    _photograph(source / "ann" / "one.png", yaw=5)
    _photograph(source / "ann" / "two.png", yaw=10)
    _photograph(source / "none.png", faces=0)
    _photograph(source / "many.png", faces=2)
    _photograph(source / "turned.png", yaw=50)
    _photograph(source / "hand.png", hand=1)
    _photograph(source / "small.png", size=100)
    (source / "broken.jpg").write_bytes(b"not an image")
    (source / "notes.txt").write_text("not a photograph")
    return source


def test_good_ones_are_kept_and_the_rest_is_counted(photographs, tmp_path, detector):
    done = prepare.prepare_portraits(photographs, tmp_path / "out", size=128)
    assert done.kept == 3 and done.people == 2
    assert done.rejected == {
        "broken file": 1, "no face": 1, "several faces": 1, "turned too far": 1, "a hand before the face": 1, "face too small": 1,
    }  # fmt: skip
    layout, names = open_portraits(tmp_path / "out")
    assert names == ["ann__one_png", "ann__two_png", "good_png"] and layout == detector().layout
    portrait = load_portrait(tmp_path / "out", "ann__one_png")
    assert portrait.image.shape == (128, 128, 3) and portrait.identity == "ann"
    assert np.abs(portrait.points[list(layout.oval), :2]).max() == pytest.approx(1 / 1.6, abs=0.03)
    assert json.loads((tmp_path / "out" / "report.json").read_text())["kept"] == 3
    assert (tmp_path / "out" / "sheet.jpg").exists()


def test_an_interrupted_call_goes_on(photographs, tmp_path, detector):
    def stop(stage, done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare.prepare_portraits(photographs, tmp_path / "out", size=64, on_progress=stop)
    assert detector.asked < 8
    prepare.prepare_portraits(photographs, tmp_path / "out", size=64)
    assert detector.asked == 8  # every readable photograph once
    prepare.prepare_portraits(photographs, tmp_path / "out", size=64)
    assert detector.asked == 8


def test_what_holds_nothing_is_refused(tmp_path, detector):
    with pytest.raises(OptionError, match="no images"):
        prepare.prepare_portraits(tmp_path, tmp_path / "out")
    _photograph(tmp_path / "source" / "none.png", faces=0)
    with pytest.raises(OptionError, match="no face"):
        prepare.prepare_portraits(tmp_path / "source", tmp_path / "out")


def test_the_command_prepares_and_the_next_one_draws(photographs, tmp_path, detector, capsys):
    assert main(["prepare", "portraits", str(photographs), "--out", str(tmp_path / "out"), "--size", "96"]) == 0
    assert "3 portraits of 2 people" in capsys.readouterr().out
    arguments = ["synthesize", "--out", str(tmp_path / "data"), "--heads", "0", "--voices", "0", "--size", "32", "--frames", "2"]
    assert main([*arguments, "--portraits", str(tmp_path / "out")]) == 0
    assert list((tmp_path / "data" / "faces").glob("faces_photo_*.npy"))


def test_without_a_detector_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mediapipe", None)
    with pytest.raises(OptionError, match="pip install mediapipe"):
        mediapipe_landmarks.MediaPipeLandmarker()


def test_triangles_of_a_tessellation_are_its_triples():
    layout = mediapipe_layout([(0, 1), (1, 2), (2, 0), (2, 3), (3, 1), (3, 4)])
    assert layout.triangles == ((0, 1, 2), (1, 2, 3))
    assert len(layout.left_eye.upper) == len(layout.left_eye.fold) == 9


@pytest.mark.parametrize("count", [1, 47, 48, 49, 80, 95, 96, 1000])
def test_the_sheet_shows_portraits_from_first_to_last(count):
    names = [f"{n:04}" for n in range(count)]
    shown = prepare.spread(names, 48)
    steps = np.diff([int(name) for name in shown])
    assert len(shown) == len(set(shown)) == min(count, 48)
    assert shown[0] == names[0] and count - int(shown[-1]) <= -(-count // 48)
    assert count == 1 or steps.max() - steps.min() <= 1

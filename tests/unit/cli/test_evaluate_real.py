"""`evaluate --real`: a small folder of prepared clips, the bundled model, and one JSON and one table of all measures."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from float_core.cli import evaluate, real_cases
from float_core.cli.main import main
from float_core.errors import OptionError
from float_core.evaluation.spoken_clip import FaceTracks
from float_core.synthetic.portraits import save_index, save_portrait
from float_core.training import cut_clips
from float_core.training.cut_clips import VideoLimits
from float_core.training.prepare_videos import prepare_videos
from float_core.training.video_clips import ClipFacts
from tests.unit.synthetic.conftest import make_mesh, make_portrait
from tests.unit.training.drawn_talker import CodeTracker, Look, draw, speech, write


def brightness(frames: np.ndarray) -> FaceTracks:
    """A tracker for which the brightness in the middle is how far lips are open, and that of the rest does all else."""
    assert frames.dtype == np.uint8 and frames.shape[1:] == (256, 256, 3)
    lips, rest = frames[:, 115:141, 115:141].mean((1, 2, 3)) / 255, frames.mean((1, 2, 3)) / 255
    return FaceTracks.of_rows([np.array([gap, other, other, 0, 0, 0]) for gap, other in zip(lips, rest, strict=True)])


def talk_in_the_middle(number: int) -> tuple[list[np.ndarray], np.ndarray]:
    """As `talk`, 1.2 s, with a spot that is as bright as the lips are open."""
    lips, sound = speech(1.2, number)
    frames = [draw(Look(gap=int(gap), background=100)) for gap in lips]
    for gap, frame in zip(lips, frames, strict=True):
        frame[72:120, 72:120] = 10 * gap
    return frames, sound


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Three prepared clips of two speakers, one of them with words."""
    source = tmp_path_factory.mktemp("source")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("float_core.training.prepare_videos.MediaPipeTracker", CodeTracker)
        patch.setattr(cut_clips, "MediaPipeTracker", CodeTracker)
        patch.setattr(cut_clips, "_tracker", [])
        for number, name in enumerate(("ann/happy", "ann/one", "bob/two")):
            write(source / f"{name}.mp4", *talk_in_the_middle(number))
        (source / "ann" / "happy.json").write_text(json.dumps({"words": [[0.3, 0.6, "bin"], [0.6, 0.9, "blue"]]}))
        prepare_videos(source, source.parent / "clips", size=64, limits=VideoLimits(face_pixels=40))
    return source.parent / "clips"


@pytest.fixture(scope="module")
def result(clips, tmp_path_factory):
    """The files of one run."""
    out = tmp_path_factory.mktemp("run") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(real_cases.TRACKERS, "mediapipe", lambda device: brightness)
        options = ["--tracker", "mediapipe", "--split", "all", "--clips", "2", "--steps", "2", "--seeds", "2", "--device", "cpu"]
        assert main(["evaluate", "--real", str(clips), *options, "--out", str(out)]) == 0
    return out


def test_one_json_holds_every_figure(result):
    data = json.loads((result / "evaluation.json").read_text())
    real = data["real"]
    assert data["model"]["name"] == "mini" and "synthetic" not in data
    assert [(clip["speaker"], clip["seconds"]) for clip in real["clips"]] == [("ann", 1.2), ("bob", 1.2)]
    rows = real["measures"]
    assert list(rows) == ["real video", "model", "wrong voice"]
    truth, model = rows["real video"], rows["model"]
    assert truth["lip r"]["mean"] > 0.98 and truth["PSNR (dB)"]["mean"] > 30 and truth["lip lag (ms)"]["mean"] == pytest.approx(0, abs=10)
    assert truth["lip opening spread (of the true)"]["mean"] == pytest.approx(1, abs=0.1) and truth["lip dynamics"]["mean"] > 0.7
    assert model["lip r"]["mean"] < 0.9 and model["lip r"]["clips"] == 2 and model["lip r"]["low"] <= model["lip r"]["mean"]
    assert 0 < model["own-motion PSNR (dB)"]["mean"] < 60 and model["audio gain"]["mean"] > 0 and model["diversity over seeds"]["mean"] > 0
    assert model["frames a second"]["mean"] > 0 and model["blinks per minute"]["mean"] == 0
    assert model["head yaw spread (degrees)"]["mean"] == 0
    assert real["clips"][0]["rows"]["model"]["lips closed at p b m (share)"] in (0, 0.5, 1)
    assert real["clips"][1]["rows"]["model"]["lips closed at p b m (share)"] is None  # nobody knows what is said
    assert set(real["no weights"]) == {"FID", "FVD", "CSIM", "E-FID", "P-FID", "LSE-D", "LSE-C"}
    distances = {row: found["expression distance of tracks"] for row, found in real["over all clips"].items()}
    assert distances["real video"] < 0.1 < distances["model"]
    assert real["settings"]["sampling"]["steps"] == 2 and real["settings"]["codec"] == 18


def test_a_table_like_the_papers_says_where_weights_are_missing(result):
    lines = (result / "evaluation.md").read_text().splitlines()
    assert lines[0] == "|  | FID | FVD | CSIM | E-FID | P-FID | LSE-D | LSE-C |"
    assert lines[2] == "| FLOAT (paper) | 21.10/31.68 | 162.1/166.4 | .843/.810 | 1.229/1.367 | .032/.031 | 7.290/6.994 | 8.222/5.730 |"
    assert "| model |" + 7 * " no weights |" in lines
    text = "\n".join(lines)
    assert "not comparable across tables" in text and "pytorch-fid" in text and "2 clips of 2 speakers, 2 s" in text
    (row,) = [line for line in lines if line.startswith("| lip r |")]
    assert row.count("[") == 3
    assert all(line.count("|") == 5 for line in lines[lines.index("2 clips of 2 speakers, 2 s; mean and 95 % interval over clips") + 2 :])


def test_weights_that_are_named_become_measures(monkeypatch, tmp_path):
    for place in ("fid.inception_features", "fvd.i3d_features", "csim.facenet_descriptor"):
        monkeypatch.setattr(f"float_core.evaluation.{place}", lambda device: None)
    monkeypatch.setattr("float_core.evaluation.lip_sync_error.syncnet_features", lambda file, device: None)
    (tmp_path / "syncnet.model").write_bytes(b"")
    made = evaluate._metrics(["csim", f"lse={tmp_path / 'syncnet.model'}", "fid", "fvd"], torch.device("cpu"))
    assert [make().names for make in made] == [("CSIM",), ("LSE-D", "LSE-C"), ("FID",), ("FVD",)]


def facts(name: str, speaker: str, split: str = "test", sound: str = "voice") -> ClipFacts:
    return ClipFacts(name, name, 0.0, 30, speaker, "", split, sound)


def test_clips_are_spread_over_speakers(monkeypatch, tmp_path):
    clips = [facts("a1", "a"), facts("a2", "a"), facts("b1", "b"), facts("c1", "c", "valid"), facts("b2", "b", sound="silent")]
    monkeypatch.setattr("float_core.training.video_clips.open_clips", lambda folder: (None, clips))
    assert [clip.name for clip in real_cases.chosen_clips(tmp_path, "test", 2)] == ["a1", "b1"]
    assert [clip.name for clip in real_cases.chosen_clips(tmp_path, "all", 9)] == ["a1", "b1", "c1", "a2"]
    with pytest.raises(OptionError, match="There are 0 in train, 1 in valid, 3 in test"):
        real_cases.chosen_clips(tmp_path, "valid", 9)


@pytest.fixture
def portraits(tmp_path):
    layout, head = make_mesh()
    for seed, name in enumerate("ab"):
        save_portrait(make_portrait(head, name, seed), tmp_path)
    save_index(tmp_path, layout, {"a": "a", "b": "b"}, 192)
    return tmp_path


def test_the_wrong_voice_is_another_speakers_and_portraits_take_turns(clips, portraits):
    chosen = real_cases.chosen_clips(clips, "all", 3)
    assert [clip.speaker for clip in chosen] == ["ann", "bob", "ann"]
    cases = list(real_cases.read_cases(clips, chosen, portraits=portraits, voices=None))
    voices = [case.clip.waveform for case in cases]
    assert all(np.array_equal(case.wrong_voice, voices[other]) for case, other in zip(cases, (1, 2, 1), strict=True))
    assert not np.array_equal(cases[0].portrait, cases[1].portrait) and cases[0].clip.closures == pytest.approx((0.3, 0.6))
    assert cases[0].clip.emotion == "happy"
    other = next(real_cases.read_cases(clips, chosen, portraits=None, voices=clips))
    assert other.portrait is None and np.array_equal(other.wrong_voice, voices[1])

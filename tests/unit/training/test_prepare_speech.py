"""Recordings become speech with times: from files beside them or by alignment; the aligner here cuts the recording into equal parts."""

import json
import wave

import numpy as np
import pytest

from float_core.cli.main import main
from float_core.errors import AudioError, OptionError
from float_core.synthetic.espeak import Phoneme
from float_core.training import prepare_speech as prepare
from float_core.training.prepare_speech import load_speech, prepare_speech, with_pauses
from float_core.training.speech_timings import SpeechTimings


class EvenAligner:
    def align(self, waveform, text):
        words = text.split()
        edges = np.linspace(0.1, len(waveform) / 16000 - 0.1, len(words) + 1)
        parts = [Phoneme(word, a, b) for word, a, b in zip(words, edges, edges[1:], strict=False)]
        return SpeechTimings(text, tuple(parts), tuple(Phoneme("b", p.start, p.end) for p in parts))


@pytest.fixture(autouse=True)
def aligner(monkeypatch):
    monkeypatch.setattr(prepare, "PocketSphinxAligner", EvenAligner)
    monkeypatch.setattr(prepare, "_aligner", [])


def record(path, seconds=2.0, rate=22050, level=0.3):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = level * np.sin(np.arange(int(seconds * rate)) / 20)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture
def source(tmp_path):
    source = tmp_path / "source"
    for speaker in ("1", "2", "3"):
        record(source / f"{speaker}-10-0001.wav")
        record(source / f"{speaker}-10-0002.wav").with_suffix(".txt").write_text("one two")
    times = {f"{speaker}-10-0001": {"text": "bah", "phones": [[0.5, 0.8, "B"], [0.8, 1.5, "AA1"]]} for speaker in "123"}
    (source / "phones.json").write_text(json.dumps(times))
    return source


def test_times_come_from_beside_or_by_alignment(source, tmp_path):
    done = prepare_speech(source, tmp_path / "out", layout="librispeech")
    assert [(facts.speaker, facts.timed) for facts in done.recordings[:2]] == [("1", "beside"), ("1", "alignment")]
    assert sum(done.seconds.values()) == pytest.approx(12) and all(done.seconds.values()) and not done.rejected
    splits = {facts.speaker: {other.split for other in done.recordings if other.speaker == facts.speaker} for facts in done.recordings}
    assert all(len(found) == 1 for found in splits.values())
    waveform, said = load_speech(tmp_path / "out", done.recordings[0].name)
    assert waveform.shape == (32000,) and np.abs(waveform).max() == pytest.approx(0.3, abs=0.02)
    assert [p.name for p in said.phones] == ["", "b", "ɑ", ""] and said.phones[-1].end == 2.0 and said.text == "bah"
    assert [w.name for w in load_speech(tmp_path / "out", done.recordings[1].name)[1].words] == ["one", "two"]
    listed = json.loads((tmp_path / "out" / "speech.json").read_text())["recordings"]
    assert len(listed) == 6 and "3 by alignment" in (tmp_path / "out" / "report.txt").read_text()


def test_what_cannot_be_used_is_told_and_tried_again(source, tmp_path):
    record(source / "4-1-1.wav")
    record(source / "5-1-1.wav", 0.2)
    record(source / "6-1-1.wav", level=0.0)
    record(source / "7-1-1.wav").with_suffix(".json").write_text('{"phones": [[0, 9, "B"]]}')
    record(source / "8-1-1.wav").with_suffix(".json").write_text("{")
    (source / "9-1-1.wav").write_bytes(b"no")
    record(source / "holiday.wav")
    done = prepare_speech(source, tmp_path / "out", layout="librispeech")
    assert len(done.recordings) == 6 and done.rejected == {
        "broken file": 2, "neither times of sounds nor a transcript beside it": 1, "shorter than 0.5 s": 1, "silent": 1,
        "the times go on after its end": 1, "the name does not fit the layout librispeech": 1,
    }  # fmt: skip
    (source / "4-1-1.txt").write_text("now")
    assert len(prepare_speech(source, tmp_path / "out", layout="librispeech").recordings) == 7


def test_without_an_aligner_the_error_says_what_to_install(source, tmp_path, monkeypatch):
    from float_core.training.forced_alignment import PocketSphinxAligner

    monkeypatch.setattr(prepare, "PocketSphinxAligner", PocketSphinxAligner)
    monkeypatch.setitem(__import__("sys").modules, "pocketsphinx", None)
    with pytest.raises(OptionError, match="pip install pocketsphinx"):
        prepare_speech(source, tmp_path / "out", layout="librispeech")


def test_gaps_between_sounds_are_pauses_and_overlaps_are_cut():
    sounds = [Phoneme("a", 0.2, 0.5), Phoneme("b", 0.4, 0.9), Phoneme("c", 1.0, 1.4)]
    assert with_pauses(sounds, 1.2) == [
        Phoneme("", 0.0, 0.2), Phoneme("a", 0.2, 0.5), Phoneme("b", 0.5, 0.9), Phoneme("", 0.9, 1.0), Phoneme("c", 1.0, 1.2),
    ]  # fmt: skip


def test_nothing_to_prepare_and_damage_are_told(source, tmp_path):
    with pytest.raises(OptionError, match="no recordings"):
        prepare_speech(tmp_path / "source" / "none", tmp_path / "out")
    done = prepare_speech(source, tmp_path / "out")
    (tmp_path / "out" / f"{done.recordings[0].name}.npz").write_bytes(b"no")
    with pytest.raises(AudioError, match="prepare it again"):
        load_speech(tmp_path / "out", done.recordings[0].name)


def test_the_command_prepares(source, tmp_path, capsys):
    assert main(["prepare", "speech", str(source), "--out", str(tmp_path / "out"), "--layout", "librispeech"]) == 0
    assert "6 recordings" in capsys.readouterr().out

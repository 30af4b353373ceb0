"""The compact emotion classifier: it learns a toy set, hears long audio as it hears the whole, and comes back from a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import float_core
from float_core import AudioClip, load_model, predict_emotion, save_model
from float_core.audio.compact_emotion import CompactEmotionClassifier
from float_core.audio.waveform import stream_audio
from float_core.cli.main import main
from float_core.config import EMOTIONS, CompactEmotionConfig, EmotionConfig, ModelConfig
from float_core.errors import OptionError
from float_core.training import emotion_phase
from float_core.training.preparation import write_json
from float_core.training.video_clips import ClipFacts

ANGRY, SAD, SURPRISE = (EMOTIONS.index(name) for name in ("angry", "sad", "surprise"))


def voice(emotion: str, seed: int, seconds: float = 2.0) -> torch.Tensor:
    """Anger is high and quick, sadness low and slow."""
    pitch, rate = {"angry": (300, 5.0), "sad": (110, 1.5)}[emotion]
    generator = torch.Generator().manual_seed(seed)
    time = torch.arange(int(seconds * 16000)) / 16000
    pitch *= float(1 + 0.1 * torch.randn((), generator=generator))
    buzz = sum(torch.sin(2 * torch.pi * pitch * k * time) / k for k in range(1, 12))
    return 0.1 * buzz * (0.6 + 0.4 * torch.sin(2 * torch.pi * rate * time)) + 0.002 * torch.randn(len(time), generator=generator)


def prepared(folder: Path) -> Path:
    """Recordings of six speakers, one of them kept back."""
    folder.mkdir()
    facts = []
    for number in range(6):
        for emotion in ("angry", "sad"):
            name = f"{number}{emotion}"
            facts.append({"name": name, "source": name, "seconds": 2.0, "speaker": str(number), "emotion": emotion, "timed": "unknown",
                          "split": "test" if number == 5 else "train"})  # fmt: skip
            none = {"phonemes": np.array([], np.str_), "times": np.zeros((0, 2)), "words": np.array([], np.str_)}
            waveform = np.round(voice(emotion, number).numpy() * 32767).clip(-32767, 32767).astype(np.int16)
            np.savez(folder / f"{name}.npz", waveform=waveform, word_times=np.zeros((0, 2)), text="", **none)
    write_json(folder / "speech.json", {"sample_rate": 16000, "recordings": facts})
    return folder


def test_a_model_learns_to_hear_a_toy_set_and_keeps_it_in_its_file(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    command = ["train", "emotion", "--model", "mini", "--speech", str(prepared(tmp_path / "speech")), "--out", str(tmp_path / "out")]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "10 recordings of 5 speakers; of others, 100% are heard right" in said and "surprise" in said
    model = load_model(tmp_path / "out" / "model.safetensors")
    assert model.has("emotion") and model.config.emotion == CompactEmotionConfig()
    for emotion, place in (("angry", ANGRY), ("sad", SAD)):
        clip = AudioClip(voice(emotion, 40), 16000)
        heard = predict_emotion(model, clip).probabilities
        assert heard.shape == (1, 1, 7) and heard.argmax() == place
        assert heard[..., SURPRISE] < 1e-6, "an emotion without examples is never heard"
    both = AudioClip(torch.cat([voice("angry", 41), voice("sad", 41)]), 16000)
    changing = predict_emotion(model, both, window_seconds=1.0).probabilities
    assert changing.shape == (1, 100, 7) and changing[0, 10].argmax() == ANGRY and changing[0, 90].argmax() == SAD
    again = load_model(save_model(model, tmp_path / "again.safetensors", license="CC0"))
    assert torch.equal(predict_emotion(again, both).probabilities, predict_emotion(model, both).probabilities)
    half = load_model(tmp_path / "out" / "model.safetensors", dtype=torch.bfloat16)
    assert predict_emotion(half, AudioClip(voice("sad", 42), 16000)).probabilities.argmax() == SAD


def test_long_audio_is_heard_as_the_whole() -> None:
    classifier = CompactEmotionClassifier(CompactEmotionConfig()).eval()
    for samples in (16000, 16000 * 61 + 77):
        waveform = voice("angry", 1, samples / 16000)[:samples]
        whole = classifier.probabilities(waveform[None])
        streamed = classifier.stream_probabilities(stream_audio(AudioClip(waveform, 16000), 16000))
        torch.testing.assert_close(streamed, whole, atol=1e-4, rtol=1e-3)
    assert classifier.window_count(16000 * 61) > 1


@pytest.mark.parametrize("samples", [1, 200, 16000])
def test_short_and_silent_audio_gives_finite_probabilities(samples: int) -> None:
    heard = CompactEmotionClassifier(CompactEmotionConfig()).probabilities(torch.zeros(2, samples))
    assert heard.shape == (2, 1, 7) and torch.isfinite(heard).all()
    torch.testing.assert_close(heard.sum(2), torch.ones(2, 1))


def test_absent_emotions_and_weights_are_left_out_of_the_loss() -> None:
    logits = torch.tensor([[0.0, 0.0, 9.0], [2.0, 0.0, 9.0]])
    absent = torch.tensor([False, False, True])
    loss = emotion_phase.masked_cross_entropy(logits, torch.tensor([0, 0]), torch.tensor([3.0, 1.0]), absent)
    assert loss.item() == pytest.approx((3 * np.log(2) + np.log(1 + np.exp(-2))) / 4, abs=1e-6)


def test_the_kind_of_a_classifier_is_kept_and_older_files_have_one() -> None:
    for emotion in (CompactEmotionConfig(hidden=8), EmotionConfig(network="{}")):
        config = ModelConfig("one", emotion=emotion)
        assert ModelConfig.from_json(config.to_json()) == config
    older = '{"name": "old", "emotion": {"network": "{}", "classes": 7, "sample_rate": 16000}}'
    assert ModelConfig.from_json(older).emotion == EmotionConfig(network="{}")


def test_recordings_without_a_known_emotion_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "speech"
    folder.mkdir()
    write_json(folder / "speech.json", {"recordings": []})
    with pytest.raises(OptionError, match="no recordings of a known emotion"):
        emotion_phase.train_emotion([folder])


def test_clips_with_a_known_emotion_teach_too(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = [ClipFacts(f"{i}", "", 0.0, 50, f"{i % 3}", name, "test" if i % 3 == 2 else "train", "voice")
             for i, name in enumerate(("angry", "angry", "angry", "sad", "sad", "sad", ""))]  # fmt: skip
    monkeypatch.setattr(emotion_phase, "open_clips", lambda _folder: (None, facts))
    monkeypatch.setattr(
        emotion_phase, "load_clip", lambda _f, one, frames: SimpleNamespace(waveform=voice(one.emotion, int(one.name)).numpy())
    )
    _classifier, report = emotion_phase.train_emotion([], ["clips"], steps=100)
    assert (report.recordings, report.speakers, report.accuracy) == (4, 2, 1.0)


def test_a_replaced_classifier_is_the_one_that_is_heard() -> None:
    classifier = CompactEmotionClassifier(CompactEmotionConfig()).eval()
    model = replace(load_model("mini"), emotion_loader=lambda: classifier)
    assert float_core.predict_emotion(model, AudioClip(voice("sad", 3), 16000)).probabilities.shape == (1, 1, 7)

"""Encoding: shapes and types of the results, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from float_core.audio.waveform import prepare
from float_core.config import CompactAudioConfig, EmotionConfig
from float_core.errors import AudioError, CheckpointError, ImageError, OptionError
from float_core.pipeline.encode import encode_audio, encode_identity, predict_emotion
from float_core.pipeline.long_audio import audio_frames, stream_audio_features
from float_core.types import AudioClip, AudioFile, FloatModel


def test_identity(model, image):
    identity = encode_identity(model, torch.cat([image, -image]))
    assert identity.latent.shape == identity.motion.shape == (2, 12)
    assert identity.coefficients.shape == (2, 4)
    assert [tuple(skip.shape) for skip in identity.skips] == [(2, 8, 8, 8), (2, 6, 16, 16)]
    torch.testing.assert_close(identity.motion @ model.basis, identity.coefficients)
    assert all(t.dtype == torch.float32 and not t.requires_grad for t in (identity.latent, identity.motion, *identity.skips))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p[0], r"\(3, 16, 16\).*expected \(B, 3, 16, 16\)"),
        (lambda p: p[:, :, :8], r"\(1, 3, 8, 16\)"),
        (lambda p: p[:0], "not empty"),
        (lambda p: p * float("nan"), "not finite"),
        (lambda p: (p * 127).to(torch.uint8), "uint8"),
        (lambda p: p * 127.5 + 127.5, r"expected \[-1, 1\].*127.5"),
        (lambda p: p.numpy(), "ndarray"),
    ],
)
def test_bad_images(model, image, change, message):
    with pytest.raises(ImageError, match=message):
        encode_identity(model, change(image))


def test_audio_has_its_frames_whatever_the_rate(model, clip):
    features = encode_audio(model, clip)
    assert features.features.shape == (1, 25, 5) and features.features.dtype == torch.float32 and features.fps == 25.0
    assert encode_audio(model, AudioClip(clip.waveform[:8001], 8000)).features.shape == (1, 26, 5)


@pytest.mark.parametrize(
    "bad",
    [
        AudioClip(torch.zeros(0), 16000),
        AudioClip(torch.zeros(2, 100), 16000),
        AudioClip(torch.zeros(100), 0),
        AudioClip(torch.full((100,), float("inf")), 16000),
        AudioClip(torch.zeros(100, dtype=torch.int16), 16000),
        torch.zeros(100),
    ],
)
def test_bad_sounds(model, bad):
    with pytest.raises(AudioError):
        encode_audio(model, bad)


def as_file(clip: AudioClip, block: int = 9999) -> AudioFile:
    return AudioFile(Path("voice.wav"), clip.sample_rate, clip.samples, 1, lambda: iter(clip.waveform.split(block)))


def voice(seconds: float, rate: int = 16000) -> AudioClip:
    samples = int(seconds * rate)
    return AudioClip(torch.randn(samples, generator=torch.Generator().manual_seed(2)) * torch.linspace(0.05, 0.3, samples), rate)


@pytest.mark.parametrize(("seconds", "rate"), [(0.001, 16000), (1.23, 44100), (60.0, 16000), (60.0, 22050)])
def test_up_to_a_minute_the_whole_sound_is_encoded_at_once(model, seconds, rate):
    clip = voice(seconds, rate)
    with torch.no_grad():
        expected = model.audio_encoder(prepare(clip, 16000))
    assert torch.equal(encode_audio(model, clip).features, expected)
    assert torch.equal(encode_audio(model, as_file(clip)).features, expected)
    assert len(list(stream_audio_features(model, clip))) == 1


@pytest.mark.parametrize(("seconds", "rate"), [(60.001, 16000), (75.03, 22050)])
def test_longer_ones_come_in_pieces(model, seconds, rate):
    clip = voice(seconds, rate)
    pieces = list(stream_audio_features(model, clip))
    frames = math.ceil(clip.samples * 25 / rate)
    assert len(pieces) > 1 and sum(piece.shape[1] for piece in pieces) == frames == audio_frames(model, clip)
    assert all(piece.dtype == torch.float32 and not piece.requires_grad for piece in pieces)
    with torch.no_grad():
        torch.testing.assert_close(torch.cat(pieces, dim=1), model.audio_encoder(prepare(clip, 16000)), rtol=1e-4, atol=1e-4)
    assert torch.equal(encode_audio(model, clip).features, torch.cat(pieces, dim=1))
    assert torch.equal(encode_audio(model, as_file(clip)).features, torch.cat(pieces, dim=1))


def test_a_network_that_hears_windows_is_asked_to(model):
    """Above a minute it is the encoder's and the classifier's own affair."""
    heard = replace(model, audio_encoder=_Windowed(), emotion_loader=_Windowed)
    assert encode_audio(heard, voice(61.0)).features.flatten().tolist() == [61 * 16000, 2.0]
    assert predict_emotion(heard, voice(61.0)).probabilities.tolist() == [[[1.0, 0.0]]]
    over_time = predict_emotion(heard, as_file(voice(150.0)), window_seconds=90.0, overlap=0.0)
    assert over_time.probabilities.shape == (1, 3750, 2) and bool((over_time.probabilities[..., 0] == 1).all())


class _Windowed(nn.Module):
    config = CompactAudioConfig()

    def stream(self, audio):
        yield torch.full((1, 1, 1), float(audio.samples))
        yield torch.full((1, 1, 1), 2.0)

    def stream_probabilities(self, audio):
        return torch.tensor([[[1.0, 0.0]]])


def test_bad_sounds_are_refused_at_the_call(model):
    with pytest.raises(AudioError, match="not finite"):
        stream_audio_features(model, AudioClip(torch.full((10**6,), float("nan")), 16000))
    with pytest.raises(AudioError, match="Tensor; expected AudioClip"):
        stream_audio_features(model, torch.zeros(100))


class _Classifier(nn.Module):
    config = EmotionConfig(network="{}")

    def probabilities(self, waveform: torch.Tensor) -> torch.Tensor:
        assert waveform.shape == (1, 16000)
        return torch.full((1, 1, 7), 1 / 7)


def test_emotion_is_loaded_when_it_is_used(model, clip):
    loads: list[None] = []

    def load() -> nn.Module:
        loads.append(None)
        return _Classifier()

    heard = replace(model, emotion_loader=load)
    assert heard.has("emotion") and not loads
    assert predict_emotion(heard, clip).probabilities.shape == (1, 1, 7)
    assert loads == [None]


class _Loudness(nn.Module):
    """Two emotions: the mean of the samples, and the rest."""

    config = EmotionConfig(network="{}", sample_rate=1000)

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[int, float]] = []

    def probabilities(self, waveform: torch.Tensor) -> torch.Tensor:
        share = waveform.mean()
        self.heard.append((waveform.shape[1], round(float(share), 4)))
        return torch.stack([share, 1 - share])[None, None]


def listening(model) -> tuple[FloatModel, _Loudness]:
    classifier = _Loudness()
    return replace(model, emotion_loader=lambda: classifier), classifier


def test_emotion_over_time_is_heard_in_windows(model):
    heard, classifier = listening(model)
    clip = AudioClip(torch.linspace(0, 1, 2501), 1000)  # 2.501 s: what a window hears is the time of its middle / 2.5 s
    found = predict_emotion(heard, clip, window_seconds=1.0, overlap=0.5).probabilities
    assert classifier.heard == [(1000, 0.1998), (1000, 0.3998), (1000, 0.6002), (1000, 0.8002)]  # from 0, 0.5, 1.001 and 1.501 s
    assert found.shape == (1, 63, 2)  # ceil(2.501 * 25)
    times = torch.arange(63) / 25
    torch.testing.assert_close(found[0, :, 0], times.clamp(0.5, 2.001) / 2.5, rtol=0, atol=1e-3)
    torch.testing.assert_close(found.sum(-1), torch.ones(1, 63))


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.9])
def test_windows_overlap_as_told(model, overlap):
    heard, classifier = listening(model)
    predict_emotion(heard, AudioClip(torch.linspace(0, 1, 10_000), 1000), window_seconds=2.0, overlap=overlap)
    starts = [share * 10 - 1.0 for _, share in classifier.heard]
    assert starts[0] == pytest.approx(0, abs=2e-3) and starts[-1] == pytest.approx(8, abs=2e-3)
    for one, following in zip(starts[:-1], starts[1:], strict=True):
        assert following - one == pytest.approx(2 * (1 - overlap), rel=0.08)


@pytest.mark.parametrize("samples", [1, 700, 1000])
def test_a_clip_shorter_than_a_window_is_one_window(model, samples):
    heard, classifier = listening(model)
    clip = AudioClip(torch.full((samples,), 0.3), 1000)
    found = predict_emotion(heard, clip, window_seconds=1.0).probabilities
    assert len(classifier.heard) == 1 and found.shape == (1, -(-samples * 25 // 1000), 2)
    assert torch.equal(found, predict_emotion(heard, clip).probabilities.expand_as(found))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"window_seconds": 0.1}, "window_seconds"),
        ({"window_seconds": "1"}, "window_seconds"),
        ({"window_seconds": 1.0, "overlap": 1.0}, "overlap"),
    ],
)
def test_windows_that_are_refused(model, clip, arguments, says):
    with pytest.raises(OptionError, match=says):
        predict_emotion(listening(model)[0], clip, **arguments)


def test_missing_parts_are_named(model, image, clip):
    bare = replace(model, autoencoder=None, audio_encoder=None)
    with pytest.raises(CheckpointError, match="no autoencoder"):
        encode_identity(bare, image)
    with pytest.raises(CheckpointError, match="no audio encoder"):
        encode_audio(bare, clip)
    with pytest.raises(CheckpointError, match="no emotion"):
        predict_emotion(bare, clip)

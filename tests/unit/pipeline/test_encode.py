"""Encoding: shapes and types of the results, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from float_core.config import EmotionConfig
from float_core.errors import AudioError, CheckpointError, PictureError
from float_core.pipeline import encode_audio, encode_identity, predict_emotion
from float_core.types import AudioClip


def test_identity(model, picture):
    identity = encode_identity(model, torch.cat([picture, -picture]))
    assert identity.identity.shape == identity.motion.shape == (2, 12)
    assert identity.coefficients.shape == (2, 4)
    assert [tuple(skip.shape) for skip in identity.skips] == [(2, 8, 8, 8), (2, 6, 16, 16)]
    torch.testing.assert_close(identity.motion @ model.basis, identity.coefficients)
    assert all(t.dtype == torch.float32 and not t.requires_grad for t in (identity.identity, identity.motion, *identity.skips))


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
def test_bad_pictures(model, picture, change, message):
    with pytest.raises(PictureError, match=message):
        encode_identity(model, change(picture))


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


def test_missing_parts_are_named(model, picture, clip):
    bare = replace(model, autoencoder=None, audio_encoder=None)
    with pytest.raises(CheckpointError, match="no autoencoder"):
        encode_identity(bare, picture)
    with pytest.raises(CheckpointError, match="no audio encoder"):
        encode_audio(bare, clip)
    with pytest.raises(CheckpointError, match="no emotion"):
        predict_emotion(bare, clip)

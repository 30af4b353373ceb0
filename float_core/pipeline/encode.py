"""What a picture and a sound hold: identity, audio features, emotion. Networks compute in the model's dtype, results are float32."""

from __future__ import annotations

import torch
from torch import Tensor

from ..audio.waveform import prepare
from ..types import AudioClip, AudioFeatures, EmotionCondition, FloatModel, SourceIdentity
from .argument_checks import check_clip, check_pictures


@torch.no_grad()
def encode_identity(model: FloatModel, pictures: Tensor) -> SourceIdentity:
    """Identity, motion coefficients and skip features of `pictures` (B, 3, S, S) in [-1, 1]."""
    autoencoder = model.require("autoencoder")
    value = check_pictures(model, pictures).to(model.device, torch.float32)
    identity, coefficients, skips = autoencoder.encode(value)
    coefficients = coefficients.float()
    motion = coefficients @ model.basis.T  # w_{r->S} = Q lambda
    return SourceIdentity(identity.float(), coefficients, motion, tuple(skip.float() for skip in skips))


@torch.no_grad()
def encode_audio(model: FloatModel, clip: AudioClip) -> AudioFeatures:
    """Audio features w_a (1, T, Da) of a sound, T = ceil(samples * fps / rate)."""
    encoder = model.require("audio_encoder")
    waveform = prepare(check_clip(clip), encoder.config.sample_rate, model.device)
    return AudioFeatures(encoder(waveform).float(), encoder.config.fps)


@torch.no_grad()
def predict_emotion(model: FloatModel, clip: AudioClip) -> EmotionCondition:
    """How the voice sounds: probabilities of the seven emotions (1, 1, 7)."""
    check_clip(clip)
    classifier = model.require("emotion")
    waveform = prepare(clip, classifier.config.sample_rate, model.device)
    return EmotionCondition(classifier.probabilities(waveform).float())

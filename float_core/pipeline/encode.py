"""What a picture and a sound hold: identity, audio features, emotion. Networks compute in the model's dtype, results are float32."""

from __future__ import annotations

import torch
from torch import Tensor

from ..audio.waveform import frame_count, prepare
from ..types import AudioClip, AudioFeatures, EmotionCondition, FloatModel, SourceIdentity
from .argument_checks import check_clip, check_pictures
from .edit_checks import check_number

_SHORTEST_WINDOW = 0.25  # seconds; less than a syllable has no emotion


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
def predict_emotion(model: FloatModel, clip: AudioClip, *, window_seconds: float | None = None, overlap: float = 0.5) -> EmotionCondition:
    """How the voice sounds: probabilities of the seven emotions (1, 1, 7).

    With `window_seconds` over time, (1, T, 7), T = ceil(samples * fps / rate): heard in windows of that length, of which each shares
    about `overlap` (0..0.9) with the one before, and in between in straight lines from the middle of one window to that of the next."""
    check_clip(clip)
    classifier = model.require("emotion")
    rate = classifier.config.sample_rate
    waveform = prepare(clip, rate, model.device)
    if window_seconds is None:
        return EmotionCondition(classifier.probabilities(waveform).float())
    check_number("window_seconds", window_seconds, low=_SHORTEST_WINDOW, high=3600)
    check_number("overlap", overlap, low=0, high=0.9)
    length = round(window_seconds * rate)
    starts = _window_starts(waveform.shape[1], length, max(1, round(length * (1 - overlap))))
    heard = torch.cat([classifier.probabilities(waveform[:, start : start + length]).float()[:, 0] for start in starts])
    middles = [(start + min(start + length, waveform.shape[1])) / (2 * rate) for start in starts]
    frames = frame_count(waveform.shape[1], rate, model.config.fps)
    return EmotionCondition(_between(heard, middles, [i / model.config.fps for i in range(frames)])[None])


def _window_starts(samples: int, length: int, hop: int) -> list[int]:
    """In samples, evenly spread, so that the first window begins and the last one ends with the sound; about `hop` apart."""
    rest = samples - length
    if rest <= 0:
        return [0]
    steps = max(1, round(rest / hop))
    return [round(i * rest / steps) for i in range(steps + 1)]


def _between(rows: Tensor, times: list[float], wanted: list[float]) -> Tensor:
    """Rows (n, 7) at rising times, in straight lines to the wanted times (T, 7), held at both ends."""
    if len(rows) == 1:
        return rows.expand(len(wanted), -1)
    known, positions = (torch.tensor(values, dtype=torch.float64) for values in (times, wanted))
    after = torch.searchsorted(known, positions).clamp(1, len(times) - 1)
    share = ((positions - known[after - 1]) / (known[after] - known[after - 1])).clamp(0, 1).to(rows.device, rows.dtype)
    after = after.to(rows.device)
    return torch.lerp(rows[after - 1], rows[after], share[:, None])

"""Log-mel bands of audio at a fixed level, such that silence is exactly zero.

All of it is float32, whatever dtype the network that reads them is in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ..chunks import rechunk
from .waveform import AudioStream

WINDOW_SECONDS = 0.025
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 7600.0
_TARGET_LEVEL = 0.1  # RMS of speech after levelling
_QUIETEST = 0.01  # audio below this level is lifted no further: a noise floor must not become a voice
_POWER_FLOOR = 1e-6  # power of white noise at -60 dB of full scale; what lies below reads as silence
_SCALE = 5.0  # brings voiced speech to about 1 to 2.5
_FRAMES_AT_ONCE = 4096  # bounds the memory for long audio
_STEPS_AT_ONCE = 400  # of a hop each, 4 seconds


def log_mel(waveform: Tensor, frames: int, *, sample_rate: int, hop: int, bands: int) -> Tensor:
    """Audio (B, samples) to (B, frames, bands): frame j looks at 25 ms around sample j * hop; 0 = silence.

    Beyond both ends is silence. Differentiable."""
    return mel_bands(level(waveform.float(), hop), frames, sample_rate=sample_rate, hop=hop, bands=bands)


def mel_bands(levelled: Tensor, frames: int, *, sample_rate: int, hop: int, bands: int) -> Tensor:
    """As `log_mel`, for audio, or a part of it, that has its level already."""
    window, filters = _constants(sample_rate, bands, levelled.device)
    half = window.numel() // 2
    needed = (frames - 1) * hop + window.numel()
    padded = F.pad(levelled, (half, max(0, needed - half - levelled.shape[-1])))
    slices = padded.unfold(-1, window.numel(), hop)[:, :frames]  # [B, frames, window]
    powers = [_power(part, window) @ filters for part in slices.split(_FRAMES_AT_ONCE, dim=1)]
    return torch.log1p(torch.cat(powers, dim=1) / _POWER_FLOOR) / _SCALE


def level(waveform: Tensor, hop: int) -> Tensor:
    """(B, samples) without its mean and at a common speech level, one gain for all of it.

    The level is sum(a^2) / sum(a) over the frames' amplitudes a: pauses do not count, and a single click counts little."""
    centered = waveform - waveform.mean(dim=-1, keepdim=True)
    padded = F.pad(centered, (0, -centered.shape[-1] % hop))
    power = padded.unflatten(-1, (-1, hop)).square().mean(dim=-1)
    loudness = power.sum(dim=-1, keepdim=True) / torch.sqrt(power + 1e-10).sum(dim=-1, keepdim=True)
    return centered * (_TARGET_LEVEL / loudness.clamp(min=_QUIETEST))


@dataclass(frozen=True)
class AudioLevel:
    """What `level` does to all of the audio: (x - mean) * gain."""

    mean: float
    gain: float

    def apply(self, samples: Tensor) -> Tensor:
        """Any part of that audio, levelled."""
        return (samples - self.mean) * self.gain


def measure_level(audio: AudioStream, hop: int) -> AudioLevel:
    """The level of all of the audio, in float64 and two passes: amplitudes are those without the mean."""
    mean = sum(float(block.double().sum()) for block in audio.read()) / audio.samples
    powers = amplitudes = 0.0
    for part in rechunk((block.double() - mean for block in audio.read()), hop * _STEPS_AT_ONCE):
        power = F.pad(part, (0, -len(part) % hop)).view(-1, hop).square().mean(dim=1)
        powers += float(power.sum())
        amplitudes += float(torch.sqrt(power + 1e-10).sum())
    return AudioLevel(mean, _TARGET_LEVEL / max(powers / amplitudes, _QUIETEST))


def _power(slices: Tensor, window: Tensor) -> Tensor:
    """Power spectrum [B, frames, bins]; white noise of variance v reads v in every bin."""
    spectrum = torch.fft.rfft(slices * window, n=_fft_size(window.numel()))
    return (spectrum.real.square() + spectrum.imag.square()) / window.square().sum()


def _fft_size(window: int) -> int:
    return 1 << (2 * window - 1).bit_length()  # twice the window: fine enough that the lowest bands are not empty


@lru_cache(maxsize=8)
def _constants(sample_rate: int, bands: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Hann window (n,) and triangular mel filters (bins, bands), each filter summing to 1. Not buffers, so that a module in
    half precision, or one built without memory, still has them whole."""
    with torch.inference_mode(False), torch.no_grad():
        size = 2 * round(WINDOW_SECONDS * sample_rate / 2)
        window = torch.hann_window(size, dtype=torch.float64, device="cpu")
        filters = mel_filters(sample_rate, bands, _fft_size(size))
        return window.float().to(device), filters.float().to(device)


def mel_filters(sample_rate: int, bands: int, fft_size: int) -> Tensor:
    """Triangles evenly spaced in mel = 2595 log10(1 + f / 700), float64 (fft_size / 2 + 1, bands)."""
    low, high = (2595 * math.log10(1 + hz / 700) for hz in (_LOWEST_HZ, min(_HIGHEST_HZ, 0.475 * sample_rate)))
    mels = torch.linspace(low, high, bands + 2, dtype=torch.float64, device="cpu")
    edges = 700 * (10 ** (mels / 2595) - 1)
    bins = torch.arange(fft_size // 2 + 1, dtype=torch.float64, device="cpu")[:, None] * (sample_rate / fft_size)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    triangles = torch.minimum(rising, falling).clamp(min=0)
    return triangles / triangles.sum(dim=0, keepdim=True)

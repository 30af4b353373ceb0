"""Other voices, rooms, microphones and lines for a recording, so that an audio encoder hears all of them. Nothing moves in time.

torchaudio is part of the extra `train`, imported on first use.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ..errors import OptionError

_SHIFTS = 40  # pitch moves in steps of 1/40, so that resampling filters stay short
_FFT, _HOP = 512, 128  # of the phase vocoder, 32 ms and 8 ms at 16 kHz
_SNR = (5.0, 30.0)  # dB
_REVERBERATION = (0.08, 0.6)  # seconds in which a room's echo falls by 60 dB
_RATE = 16000


def disturb_waveform(waveform: Tensor, generator: torch.Generator) -> Tensor:
    """(samples,) at 16 kHz to the same length: each effect is drawn for itself, and one recording in eight stays as it is.

    Order as in the world: the voice, the room with its noise, the microphone, the line."""
    if _chance(0.125, generator):
        return waveform
    if _chance(0.5, generator):
        waveform = shift_voice(waveform, 1 + round(_between(-8, 8, generator)) / _SHIFTS)
    return disturb_place(waveform, generator)


def disturb_place(waveform: Tensor, generator: torch.Generator) -> Tensor:
    """The same voice through another room, microphone and line."""
    if _chance(0.4, generator):
        waveform = add_room(waveform, _between(*_REVERBERATION, generator), _between(-3, 12, generator), generator)
    if _chance(0.6, generator):
        waveform = add_noise(waveform, _between(*_SNR, generator), _between(0, 2, generator), generator)
    if _chance(0.7, generator):
        waveform = equalize(waveform, generator)
    if _chance(0.3, generator):
        waveform = narrow_line(waveform, _between(60, 300, generator), _between(3000, 7000, generator))
    if _chance(0.2, generator):
        waveform = telephone(waveform)
    return change_gain(waveform, _between(-12, 12, generator))


def shift_voice(waveform: Tensor, factor: float) -> Tensor:
    """Pitch and formants times `factor`: played faster, then stretched back to its time by a phase vocoder."""
    audio = _torchaudio()
    if factor == 1:
        return waveform
    faster = audio.functional.resample(waveform, round(_RATE * factor), _RATE)
    window = torch.hann_window(_FFT)
    spectrum = torch.stft(faster, _FFT, _HOP, window=window, return_complex=True)
    advance = torch.linspace(0, math.pi * _HOP, _FFT // 2 + 1)[:, None]
    stretched = audio.functional.phase_vocoder(spectrum, 1 / factor, advance)
    return _as_long(torch.istft(stretched, _FFT, _HOP, window=window, length=len(waveform)), waveform)


def add_room(waveform: Tensor, seconds: float, direct: float, generator: torch.Generator) -> Tensor:
    """The echo of a room that falls by 60 dB in `seconds`; the voice itself, `direct` dB louder than all of the echo, stays where it is."""
    time = torch.arange(int(seconds * _RATE)) / _RATE
    tail = torch.randn(len(time), generator=generator) * torch.exp(-math.log(1000) / seconds * time)
    tail[: _RATE // 500] = 0  # nothing comes back in 2 ms
    tail *= 10 ** (-direct / 20) / tail.norm().clamp(min=1e-6)
    tail[0] = 1.0
    return _as_long(_torchaudio().functional.fftconvolve(waveform, tail), waveform)


def add_noise(waveform: Tensor, snr: float, slope: float, generator: torch.Generator) -> Tensor:
    """Noise that is `snr` dB below the voice, with a power that falls as frequency ** -slope, and that swells and fades."""
    spectrum = torch.fft.rfft(torch.randn(len(waveform), generator=generator))
    hertz = torch.fft.rfftfreq(len(waveform), 1 / _RATE).clamp(min=50)
    noise = torch.fft.irfft(spectrum * hertz ** (-slope / 2), n=len(waveform))
    knots = 1 + 0.4 * torch.randn(max(2, len(waveform) // (_RATE // 2)), generator=generator)
    swell = torch.nn.functional.interpolate(knots[None, None], len(waveform), mode="linear", align_corners=True)[0, 0]
    noisy: Tensor = _torchaudio().functional.add_noise(waveform, noise * swell.clamp(min=0.1), torch.tensor(snr))
    return noisy


def equalize(waveform: Tensor, generator: torch.Generator) -> Tensor:
    """Three resonances or holes of up to 10 dB, as microphones and loudspeakers have."""
    audio = _torchaudio()
    for _ in range(3):
        center, gain, q = 80 * 80 ** _between(0, 1, generator), _between(-10, 10, generator), _between(0.4, 2, generator)
        waveform = audio.functional.equalizer_biquad(waveform, _RATE, center, gain, q)
    return waveform


def narrow_line(waveform: Tensor, lowest: float, highest: float) -> Tensor:
    """Only what lies between two frequencies in hertz, as after a codec. Filtered forwards and backwards, so without a delay."""
    audio = _torchaudio()
    for _ in range(2):
        waveform = audio.functional.highpass_biquad(audio.functional.lowpass_biquad(waveform, _RATE, highest), _RATE, lowest).flip(0)
    return waveform


def telephone(waveform: Tensor) -> Tensor:
    """8 kHz in 8 bits of the mu-law, as on a telephone."""
    audio = _torchaudio()
    peak = waveform.abs().max().clamp(min=1e-6)
    narrow = audio.functional.resample(waveform / peak, _RATE, _RATE // 2)
    decoded = audio.functional.mu_law_decoding(audio.functional.mu_law_encoding(narrow, 256), 256)
    return _as_long(audio.functional.resample(decoded * peak, _RATE // 2, _RATE), waveform)


def change_gain(waveform: Tensor, decibels: float) -> Tensor:
    """Louder or softer; what goes beyond full scale is bent, not cut."""
    louder = waveform * 10 ** (decibels / 20)
    return torch.where(louder.abs() > 0.8, louder.sign() * (0.8 + 0.2 * torch.tanh((louder.abs() - 0.8) / 0.2)), louder)


def _as_long(changed: Tensor, original: Tensor) -> Tensor:
    return torch.nn.functional.pad(changed, (0, max(0, len(original) - len(changed))))[: len(original)]


def _chance(share: float, generator: torch.Generator) -> bool:
    return float(torch.rand((), generator=generator)) < share


def _between(low: float, high: float, generator: torch.Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))


def _torchaudio() -> Any:
    try:
        import torchaudio
    except ImportError as error:
        raise OptionError(f"audio is varied by torchaudio, which is not installed ({error}). Install it: pip install torchaudio") from error
    return torchaudio

"""What a recording does to a voice: loudness, color, a room, noise. For training material only.

It knows nothing of speech: waveforms in, waveforms of the same length out.
"""

from __future__ import annotations

import numpy as np

SAMPLE_RATE = 16000


def disturb(waveform: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A clean waveform (samples,) as some microphone in some room would have it."""
    if random.random() < 0.3:
        waveform = reverberate(waveform, random.uniform(0.08, 0.4), random.uniform(0.1, 0.5), random)
    if random.random() < 0.7:
        waveform = color(waveform, random)
    if random.random() < 0.75:
        waveform = add_noise(waveform, random.uniform(8, 45), random.choice([0.0, 0.5, 1.0]), random)
    peak = 10 ** (random.uniform(-20, -0.5) / 20)
    return (peak * waveform / (np.abs(waveform).max() + 1e-6)).astype(np.float32)


def resample(waveform: np.ndarray, rate: float, target: float) -> np.ndarray:
    """Band-limited resampling by the Fourier transform: exact for any ratio, good enough at the ends of a clip that is silent there."""
    count = round(len(waveform) * target / rate)
    spectrum = np.fft.rfft(waveform)
    kept = np.zeros(count // 2 + 1, dtype=complex)
    shared = min(len(kept), len(spectrum))
    kept[:shared] = spectrum[:shared]
    return (np.fft.irfft(kept, count) * (count / len(waveform))).astype(np.float32)


def color(waveform: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A random smooth equalizer of about +-6 dB, at times with a low or a high cut, as of a telephone."""
    frequencies = np.fft.rfftfreq(len(waveform), 1 / SAMPLE_RATE)
    knots = np.geomspace(60, SAMPLE_RATE / 2, 8)
    gain = np.interp(np.log(frequencies + 1), np.log(knots), 6 * random.standard_normal(len(knots)))
    if random.random() < 0.25:
        gain = gain - 40 * np.clip((frequencies - random.uniform(3000, 6500)) / 1000, 0, 1)
    if random.random() < 0.25:
        gain = gain - 30 * np.clip((random.uniform(80, 300) - frequencies) / 100, 0, 1)
    return np.fft.irfft(np.fft.rfft(waveform) * 10 ** (gain / 20), len(waveform))


def reverberate(waveform: np.ndarray, seconds: float, share: float, random: np.random.Generator) -> np.ndarray:
    """A room: convolution with decaying noise. `seconds`: to fall by 60 dB; `share`: energy of the room relative to the direct voice."""
    count = int(seconds * SAMPLE_RATE)
    tail = random.standard_normal(count) * np.exp(-6.9 * np.arange(count) / count)
    tail *= np.sqrt(share / (np.square(tail).sum() + 1e-9))
    tail[0] += 1.0
    size = len(waveform) + count
    return np.fft.irfft(np.fft.rfft(waveform, size) * np.fft.rfft(tail, size), size)[: len(waveform)]


def add_noise(waveform: np.ndarray, decibels: float, tilt: float, random: np.random.Generator) -> np.ndarray:
    """Noise so many decibels under the clip's level; `tilt` 0 = white, 0.5 = pink, 1 = brown."""
    spectrum = np.fft.rfft(random.standard_normal(len(waveform)))
    noise = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 30) ** tilt, len(waveform))
    level = np.sqrt(np.square(waveform).mean()) * 10 ** (-decibels / 20)
    return waveform + level * noise / (noise.std() + 1e-9)

import math

import numpy as np
import pytest
import torch

from float_core.audio.waveform import normalize, prepare, resample, waveform_peaks
from float_core.errors import AudioError
from float_core.frame_rate import frame_count
from float_core.types import AudioClip


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000])
def test_resampling_keeps_length_frames_and_time(rate):
    samples = rate + 1
    time = torch.arange(samples, dtype=torch.float64) / rate
    prepared = prepare(AudioClip(torch.sin(2 * math.pi * 440 * time).float(), rate))
    assert prepared.shape == (1, math.ceil(samples * 16000 / rate)) and prepared.dtype == torch.float32
    assert frame_count(prepared.shape[1], 16000, 25) == frame_count(samples, rate, 25)
    expected = torch.sin(2 * math.pi * 440 * torch.arange(prepared.shape[1]) / 16000)
    inside = slice(800, -800)  # the filter rings at the ends
    assert (prepared[0, inside] - expected[inside]).abs().max() < 2e-3


@pytest.mark.parametrize(("samples", "rate"), [(1, 44100), (2, 48000), (3, 1), (7, 8000)])
def test_resampling_the_shortest_clips(samples, rate):
    result = prepare(AudioClip(torch.full((samples,), 0.5), rate))
    assert result.shape == (1, -(-samples * 16000 // rate)) and bool(torch.isfinite(result).all())


def test_the_same_rate_changes_nothing():
    waveform = torch.randn(100)
    assert torch.equal(prepare(AudioClip(waveform, 16000))[0], waveform)
    assert torch.equal(resample(waveform, 44100, 44100), waveform)
    assert prepare(AudioClip(waveform.double(), 16000)).dtype == torch.float32


@pytest.mark.parametrize(
    ("waveform", "rate", "said"),
    [
        (torch.zeros(2, 100), 16000, "mix_to_mono"),
        (torch.zeros(0), 16000, "no samples"),
        (torch.tensor([0.0, math.nan]), 16000, "not finite"),
        (torch.tensor([0.0, math.inf]), 16000, "not finite"),
        (torch.zeros(9, dtype=torch.int16), 16000, "32768"),
        (np.zeros(9, np.float32), 16000, "tensor"),
        (torch.zeros(9), 0, "rate"),
        (torch.zeros(9), -16000, "rate"),
        (torch.zeros(9), math.nan, "rate"),
        (torch.zeros(9), 44100.5, "rate"),
        (torch.zeros(9), None, "rate"),
    ],
)
def test_what_cannot_be_used_is_said(waveform, rate, said):
    with pytest.raises(AudioError, match=said):
        prepare(AudioClip(waveform, rate))


def test_normalize():
    waveform = torch.randn(2, 5000) * 0.3 + 0.2
    expected = (waveform.numpy() - waveform.numpy().mean(1, keepdims=True)) / np.sqrt(waveform.numpy().var(1, keepdims=True) + 1e-7)
    assert np.allclose(normalize(waveform).numpy(), expected, atol=1e-5)
    assert torch.equal(normalize(torch.full((1, 8), 0.25)), torch.zeros(1, 8))


def test_the_waveform_is_as_long_as_the_clip() -> None:
    recording = torch.zeros(1200)
    recording[[0, 600, 1199]] = torch.tensor([0.5, -0.25, 2.0])
    clip = AudioClip(recording, 1000)
    peaks = waveform_peaks(clip, 1.2, 600)
    assert len(peaks) == 600
    assert {i: peak for i, peak in enumerate(peaks) if peak} == {0: 0.5, 300: 0.25, 599: 1.0}
    longer = waveform_peaks(clip, 2.4, 600)
    assert {i: peak for i, peak in enumerate(longer) if peak} == {0: 0.5, 150: 0.25, 299: 1.0}
    assert max(waveform_peaks(clip, 0.5, 600)) == 0.5
    assert waveform_peaks(AudioClip(recording[:3], 1000), 0.003, 600) == [0.5, 0.0, 0.0]

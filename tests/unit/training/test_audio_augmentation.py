"""Varied recordings: as long as before, in time, and the same again for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from float_core.audio.log_mel import log_mel
from float_core.training import audio_augmentation as augment
from float_core.training.heard_audio import HeardAudio


def bursts(seconds: float = 3.0) -> torch.Tensor:
    """A buzz of 120 Hz with two formants, in syllables."""
    time = torch.arange(int(seconds * 16000)) / 16000
    buzz = sum(torch.sin(2 * torch.pi * 120 * k * time) / (1 + ((120 * k - 700) / 300) ** 2) for k in range(1, 40))
    loud = (torch.sin(2 * torch.pi * 2.3 * time) > 0.2).float()
    return 0.1 * buzz * loud + 0.001 * torch.randn(len(time), generator=torch.Generator().manual_seed(0))


def envelope(waveform: torch.Tensor) -> np.ndarray:
    mel = log_mel(waveform[None], len(waveform) // 160, sample_rate=16000, hop=160, bands=40)[0]
    return mel.mean(1).numpy()


def lag(first: torch.Tensor, second: torch.Tensor) -> int:
    """In hundredths of a second."""
    a, b = (envelope(w) - envelope(w).mean() for w in (first, second))
    return max(range(-8, 9), key=lambda shift: float((a[10:-10] * b[10 + shift : len(b) - 10 + shift]).sum()))


EFFECTS = {
    "higher": lambda w, g: augment.shift_voice(w, 1.2),
    "lower": lambda w, g: augment.shift_voice(w, 0.8),
    "room": lambda w, g: augment.add_room(w, 0.5, 3.0, g),
    "noise": lambda w, g: augment.add_noise(w, 10.0, 1.0, g),
    "equalizer": augment.equalize,
    "line": lambda w, g: augment.narrow_line(w, 200.0, 3400.0),
    "telephone": lambda w, g: augment.telephone(w),
    "gain": lambda w, g: augment.change_gain(w, 12.0),
    "all": augment.disturb_waveform,
}


@pytest.mark.parametrize("name", EFFECTS)
def test_timing_and_length_stay(name: str) -> None:
    waveform = bursts()
    changed = EFFECTS[name](waveform, torch.Generator().manual_seed(1))
    assert changed.shape == waveform.shape
    assert torch.isfinite(changed).all()
    assert abs(lag(waveform, changed)) <= 1
    assert name == "all" or not torch.allclose(changed, waveform, atol=1e-3)


def test_a_voice_is_shifted_by_its_factor() -> None:
    def pitch(waveform: torch.Tensor) -> float:
        power = torch.fft.rfft(waveform * torch.hann_window(len(waveform))).abs()
        hertz = torch.fft.rfftfreq(len(waveform), 1 / 16000)
        return float(hertz[power.argmax()])

    tone = torch.sin(torch.arange(32000) * 2 * torch.pi * 440 / 16000)
    for factor in (0.85, 1.2):
        assert pitch(augment.shift_voice(tone, factor)) == pytest.approx(440 * factor, rel=0.01)


def test_noise_has_the_level_that_was_asked_for() -> None:
    voice = bursts()
    added = augment.add_noise(voice, 10.0, 1.0, torch.Generator().manual_seed(0)) - voice
    assert 10 * torch.log10(voice.square().mean() / added.square().mean()) == pytest.approx(10.0, abs=0.2)


def test_a_line_lets_through_what_lies_inside() -> None:
    noise = torch.randn(16000, generator=torch.Generator().manual_seed(0))
    power = torch.fft.rfft(augment.narrow_line(noise, 300.0, 3400.0)).abs().square()
    assert power[5000:].mean() < 0.05 * power[1000:2000].mean()
    assert power[:100].mean() < 0.05 * power[1000:2000].mean()


def test_recordings_are_varied_once_and_kept() -> None:
    made = []

    def mel(waveform: torch.Tensor) -> torch.Tensor:
        made.append(waveform)
        return log_mel(waveform, 300, sample_rate=16000, hop=160, bands=16)

    heard = HeardAudio("one", bursts(), mel, variants=3)
    drawn = [heard.draw(torch.Generator().manual_seed(seed)) for seed in range(40)]
    assert len(made) == 3 and len({id(one) for one in drawn}) == 3
    again = HeardAudio("one", bursts(), mel, variants=3)
    assert all(torch.equal(again.varied(n), heard.varied(n)) for n in range(3))
    assert not torch.equal(heard.varied(0), HeardAudio("two", bursts(), mel, 3).varied(0))
    with torch.autocast("cpu", torch.bfloat16):  # as in a step of half precision, where a filter fails and bands lose their digits
        inside = HeardAudio("one", bursts(), mel, variants=3)
        assert all(torch.equal(inside.varied(n), heard.varied(n)) for n in (-1, 0, 1, 2))
    assert heard.plain().dtype == torch.float16 and heard.plain().shape == (300, 16)

"""A voice made as long as a measurement needs. Knows WAV files and nothing else."""

from __future__ import annotations

import wave
from pathlib import Path

import torch

_BLOCK_SECONDS = 30


def write_long_voice(source: str | Path, seconds: float, target: Path) -> Path:
    """The sound of `source`, over and over, `seconds` long, as 16 bit WAV; written in blocks."""
    from float_core import read_audio

    clip = read_audio(source)
    samples = (clip.waveform.clamp(-1, 1) * 32767).to(torch.int16)
    wanted, block = round(seconds * clip.sample_rate), _BLOCK_SECONDS * clip.sample_rate
    with wave.open(str(target), "wb") as file:
        file.setparams((1, 2, clip.sample_rate, 0, "NONE", ""))
        for start in range(0, wanted, block):
            index = torch.arange(start, min(start + block, wanted)) % len(samples)
            file.writeframes(samples[index].numpy().astype("<i2").tobytes())
    return target

"""A recording as log-mels: as it is, and as other voices, rooms and microphones would give it.

A varied one is made when it is first asked for, by a seed of its own, and kept: training does not wait for audio, and a run that goes on
hears the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from .audio_augmentation import disturb_waveform


class HeardAudio:
    """`waveform` (samples,) at 16 kHz; `mel`: (1, samples) to log-mels (1, 4 T, bands); `variants`: how many varied ones there are."""

    def __init__(self, name: str, waveform: Tensor, mel: Callable[[Tensor], Tensor], variants: int) -> None:
        self.variants = variants
        self._name, self._mel = name, mel
        self._samples = np.round(waveform.clamp(-1, 1).numpy() * 32767).astype(np.int16)
        self._heard: dict[int, Tensor] = {}

    def plain(self) -> Tensor:
        """(4 T, bands) float16, the recording as it is."""
        return self.varied(-1)

    def varied(self, number: int) -> Tensor:
        """(4 T, bands) float16 of the variant `number`, 0 to variants - 1."""
        if number not in self._heard:
            with torch.no_grad(), torch.autocast("cpu", enabled=False):  # a step may be in half precision; audio never is
                waveform = torch.from_numpy(self._samples.astype(np.float32) / 32767)
                if number >= 0:
                    waveform = disturb_waveform(waveform, torch.Generator().manual_seed(zlib.crc32(f"{self._name}:{number}".encode())))
                self._heard[number] = self._mel(waveform[None])[0].half()
        return self._heard[number]

    def draw(self, generator: torch.Generator) -> Tensor:
        """One of the variants, or the recording as it is if there are none."""
        return self.varied(int(torch.randint(self.variants, (1,), generator=generator))) if self.variants else self.plain()

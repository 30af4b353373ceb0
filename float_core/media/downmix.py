"""Many channels as two or one, so that a voice is heard wherever it is: in the center only, on one side, or upside down on one of two.

The shares are those of ITU-R BS.775 with the center at full weight: front 0.7071, sides and back 0.5, bass none.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import AudioError

BLOCK = 1 << 16  # samples per channel that are judged at once
SILENT = 1e-4  # a channel whose loudest block has less than this share of the loudest channel's energy (-40 dB) is silent
CANCELED = 0.4  # a block whose mix has less than this share of its channels' energy has lost what they hold; 1 = independent channels
MOST_CANCELED = 0.1  # of all energy: then no mix, but one channel
_FRONT = ("FL", "FR", "FLC", "FRC", "DL", "DR", "WL", "WR")
# Names by number, for audio that does not say them: what such audio mostly is.
_USUAL = {
    1: ("FC",),
    2: ("FL", "FR"),
    5: ("FL", "FR", "FC", "SL", "SR"),
    6: ("FL", "FR", "FC", "LFE", "SL", "SR"),
    7: ("FL", "FR", "FC", "LFE", "BC", "SL", "SR"),
    8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}


def mix_to_mono(waveform: Tensor) -> Tensor:
    """(channels, samples), or (samples,), to (samples,) float32. Channels that are silent do not count, and where channels cancel each
    other, the loudest is used, with a warning. Six channels are taken for 5.1, eight for 7.1.

    >>> mix_to_mono(torch.tensor([[1.0, 0.0], [0.0, 0.5]])).tolist()
    [0.5, 0.25]
    """
    if waveform.ndim not in (1, 2) or 0 in waveform.shape:
        raise AudioError(f"the audio has shape {tuple(waveform.shape)}; expected (channels, samples) or (samples,), not empty")
    if not waveform.is_floating_point():
        raise AudioError(f"the audio has dtype {waveform.dtype}; expected float in about [-1, 1] (divide 16-bit samples by 32768)")
    if waveform.ndim == 1 or waveform.shape[0] == 1:
        return waveform.reshape(-1).float()
    meter = ChannelMeter(usual_names(waveform.shape[0]))
    blocks = waveform.split(BLOCK, dim=1)
    for block in blocks:
        meter.add(block)
    weights = meter.mono("the audio")
    return torch.cat([mix(weights, block) for block in blocks], dim=1)[0]


def usual_names(channels: int) -> tuple[str, ...]:
    """What so many channels mostly are, as ffmpeg names them; "NONE" for each where nobody knows."""
    return _USUAL.get(channels, ("NONE",) * channels)


def mix(weights: Tensor, block: Tensor) -> Tensor:
    """(outputs, channels) float64 and (channels, n) to (outputs, n) float32."""
    return (weights @ block.detach().cpu().double()).float()


class ChannelMeter:
    """Listens to all blocks of a track, and then knows how its channels are mixed. What it keeps does not grow with the track."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.shares = torch.tensor([[_share(name, other="R") for name in names], [_share(name, other="L") for name in names]]).double()
        self.loudest = torch.zeros(len(names), dtype=torch.float64)  # the mean square of each channel's loudest block
        self.energy = torch.zeros(len(names), dtype=torch.float64)  # of each channel in a mix to one
        self.canceled = 0.0  # of that, what the mix of its block has lost
        self.peak = 0.0  # of the mix to two

    def add(self, block: Tensor) -> None:
        """Samples (channels, n), n > 0."""
        samples = block.detach().cpu().double()
        power = samples.square().mean(1)
        self.loudest = torch.maximum(self.loudest, power)
        energy = self.shares.mean(0).square() * power * samples.shape[1]
        sides = self.shares @ samples
        self.peak = max(self.peak, float(sides.abs().max()))
        self.energy += energy
        if float(sides.mean(0).square().sum()) < CANCELED * float(energy.sum()):
            self.canceled += float(energy.sum())

    def stereo(self) -> Tensor:
        """The weights (2, channels) of a mix to left and right, which stays within [-1, 1] where the channels do."""
        shares = self._heard()
        if self._has_center():
            return shares / max(1.0, self.peak)
        return shares / shares.sum(1, keepdim=True).clamp(min=1e-9)

    def mono(self, source: object) -> Tensor:
        """The weights (1, channels) of a mix to one. Warns where the channels of the `source` cancel each other."""
        shares = self._heard()
        if self._has_center():
            return shares.mean(0, keepdim=True)
        if self.canceled > MOST_CANCELED * float(self.energy.sum()):
            loudest = int(self.energy.argmax())
            warnings.warn(
                f"the channels of {source} cancel each other when they are mixed, as if one was upside down: "
                f"only channel {loudest + 1} of {len(self.names)} is heard",
                stacklevel=3,
            )
            return torch.eye(len(self.names), dtype=torch.float64)[loudest : loudest + 1]
        sides = shares[shares.sum(1) > 0]
        return (sides / sides.sum(1, keepdim=True)).mean(0, keepdim=True) if len(sides) else shares.mean(0, keepdim=True)

    def _heard(self) -> Tensor:
        """The shares of the channels that are not silent; of all, if all are or only the bass is heard."""
        levels = self.loudest * (self.shares.sum(0) > 0)
        heard = levels > SILENT * levels.max()
        return self.shares * heard if bool(heard.any()) else self.shares

    def _has_center(self) -> bool:
        return any(name == "FC" and float(share) > 0 for name, share in zip(self.names, self._heard().sum(0), strict=True))


def _share(name: str, *, other: str) -> float:
    """What a channel gives to a side; `other` is the letter of the other side."""
    if name.startswith("LFE"):
        return 0.0
    if name == "FC":
        return 1.0
    if other in name:
        return 0.0
    return math.sqrt(0.5) if name in _FRONT else 0.5

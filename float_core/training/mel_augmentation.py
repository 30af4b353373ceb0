"""Other microphones, rooms and vocal tracts for a batch of log-mels: with these, an encoder trained on synthetic voices hears real ones.

Knows the compression of `audio.log_mel` (log1p of power over a floor) and nothing of speech.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_SCALE = 5.0  # of audio.log_mel: mel = log1p(power / floor) / 5


def disturb_mel(mel: Tensor, generator: torch.Generator) -> Tensor:
    """(B, frames, bands), each clip with its own warp and blur of the bands, equalizer, noise floor, gain, and some bands removed."""
    warped = warp_bands(mel, 0.12 * (2 * torch.rand(len(mel), generator=generator) - 1))
    power = torch.expm1(blur_bands(warped, 0.33 * torch.rand(len(mel), generator=generator)) * _SCALE)
    gain = torch.exp(1.0 * smooth_curves(len(mel), mel.shape[2], generator) + 0.5 * torch.randn(len(mel), 1, generator=generator))
    floor = torch.exp(1.2 * smooth_curves(len(mel), mel.shape[2], generator) + 6 * torch.rand(len(mel), 1, generator=generator) - 3)
    flicker = -torch.log(torch.rand(mel.shape, generator=generator).clamp(min=1e-6))  # the power of noise is exponential
    silent = torch.rand(len(mel), 1, generator=generator) < 0.4
    noise = torch.where(silent, 0.0, floor)[:, None] * (0.5 + 0.5 * flicker)
    return leave_out_band(torch.log1p(power * gain[:, None] + noise) / _SCALE, generator)


def blur_bands(mel: Tensor, amount: Tensor) -> Tensor:
    """Mixes each band (B, frames, bands) with its neighbors: formants become as wide as in breathy voices. `amount` (B,) up to 1/3."""
    share = amount[:, None, None]
    padded = F.pad(mel, (1, 1), mode="replicate")
    return (1 - 2 * share) * mel + share * (padded[..., :-2] + padded[..., 2:])


def leave_out_band(mel: Tensor, generator: torch.Generator) -> Tensor:
    """Half of the clips lose up to a tenth of their bands in one piece, so that no single formant decides."""
    bands = mel.shape[2]
    width = torch.randint(0, bands // 10 + 1, (len(mel), 1), generator=generator)
    start = torch.randint(0, bands, (len(mel), 1), generator=generator)
    lost = (torch.arange(bands) >= start) & (torch.arange(bands) < start + width)
    lost &= torch.rand(len(mel), 1, generator=generator) < 0.5
    return mel.masked_fill(lost[:, None], 0.0)


def smooth_curves(count: int, bands: int, generator: torch.Generator) -> Tensor:
    """(count, bands): random curves with a spread of about 1, with a knot for every tenth of the bands."""
    knots = torch.randn(count, 1, max(2, bands // 10), generator=generator)
    return F.interpolate(knots, bands, mode="linear", align_corners=True)[:, 0]


def warp_bands(mel: Tensor, amount: Tensor) -> Tensor:
    """Reads (B, frames, bands) at band * (1 + amount): formants of a smaller or a larger head. `amount` (B,)."""
    bands = mel.shape[2]
    position = (torch.arange(bands) * (1 + amount[:, None])).clamp(0, bands - 1)
    low = position.floor().clamp(max=bands - 2)
    share = (position - low)[:, None]
    index = low.long()[:, None].expand(-1, mel.shape[1], -1)
    return torch.lerp(mel.gather(2, index), mel.gather(2, index + 1), share)

"""What a wav2vec2 must know of the whole of long audio before it hears windows of it: its level, and the mean and variance over time that
the group norm of its first convolution divides by (wav2vec2-base has one). Found in one pass over the audio, in float64.

Knows nothing of how windows are chosen, nor of anything behind the first convolution.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .waveform import VARIANCE_FLOOR, AudioStream


@dataclass(frozen=True, eq=False)
class AudioStatistics:
    """`mean` and `variance` of the samples x. Of the patches that the first convolution sees, in x: `patch_mean` (k,) and
    `patch_covariance` (k, k); None for a network that does not normalize over time."""

    mean: float
    variance: float
    patch_mean: Tensor | None = None
    patch_covariance: Tensor | None = None

    @property
    def deviation(self) -> float:
        """What a sample is divided by: sqrt(var + 1e-7)."""
        return float((self.variance + VARIANCE_FLOOR) ** 0.5)

    def normalize(self, samples: Tensor) -> Tensor:
        """As `waveform.normalize`, with the mean and variance of the whole audio."""
        return (samples - self.mean) / self.deviation


def measure_audio(wav2vec2: Any, audio: AudioStream, padded: int) -> AudioStatistics:
    """One pass over the audio. `padded`: samples that the network hears of it, the last one being repeated."""
    norm = _time_norm(wav2vec2)
    sums = torch.zeros(2, dtype=torch.float64)
    patches = _PatchSums(*_first_step(wav2vec2)) if norm is not None else None
    last = torch.zeros(1)
    for block in audio.read():
        x, last = block.double(), block[-1:]
        sums += torch.stack([x.sum(), x.square().sum()])
        if patches is not None:
            patches.add(x)
    mean, square = (sums / audio.samples).tolist()
    variance = max(0.0, square - mean**2)
    if patches is None:
        return AudioStatistics(mean, variance)
    patches.add(last.double().expand(max(0, padded - audio.samples)))
    return AudioStatistics(mean, variance, *patches.mean_and_covariance())


@contextmanager
def norm_of_whole_audio(wav2vec2: Any, statistics: AudioStatistics) -> Iterator[None]:
    """Inside, the group norm over time divides by the statistics of the whole audio, not by those of the window it sees. For inference."""
    norm = _time_norm(wav2vec2)
    if norm is None:
        yield
        return
    mean, variance = _channel_statistics(next(m for m in wav2vec2.feature_extractor.modules() if isinstance(m, nn.Conv1d)), statistics)
    scale = norm.weight.cpu().double() / torch.sqrt(variance + norm.eps)
    shift = norm.bias.cpu().double() - mean * scale
    scale, shift = (t.float().to(norm.weight.device)[:, None] for t in (scale, shift))

    def replace(_module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        return torch.addcmul(shift, inputs[0], scale, out=output)  # in the place of the window's own: these are the largest tensors of all

    hook = norm.register_forward_hook(replace)
    try:
        yield
    finally:
        hook.remove()


def _channel_statistics(convolution: nn.Conv1d, statistics: AudioStatistics) -> tuple[Tensor, Tensor]:
    """Mean and variance (C,) over all time of y_c = w_c . p + b_c, p the patches of the normalized audio: w_c . E[p] + b_c and
    w_c Cov[p] w_c. Exact without computing y, which is 6.5 MB a second of audio in wav2vec2-base."""
    assert statistics.patch_mean is not None and statistics.patch_covariance is not None
    weight = convolution.weight[:, 0].cpu().double()  # [C, k]
    mean = weight @ ((statistics.patch_mean - statistics.mean) / statistics.deviation)
    if convolution.bias is not None:
        mean = mean + convolution.bias.cpu().double()
    covariance = statistics.patch_covariance / statistics.deviation**2
    return mean, ((weight @ covariance) * weight).sum(1).clamp(min=0)


class _PatchSums:
    """Sums over the patches (k samples, `stride` apart) of audio that comes in blocks."""

    def __init__(self, kernel: int, stride: int) -> None:
        self._kernel, self._stride = kernel, stride
        self._rest = torch.zeros(0, dtype=torch.float64)
        self._count = 0
        self._sum = torch.zeros(kernel, dtype=torch.float64)
        self._products = torch.zeros(kernel, kernel, dtype=torch.float64)

    def add(self, samples: Tensor) -> None:
        """The next samples (n,), float64."""
        joined = torch.cat([self._rest, samples])
        if len(joined) >= self._kernel:
            patches = joined.unfold(0, self._kernel, self._stride)  # [n, k]
            self._count += len(patches)
            self._sum += patches.sum(0)
            self._products += patches.T @ patches
            joined = joined[len(patches) * self._stride :]
        self._rest = joined.clone()

    def mean_and_covariance(self) -> tuple[Tensor, Tensor]:
        """(k,) and (k, k)."""
        mean = self._sum / self._count
        return mean, self._products / self._count - torch.outer(mean, mean)


def _time_norm(wav2vec2: Any) -> nn.GroupNorm | None:
    """The norm over time behind the first convolution, one group a channel; only networks with feat_extract_norm "group" have it."""
    return next((module for module in wav2vec2.feature_extractor.modules() if isinstance(module, nn.GroupNorm)), None)


def _first_step(wav2vec2: Any) -> tuple[int, int]:
    return wav2vec2.config.conv_kernel[0], wav2vec2.config.conv_stride[0]

"""Audio before any network: checked, resampled, normalized. Files are read, and channels mixed, in `media`."""

from __future__ import annotations

import torch
from torch import Tensor

from ..argument_checks import check_samples
from ..chunks import repeat_last
from ..errors import AudioError
from ..types import AudioClip

SAMPLE_RATE = 16000
VARIANCE_FLOOR = 1e-7  # what wav2vec2's own feature extractor adds, so that silence divides by something


def prepare(audio: AudioClip, sample_rate: int = SAMPLE_RATE, device: torch.device | str = "cpu") -> Tensor:
    """The audio as float32 (1, samples) at `sample_rate` on `device`, neither normalized nor padded.

    Raises AudioError for several channels, no samples, a bad rate, or values that are not finite."""
    return resample(check_samples(audio), int(audio.sample_rate), sample_rate)[None].to(device)


def resample(waveform: Tensor, source_rate: int, target_rate: int) -> Tensor:
    """(samples,) at `source_rate` to (ceil(samples * target_rate / source_rate),) at `target_rate`, on the CPU.

    Rounding up keeps the frame count: counted before or after, it is the same."""
    if source_rate == target_rate:
        return waveform.detach().float().cpu()
    import soxr

    samples = -(-waveform.numel() * target_rate // source_rate)
    source = waveform.detach().float().cpu()
    try:
        result = torch.from_numpy(soxr.resample(source.numpy(), source_rate, target_rate))
    except (ValueError, RuntimeError) as error:
        raise AudioError(f"audio of {source_rate} Hz cannot be resampled to {target_rate} Hz: {error}") from error
    if result.numel() == 0:  # audio shorter than one sample of the target
        result = source[-1:]
    return repeat_last(result, samples, dim=0)[:samples]


def waveform_peaks(audio: AudioClip, seconds: float, count: int) -> list[float]:
    """Up to `count` peaks, 0 to 1, of the first `seconds` of the audio, for drawing it; zeros where the audio is shorter.

    >>> waveform_peaks(AudioClip(torch.tensor([0.0, -0.5, 0.25, 1.0]), 4), seconds=1, count=2)
    [0.5, 1.0]
    """
    wanted = max(1, round(seconds * audio.sample_rate))
    samples = audio.waveform.abs().clamp(max=1)[:wanted]
    samples = torch.nn.functional.pad(samples, (0, wanted - len(samples)))
    return [round(float(part.max()), 3) for part in samples.tensor_split(min(count, wanted))]


def normalize(waveform: Tensor) -> Tensor:
    """(..., samples) to zero mean and unit variance over the samples: (x - mean) / sqrt(var + 1e-7)."""
    centered = waveform - waveform.mean(dim=-1, keepdim=True)
    return centered / torch.sqrt(centered.square().mean(dim=-1, keepdim=True) + VARIANCE_FLOOR)


def require_batch(waveform: Tensor) -> None:
    """Raises AudioError unless this is a batch (B, samples) with at least one sample."""
    if waveform.ndim != 2 or waveform.shape[1] == 0:
        raise AudioError(f"the waveform has shape {tuple(waveform.shape)}; expected (batch, samples) with at least one sample")

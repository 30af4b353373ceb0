"""Sound before any network: mono, 16 kHz, normalized, and how many video frames it lasts.

Knows nothing of files (`video.read_media` reads them), of networks, or of what the frames are used for.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import AudioError
from ..types import AudioClip

SAMPLE_RATE = 16000
VARIANCE_FLOOR = 1e-7  # what wav2vec2's own feature extractor adds, so that silence divides by something


def prepare(clip: AudioClip, sample_rate: int = SAMPLE_RATE, device: torch.device | str = "cpu") -> Tensor:
    """The clip as float32 (1, samples) at `sample_rate` on `device`, neither normalized nor padded.

    Raises AudioError for a sound that has several channels, no samples, a bad rate, or values that are not finite."""
    waveform = check_samples(clip)
    return resample(waveform, int(clip.sample_rate), sample_rate)[None].to(device)


def mix_to_mono(waveform: Tensor) -> Tensor:
    """(channels, samples) or (samples,) to (samples,) float32: the mean of the channels."""
    if waveform.ndim not in (1, 2) or waveform.shape[0] == 0:
        raise AudioError(f"the sound has shape {tuple(waveform.shape)}; expected (channels, samples) or (samples,)")
    _require_float(waveform)
    return (waveform if waveform.ndim == 1 else waveform.mean(dim=0)).float()


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
        raise AudioError(f"a sound of {source_rate} Hz cannot be resampled to {target_rate} Hz: {error}") from error
    if result.numel() == 0:  # a clip shorter than one sample of the target
        result = source[-1:]
    return pad_right(result, samples)[:samples]


def waveform_peaks(audio: AudioClip, seconds: float, count: int) -> list[float]:
    """Up to `count` peaks, 0 to 1, of the first `seconds` of a sound, for a drawing of it; silence where the sound is shorter."""
    wanted = max(1, round(seconds * audio.sample_rate))
    sound = audio.waveform.abs().clamp(max=1)[:wanted]
    sound = torch.nn.functional.pad(sound, (0, wanted - len(sound)))
    return [round(float(part.max()), 3) for part in sound.tensor_split(min(count, wanted))]


def normalize(waveform: Tensor) -> Tensor:
    """(..., samples) to zero mean and unit variance over the samples: (x - mean) / sqrt(var + 1e-7)."""
    centered = waveform - waveform.mean(dim=-1, keepdim=True)
    return centered / torch.sqrt(centered.square().mean(dim=-1, keepdim=True) + VARIANCE_FLOOR)


def pad_right(waveform: Tensor, samples: int) -> Tensor:
    """(..., n) to (..., max(n, samples)): the last sample is repeated."""
    missing = samples - waveform.shape[-1]
    if missing <= 0:
        return waveform
    return torch.cat([waveform, waveform[..., -1:].expand(*waveform.shape[:-1], missing)], dim=-1)


def require_batch(waveform: Tensor) -> None:
    """Raises AudioError unless this is a batch of sounds (B, samples) with at least one sample."""
    if waveform.ndim != 2 or waveform.shape[1] == 0:
        raise AudioError(f"the waveform has shape {tuple(waveform.shape)}; expected (batch, samples) with at least one sample")


def check_samples(clip: AudioClip) -> Tensor:
    """The clip's waveform (samples,) in float32, checked as `prepare` says."""
    waveform, rate = clip.waveform, clip.sample_rate
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 < rate < math.inf or rate != int(rate):
        raise AudioError(f"the sample rate is {rate!r}; expected a positive whole number of Hz")
    if not isinstance(waveform, Tensor):
        raise AudioError(f"the waveform is a {type(waveform).__name__}; expected a torch tensor of shape (samples,)")
    if waveform.ndim != 1:
        raise AudioError(
            f"the sound has shape {tuple(waveform.shape)}; expected one channel, (samples,): mix (channels, samples) with mix_to_mono first"
        )
    if waveform.numel() == 0:
        raise AudioError("the sound has no samples; expected at least one")
    _require_float(waveform)
    waveform = waveform.float()
    if not bool(torch.isfinite(waveform).all()):
        raise AudioError("the sound has values that are not finite (NaN or infinity); decode it again or repair it")
    return waveform


def _require_float(waveform: Tensor) -> None:
    if not waveform.is_floating_point():
        raise AudioError(f"the sound has dtype {waveform.dtype}; expected float in about [-1, 1] (divide 16-bit samples by 32768)")

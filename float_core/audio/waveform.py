"""Audio before any network: checked, resampled, normalized, whole or in blocks, of which only a few are held at a time.

Files are read, and channels mixed, in `media`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ..argument_checks import check_samples
from ..chunks import repeat_last
from ..errors import AudioError
from ..types import AudioClip, AudioFile

SAMPLE_RATE = 16000
BLOCK = 1 << 16  # samples of a block of audio that is held whole
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


@dataclass(frozen=True)
class AudioStream:
    """Mono audio of `samples` samples at `sample_rate` Hz. `read()`: its blocks (n,) from the beginning, float32 on the CPU."""

    samples: int
    sample_rate: int
    read: Callable[[], Iterator[Tensor]]

    def whole(self) -> Tensor:
        """All of it, (1, samples): what `prepare` gives, bit for bit."""
        return torch.cat(list(self.read()))[None]


def stream_audio(audio: AudioClip | AudioFile, sample_rate: int) -> AudioStream:
    """The audio at `sample_rate`, resampled on the way if it has another rate. Raises AudioError as `prepare` does."""
    blocks = audio.blocks if isinstance(audio, AudioFile) else partial(_split, check_samples(audio))
    rate, samples = int(audio.sample_rate), audio.samples
    if rate == sample_rate:
        return AudioStream(samples, sample_rate, blocks)
    return AudioStream(-(-samples * sample_rate // rate), sample_rate, lambda: resample_blocks(blocks(), samples, rate, sample_rate))


def _split(waveform: Tensor) -> Iterator[Tensor]:
    for block in waveform.split(BLOCK):
        yield block.detach().float().cpu()


def resample_blocks(blocks: Iterable[Tensor], samples: int, source_rate: int, target_rate: int) -> Iterator[Tensor]:
    """Blocks of audio of `samples` samples in all, to the samples that `resample` makes of the whole, bit for bit."""
    import soxr

    try:
        stream = soxr.ResampleStream(source_rate, target_rate, 1, dtype="float32")
    except (ValueError, RuntimeError) as error:
        raise AudioError(f"audio of {source_rate} Hz cannot be resampled to {target_rate} Hz: {error}") from error
    missing = -(-samples * target_rate // source_rate)
    last_in, last_out = torch.zeros(1), None  # samples
    for block in blocks:
        last_in, part = block[-1:], torch.from_numpy(stream.resample_chunk(block.numpy()))[:missing]
        if len(part):
            missing, last_out = missing - len(part), part[-1:].clone()
            yield part
    rest = torch.from_numpy(stream.resample_chunk(last_in[:0].numpy(), last=True))[:missing]
    if len(rest):
        last_out = rest[-1:]
    rest = torch.cat([rest, (last_in if last_out is None else last_out).expand(missing - len(rest))])
    if len(rest):
        yield rest


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

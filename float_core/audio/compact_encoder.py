"""Audio features of small models: log-mel bands, two strided and a few dilated convolutions, trained with the transformer.

`mel` and `encode_mel` are apart so that mels can be computed once and kept.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ..chunks import cut_spans
from ..config import FPS, CompactAudioConfig
from ..errors import AudioError, OptionError
from ..frame_rate import frame_count
from .log_mel import log_mel, measure_level, mel_bands
from .long_windows import WindowPlan
from .waveform import AudioStream, require_batch

MELS_PER_FRAME = 4  # 10 ms apart at 25 fps
_STREAM_FRAMES = 500  # that a window of long audio adds; the fewer, the sooner the first image


class ChannelNorm(nn.Module):
    """LayerNorm over the channels of (B, C, T): every frame by itself, so that the receptive field stays finite."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) to (B, C, T)."""
        normed: Tensor = self.norm(x.transpose(1, 2))
        return normed.transpose(1, 2)


class DilatedBlock(nn.Module):
    """x + convolutions(norm(x)) over (B, width, T); sees dilation + 1 frames to each side."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            ChannelNorm(width),
            nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation),
            nn.SiLU(),
            nn.Conv1d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, T) to (B, width, T)."""
        result: Tensor = x + self.layers(x)
        return result


class CompactAudioEncoder(nn.Module):
    """Waveform (B, samples) to features (B, T, feature_size), T = ceil(samples * fps / rate). Frame i is centered on the time
    i / fps and sees `reach` frames to each side."""

    def __init__(self, config: CompactAudioConfig, fps: float = FPS) -> None:
        super().__init__()
        self.config, self.fps = config, fps
        self.hop = round(config.sample_rate / (fps * MELS_PER_FRAME))
        if self.hop * fps * MELS_PER_FRAME != config.sample_rate:
            raise OptionError(f"{config.sample_rate} Hz is not a whole number of samples for a quarter of a frame at {fps} fps")
        width = config.width
        # Odd kernels with stride 2: output i stays centered on input 2 i, so frame i on mel frame 4 i.
        self.stem = nn.Sequential(
            nn.Conv1d(config.mel_bands, width, 5, stride=2, padding=2),
            nn.SiLU(),
            nn.Conv1d(width, width, 5, stride=2, padding=2),
            nn.SiLU(),
        )
        self.blocks = nn.Sequential(*(DilatedBlock(width, dilation) for dilation in config.dilations))
        self.projection = nn.Sequential(ChannelNorm(width), nn.Conv1d(width, config.feature_size, 1))

    @property
    def reach(self) -> int:
        """Frames to each side that one frame depends on, the mel window included: give a cut-out at least this much around it."""
        return sum(dilation + 1 for dilation in self.config.dilations) + 2

    @property
    def stages(self) -> tuple[nn.Module, ...]:
        """The modules whose ends mark the progress of a forward pass."""
        return (self.stem, *self.blocks)

    def forward(self, waveform: Tensor) -> Tensor:
        """Mono audio (B, samples), any level, to w_a (B, T, feature_size)."""
        mel = self.mel(waveform)
        return self.encode_mel(mel, mel.shape[1] // MELS_PER_FRAME)

    @torch.no_grad()
    def stream(self, audio: AudioStream) -> Iterator[Tensor]:
        """Features of long audio, as pieces (1, n, feature_size) float32 that are computed one after another: those of the whole, to
        rounding, since every frame is taken from a window that has its `reach` around it. The audio is read three times."""
        frames = frame_count(audio.samples, self.config.sample_rate, self.fps)
        plan = self._plan()
        spans = plan.spans(frames)
        level, size, device = measure_level(audio, self.hop), MELS_PER_FRAME * self.hop, next(self.parameters()).device
        cuts = cut_spans(audio.read(), ((start * size, stop * size) for start, stop in spans))
        windows = (
            self.encode_mel(self._bands(level.apply(cut)[None].to(device), stop - start), stop - start).float()
            for cut, (start, stop) in zip(cuts, spans, strict=True)
        )
        yield from plan.join(spans, windows)

    def window_count(self, samples: int) -> int:
        """In how many windows `stream` hears so many samples."""
        return len(self._plan().spans(frame_count(samples, self.config.sample_rate, self.fps)))

    def _plan(self) -> WindowPlan:
        return WindowPlan(_STREAM_FRAMES + 2 * self.reach, 2 * self.reach)

    def _bands(self, levelled: Tensor, frames: int) -> Tensor:
        return mel_bands(levelled, frames * MELS_PER_FRAME, sample_rate=self.config.sample_rate, hop=self.hop, bands=self.config.mel_bands)

    def mel(self, waveform: Tensor) -> Tensor:
        """(B, samples) to log-mel (B, 4 T, mel_bands), float32, 100 Hz; mel frame j is centered on sample j * hop; 0 = silence.

        One gain for all of the audio: take it over the whole, then cut."""
        require_batch(waveform)
        frames = frame_count(waveform.shape[1], self.config.sample_rate, self.fps)
        return log_mel(waveform, frames * MELS_PER_FRAME, sample_rate=self.config.sample_rate, hop=self.hop, bands=self.config.mel_bands)

    def encode_mel(self, mel: Tensor, frames: int) -> Tensor:
        """Log-mel (B, 4 frames, mel_bands) to (B, frames, feature_size). Beyond both ends it sees silence."""
        expected = (frames * MELS_PER_FRAME, self.config.mel_bands)
        if mel.ndim != 3 or tuple(mel.shape[1:]) != expected:
            raise AudioError(f"the mel has shape {tuple(mel.shape)}; expected (batch, {expected[0]}, {expected[1]}) for {frames} frames")
        dtype = next(self.parameters()).dtype
        states = self.stem(mel.transpose(1, 2).to(dtype))  # [B, width, T]
        features: Tensor = self.projection(self.blocks(states))
        return features.transpose(1, 2)

"""The emotion heard in a voice, for small models: a few statistics of its log-mel bands and a small network.

How a voice is colored, how much that changes, and how quickly: means and spreads over the frames in which somebody speaks, so that length
and pauses do not count. On speakers it never heard this is as good as features that were trained to move lips, and it needs none.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..chunks import cut_spans
from ..config import CompactEmotionConfig
from .log_mel import level, measure_level, mel_bands
from .long_windows import WindowPlan
from .waveform import AudioStream, require_batch

_STEPS = 100  # log-mels a second
_VOICED = 0.5  # mean over the bands of a log-mel above which somebody speaks: half of usual speech
_WINDOW, _OVERLAP = 2000, 8  # log-mels that are held of long audio, and how many of them two windows share


@dataclass(frozen=True)
class MelSums:
    """Sums over T log-mels (B, T, bands): of the voiced ones `count` (B, 1), `first` and `second` powers and squared `change` (B, bands);
    of all `steps`, `loud` and `loud_squared` (B, 1). Those of a whole are the sums of those of its parts."""

    count: Tensor
    first: Tensor
    second: Tensor
    change: Tensor
    steps: Tensor
    loud: Tensor
    loud_squared: Tensor

    @classmethod
    def of(cls, mel: Tensor) -> MelSums:
        """Of all frames but the first and the last one, whose change is not known."""
        inner, change = mel[:, 1:-1], mel[:, 2:] - mel[:, :-2]
        loud = inner.mean(2)
        voiced = (loud > _VOICED).to(mel.dtype)[..., None]
        steps = torch.full_like(loud[:, :1], loud.shape[1])
        return cls(
            voiced.sum(1),
            (voiced * inner).sum(1),
            (voiced * inner.square()).sum(1),
            (voiced * change.square()).sum(1),
            steps,
            loud.sum(1, keepdim=True),
            loud.square().sum(1, keepdim=True),
        )

    def __add__(self, other: MelSums) -> MelSums:
        return MelSums(*(getattr(self, name) + getattr(other, name) for name in vars(self)))

    def statistics(self) -> Tensor:
        """(B, 3 bands + 2): mean, spread and change of the voiced frames, how loudness spreads, and the share of them."""
        count, steps = self.count.clamp(min=1), self.steps.clamp(min=1)
        mean = self.first / count
        spread = (self.second / count - mean.square()).clamp(min=0).sqrt()
        loudness = (self.loud_squared / steps - (self.loud / steps).square()).clamp(min=0).sqrt()
        return torch.cat([mean, spread, (self.change / count).sqrt(), loudness, self.count / steps], dim=1)


class CompactEmotionClassifier(nn.Module):
    """Waveform (B, samples) to logits (B, classes) in the order of `EMOTIONS`. `center` and `scale` are those of the statistics that it was
    trained with."""

    center: Tensor
    scale: Tensor

    def __init__(self, config: CompactEmotionConfig) -> None:
        super().__init__()
        self.config = config
        self.hop = config.sample_rate // _STEPS
        size = 3 * config.mel_bands + 2
        self.register_buffer("center", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))
        self.first, self.last = nn.Linear(size, config.hidden), nn.Linear(config.hidden, config.classes)

    @property
    def stages(self) -> tuple[nn.Module, ...]:
        """The modules whose ends mark the progress of a forward pass."""
        return (self.last,)

    def forward(self, waveform: Tensor) -> Tensor:
        """Mono audio (B, samples), any level, to logits (B, classes)."""
        return self.classify(self.statistics(waveform))

    def statistics(self, waveform: Tensor) -> Tensor:
        """(B, samples) to (B, 3 bands + 2), float32."""
        require_batch(waveform)
        mel = self._bands(level(waveform.float(), self.hop), self._frames(waveform.shape[1]))
        return MelSums.of(mel).statistics()

    def classify(self, statistics: Tensor) -> Tensor:
        """Statistics to logits."""
        normed = (statistics - self.center.float()) / self.scale.float()
        logits: Tensor = self.last(torch.tanh(self.first(normed.clamp(-4, 4).to(self.first.weight.dtype))))
        return logits

    def probabilities(self, waveform: Tensor) -> Tensor:
        """(B, samples) to w_e (B, 1, classes) float32: softmax of the logits."""
        return torch.softmax(self(waveform).float(), dim=-1)[:, None]

    @torch.no_grad()
    def stream_probabilities(self, audio: AudioStream) -> Tensor:
        """As `probabilities`, (1, 1, classes), for long audio, to rounding. The audio is read three times."""
        gain, device, plan = measure_level(audio, self.hop), self.center.device, WindowPlan(_WINDOW, _OVERLAP)
        spans = plan.spans(self._frames(audio.samples))
        cuts = cut_spans(audio.read(), ((start * self.hop, stop * self.hop) for start, stop in spans))
        windows = (self._bands(gain.apply(cut)[None].to(device), stop - start) for cut, (start, stop) in zip(cuts, spans, strict=True))
        tail, total = None, None
        for piece in plan.join(spans, windows):
            mel = piece if tail is None else torch.cat([tail, piece], dim=1)
            total, tail = MelSums.of(mel) if total is None else total + MelSums.of(mel), mel[:, -2:]
        assert total is not None
        return torch.softmax(self.classify(total.statistics()).float(), dim=-1)[:, None]

    def window_count(self, samples: int) -> int:
        """In how many windows `stream_probabilities` hears so many samples."""
        return len(WindowPlan(_WINDOW, _OVERLAP).spans(self._frames(samples)))

    def _frames(self, samples: int) -> int:
        return max(3, -(-samples // self.hop))

    def _bands(self, levelled: Tensor, frames: int) -> Tensor:
        return mel_bands(levelled, frames, sample_rate=self.config.sample_rate, hop=self.hop, bands=self.config.mel_bands)

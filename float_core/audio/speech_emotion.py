"""The emotion condition w_e: seven probabilities heard in the voice, or the user's own choice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..argument_checks import check_number
from ..chunks import cut_spans, repeat_last
from ..config import EMOTIONS, EmotionConfig
from ..errors import OptionError
from ..types import EmotionCondition
from .long_windows import WindowPlan, speech_windows
from .wav2vec2_network import build_wav2vec2, feature_stride, layer_outputs, network_dtype, receptive_field, stages_of
from .wav2vec2_statistics import AudioStatistics, measure_audio, norm_of_whole_audio
from .waveform import AudioStream, normalize, require_batch


class EmotionHead(nn.Module):
    """State (B, H) to logits (B, classes): out_proj(tanh(dense(state)))."""

    def __init__(self, hidden_size: int, classes: int) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.out_proj = nn.Linear(hidden_size, classes)

    def forward(self, state: Tensor) -> Tensor:
        """(B, H) to (B, classes)."""
        logits: Tensor = self.out_proj(torch.tanh(self.dense(state)))
        return logits


class Wav2Vec2ForEmotion(nn.Module):
    """Normalized waveform (B, samples) to logits (B, classes), from the mean in time of wav2vec2's last state."""

    wav2vec2: Any  # transformers' Wav2Vec2Model

    def __init__(self, network: str, classes: int) -> None:
        super().__init__()
        self.wav2vec2 = build_wav2vec2(network)
        self.classifier = EmotionHead(self.wav2vec2.config.hidden_size, classes)

    def forward(self, normalized: Tensor) -> Tensor:
        """(B, samples), at the network's own 50 Hz and not padded, to (B, classes)."""
        logits: Tensor = self.classifier(self.states(normalized).mean(dim=1))
        return logits

    def states(self, normalized: Tensor) -> Tensor:
        """(B, samples) to wav2vec2's last state (B, T, H)."""
        return layer_outputs(self.wav2vec2, self.wav2vec2.feature_extractor(normalized))[1]


class SpeechEmotionClassifier(nn.Module):
    """Waveform (B, samples) to logits (B, classes) in the order of `EMOTIONS`. wav2vec2 stays in evaluation mode."""

    def __init__(self, config: EmotionConfig) -> None:
        super().__init__()
        self.config = config
        self.wav2vec2_for_emotion = Wav2Vec2ForEmotion(config.network, config.classes)
        self._minimum = receptive_field(self.wav2vec2_for_emotion.wav2vec2)

    def train(self, mode: bool = True) -> SpeechEmotionClassifier:
        """As in nn.Module, but for wav2vec2, which stays in evaluation mode."""
        super().train(mode)
        self.wav2vec2_for_emotion.wav2vec2.eval()
        return self

    @property
    def stages(self) -> tuple[nn.Module, ...]:
        """The modules whose ends mark the progress of a forward pass."""
        return stages_of(self.wav2vec2_for_emotion.wav2vec2)

    def forward(self, waveform: Tensor) -> Tensor:
        """Mono audio (B, samples), not normalized, to logits (B, classes). Padded only if it is too short for one feature."""
        require_batch(waveform)
        normalized = repeat_last(normalize(waveform.float()), self._minimum, dim=1).to(network_dtype(self))
        logits: Tensor = self.wav2vec2_for_emotion(normalized)
        return logits

    def probabilities(self, waveform: Tensor) -> Tensor:
        """(B, samples) to w_e (B, 1, classes) float32: softmax of the logits."""
        return torch.softmax(self(waveform).float(), dim=-1)[:, None]

    @torch.no_grad()
    def stream_probabilities(self, audio: AudioStream) -> Tensor:
        """As `probabilities`, (1, 1, classes), for long audio, heard in windows: the mean in time is taken over what the middles of
        the windows give. Near to what the whole would give, not equal (see Wav2Vec2AudioEncoder.stream). The audio is read twice."""
        network = self.wav2vec2_for_emotion
        stride = feature_stride(network.wav2vec2)
        plan, steps = self._plan(audio.samples)
        spans = plan.spans(steps)
        statistics = measure_audio(network.wav2vec2, audio, audio.samples)
        cuts = cut_spans(audio.read(), ((start * stride, (stop - 1) * stride + self._minimum) for start, stop in spans))
        pieces = plan.join(spans, (self._window(cut, statistics) for cut in cuts))
        total = sum((piece.sum(dim=1) for piece in pieces), start=torch.tensor(0.0))  # (1, H)
        logits = network.classifier((total / steps).to(network_dtype(self)))
        return torch.softmax(logits.float(), dim=-1)[:, None]

    def window_count(self, samples: int) -> int:
        """In how many windows `stream_probabilities` hears so many samples."""
        plan, steps = self._plan(samples)
        return len(plan.spans(steps))

    def _plan(self, samples: int) -> tuple[WindowPlan, int]:
        """The windows, and how many convolutional features there are in all."""
        stride = feature_stride(self.wav2vec2_for_emotion.wav2vec2)
        return speech_windows(self.config.sample_rate / stride), (samples - self._minimum) // stride + 1

    def _window(self, samples: Tensor, statistics: AudioStatistics) -> Tensor:
        normalized = statistics.normalize(samples)[None].to(next(self.parameters()).device, network_dtype(self))
        network = self.wav2vec2_for_emotion
        with norm_of_whole_audio(network.wav2vec2, statistics):
            return network.states(normalized).float()


def choose_emotion(choice: str | Mapping[str, float]) -> EmotionCondition:
    """One emotion by name, or a mix of names and weights (scaled to a sum of 1), which may be text, as w_e (1, 1, 7).

    Raises OptionError for unknown names and for weights that are negative, not finite or all zero.

    >>> choose_emotion({"happy": 3, "surprise": 1}).probabilities.tolist()
    [[[0.0, 0.0, 0.0, 0.75, 0.0, 0.0, 0.25]]]
    >>> choose_emotion("happy=3,surprise=1").probabilities[0, 0, 3].item()
    0.75
    """
    weights = _checked_weights(_mix_of_text(choice) if isinstance(choice, str) else choice)
    unknown = [name for name in weights if name not in EMOTIONS]
    if unknown:
        raise OptionError(f"unknown emotion {', '.join(map(repr, unknown))}; expected {', '.join(EMOTIONS)}")
    total = math.fsum(weights.values())
    if not 0 < total < math.inf:
        raise OptionError(f"the emotion weights sum to {total}; expected at least one weight above 0, of {', '.join(EMOTIONS)}")
    row = [weights.get(name, 0.0) / total for name in EMOTIONS]
    return EmotionCondition(torch.tensor(row, dtype=torch.float32).reshape(1, 1, -1))


def _mix_of_text(text: str) -> dict[str, float]:
    """`happy`, or `happy=0.7,surprise=0.3`."""
    if "=" not in text:
        return {text.strip(): 1.0}
    mix: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = (piece.strip() for piece in part.partition("="))
        if name in mix:
            raise OptionError(f"{text[:60]!r} names {name} twice")
        try:
            mix[name] = float(weight)
        except ValueError as error:
            raise OptionError(f"{weight[:30]!r} is not a number; expected a mix such as happy=0.7,surprise=0.3") from error
    return mix


def _checked_weights(mix: Mapping[str, float]) -> dict[str, float]:
    if not isinstance(mix, Mapping):
        raise OptionError(f"an emotion is a name or a mix of names and weights, not {mix!r}; names: {', '.join(EMOTIONS)}")
    for name, weight in mix.items():
        check_number(f"the weight of emotion {name!r}", weight, low=0)
    return {name: float(weight) for name, weight in mix.items()}

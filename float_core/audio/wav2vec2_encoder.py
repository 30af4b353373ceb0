"""Audio features w_a of the released model: the states of all layers of a wav2vec2 at 25 fps, and a projection (paper section 3.2).

Knows nothing of files or weights; the waveform comes mono at the configuration's rate and is normalized here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..chunks import cut_spans, repeat_last
from ..config import FPS, Wav2Vec2AudioConfig
from ..errors import OptionError
from ..frame_rate import frame_count, frame_samples
from .long_windows import speech_windows
from .wav2vec2_network import build_wav2vec2, layer_outputs, network_dtype, receptive_field, stages_of
from .wav2vec2_statistics import AudioStatistics, measure_audio, norm_of_whole_audio
from .waveform import AudioStream, normalize, require_batch


class Wav2Vec2AudioEncoder(nn.Module):
    """Waveform (B, samples) to features (B, T, feature_size), T = ceil(samples * fps / rate). wav2vec2 stays in evaluation mode:
    it is a fixed feature extractor, and layer drop or masking would lose states."""

    wav2vec2: Any  # transformers' Wav2Vec2Model

    def __init__(self, config: Wav2Vec2AudioConfig, fps: float = FPS) -> None:
        super().__init__()
        self.config, self.fps = config, fps
        self.wav2vec2 = build_wav2vec2(config.network)
        self.audio_projection = nn.Sequential(
            nn.Linear(config.projection_size, config.feature_size), nn.LayerNorm(config.feature_size), nn.SiLU()
        )
        self._minimum = receptive_field(self.wav2vec2)
        self._check_projection()

    def train(self, mode: bool = True) -> Wav2Vec2AudioEncoder:
        """As in nn.Module, but for wav2vec2, which stays in evaluation mode."""
        super().train(mode)
        self.wav2vec2.eval()
        return self

    @property
    def stages(self) -> tuple[nn.Module, ...]:
        """The modules whose ends mark the progress of a forward pass."""
        return stages_of(self.wav2vec2)

    def forward(self, waveform: Tensor) -> Tensor:
        """Mono audio (B, samples), not normalized, to w_a (B, T, feature_size)."""
        features: Tensor = self.audio_projection(self.hidden_states(waveform))
        return features

    def hidden_states(self, waveform: Tensor) -> Tensor:
        """(B, samples) to the outputs of all layers, concatenated per frame in layer order: (B, T, layers * hidden)."""
        require_batch(waveform)
        rate, fps = self.config.sample_rate, self.fps
        frames = frame_count(waveform.shape[1], rate, fps)
        return self._states(normalize(waveform.float()), frames)

    def _states(self, normalized: Tensor, frames: int) -> Tensor:
        samples = max(frame_samples(frames, self.config.sample_rate, self.fps), self._minimum)
        padded = repeat_last(normalized, samples, dim=1).to(network_dtype(self.wav2vec2))
        features = self.wav2vec2.feature_extractor(padded)  # [B, C, 2T - 1]
        features = F.interpolate(features, size=frames, mode="linear", align_corners=True)  # [B, C, T]
        states, _ = layer_outputs(self.wav2vec2, features)
        return torch.cat(states, dim=-1)

    @torch.no_grad()
    def stream(self, audio: AudioStream) -> Iterator[Tensor]:
        """Features of long audio, as pieces (1, n, feature_size) float32 that are computed one after another, heard in windows.

        Near to those of the whole, not equal: a window's frames do not attend to the rest of the audio. Its level and the statistics of
        the group norm are the whole's, and windows begin on frames, at which the convolutions see the same samples as in the whole. The
        audio is read twice."""
        rate, fps = self.config.sample_rate, self.fps
        frames = frame_count(audio.samples, rate, fps)
        plan = speech_windows(fps)
        spans = plan.spans(frames)
        statistics = measure_audio(self.wav2vec2, audio, frame_samples(frames, rate, fps))
        cuts = cut_spans(audio.read(), ((frame_samples(start, rate, fps), frame_samples(stop, rate, fps)) for start, stop in spans))
        windows = (self._window(cut, stop - start, statistics) for cut, (start, stop) in zip(cuts, spans, strict=True))
        yield from plan.join(spans, windows)

    def window_count(self, samples: int) -> int:
        """In how many windows `stream` hears so many samples."""
        return len(speech_windows(self.fps).spans(frame_count(samples, self.config.sample_rate, self.fps)))

    def _window(self, samples: Tensor, frames: int, statistics: AudioStatistics) -> Tensor:
        """(samples,) of long audio to (1, frames, feature_size)."""
        normalized = statistics.normalize(samples)[None].to(next(self.parameters()).device)
        with norm_of_whole_audio(self.wav2vec2, statistics):
            features: Tensor = self.audio_projection(self._states(normalized, frames))
        return features.float()

    def _check_projection(self) -> None:
        shape = self.wav2vec2.config
        available = shape.num_hidden_layers * shape.hidden_size
        if available != self.config.projection_size:
            raise OptionError(
                f"the projection takes {self.config.projection_size} values a frame, but this wav2vec2 gives {available} "
                f"({shape.num_hidden_layers} layers of {shape.hidden_size}): use the wav2vec2 that the projection was trained with"
            )

"""Audio of any length to features, piece by piece: only the window in work is held in memory.

Up to `LONGEST_WHOLE` seconds a network gets the whole audio; for more, each network has its own windows (`stream`, `stream_probabilities`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..argument_checks import check_audio
from ..audio.waveform import AudioStream, stream_audio
from ..frame_rate import frame_count
from ..progress import ProgressCallback
from ..types import AudioClip, AudioFile, FloatModel

LONGEST_WHOLE = 60  # seconds


def is_long(audio: AudioStream) -> bool:
    """Whether the audio is encoded in windows."""
    return audio.samples > LONGEST_WHOLE * audio.sample_rate


@contextmanager
def told_while_hearing(network: Any, lengths: Sequence[int], stage: str, on_progress: ProgressCallback | None) -> Iterator[None]:
    """While a network encodes audio of these lengths (in samples), `on_progress` gets each stage that is done, and how many there are."""
    if on_progress is None:
        yield
        return
    longest = LONGEST_WHOLE * network.config.sample_rate
    windows = sum(network.window_count(samples) if samples > longest else 1 for samples in lengths)
    done, total = itertools.count(1), windows * len(network.stages)

    def tell(_module: nn.Module, _inputs: Any, _output: Any) -> None:
        on_progress(stage, next(done), total)

    hooks = [module.register_forward_hook(tell) for module in network.stages]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def audio_frames(model: FloatModel, audio: AudioClip | AudioFile) -> int:
    """Frames of the model's audio features for this audio: ceil(samples * fps / rate)."""
    return frame_count(audio.samples, int(audio.sample_rate), model.config.fps)


def stream_audio_features(model: FloatModel, audio: AudioClip | AudioFile) -> Iterator[Tensor]:
    """Audio features w_a as pieces (1, n, D_a) float32 with T = ceil(samples * fps / rate) frames in all. Each piece is computed when it is
    asked for. Up to 60 s of audio there is one piece, equal to `encode_audio` bit for bit; docs/performance.md says what the windows of
    longer audio change. Checks the audio at the call and raises AudioError.

    >>> import float_core
    >>> audio = float_core.AudioClip(torch.zeros(16000), 16000)
    >>> [piece.shape for piece in stream_audio_features(float_core.load_model("mini"), audio)]
    [torch.Size([1, 25, 64])]
    """
    encoder = model.require("audio_encoder")
    return _pieces(encoder, stream_audio(check_audio(audio), encoder.config.sample_rate), model.device)


@torch.no_grad()
def _pieces(encoder: Any, audio: AudioStream, device: torch.device) -> Iterator[Tensor]:
    if is_long(audio):
        yield from encoder.stream(audio)
    else:
        yield encoder(audio.whole().to(device)).float()


@torch.no_grad()
def hear_emotion(classifier: Any, audio: AudioStream, device: torch.device) -> Tensor:
    """Probabilities (1, 1, 7) float32 for the whole audio."""
    if is_long(audio):
        return classifier.stream_probabilities(audio).float()
    return classifier.probabilities(audio.whole().to(device)).float()

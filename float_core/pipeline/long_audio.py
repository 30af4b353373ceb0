"""A voice of any length to audio features, piece by piece: nothing of a long one is held but the window that is being heard.

Up to `LONGEST_WHOLE` seconds a network hears the whole; how it hears more than that is its own affair (`stream`, `stream_probabilities`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..argument_checks import check_audio
from ..audio.sound_stream import SoundStream, stream_sound
from ..frame_rate import frame_count
from ..progress import ProgressCallback
from ..types import AudioClip, AudioFile, FloatModel

LONGEST_WHOLE = 60  # seconds


def is_long(sound: SoundStream) -> bool:
    """Whether the sound is heard in windows."""
    return sound.samples > LONGEST_WHOLE * sound.sample_rate


@contextmanager
def told_while_hearing(network: Any, lengths: Sequence[int], stage: str, on_progress: ProgressCallback | None) -> Iterator[None]:
    """Inside, the network hears sounds of so many samples: `on_progress` gets each of its stages as it ends, of all that will end."""
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
    """How many frames the model's audio features have for this sound: ceil(samples * fps / rate)."""
    return frame_count(audio.samples, int(audio.sample_rate), model.config.fps)


def stream_audio_features(model: FloatModel, audio: AudioClip | AudioFile) -> Iterator[Tensor]:
    """Audio features w_a of a sound as pieces (1, n, Da) float32, T = ceil(samples * fps / rate) frames in all, each piece computed when
    it is asked for. Up to 60 s there is one piece, the whole clip's features bit for bit; what the windows of longer ones change says
    the encoder's `stream`. Checks the sound at the call; raises AudioError."""
    encoder = model.require("audio_encoder")
    return _pieces(encoder, stream_sound(check_audio(audio), encoder.config.sample_rate), model.device)


@torch.no_grad()
def _pieces(encoder: Any, sound: SoundStream, device: torch.device) -> Iterator[Tensor]:
    if is_long(sound):
        yield from encoder.stream(sound)
    else:
        yield encoder(sound.whole().to(device)).float()


@torch.no_grad()
def hear_emotion(classifier: Any, sound: SoundStream, device: torch.device) -> Tensor:
    """What the classifier hears in all of the sound, (1, 1, 7) float32."""
    if is_long(sound):
        return classifier.stream_probabilities(sound).float()
    return classifier.probabilities(sound.whole().to(device)).float()

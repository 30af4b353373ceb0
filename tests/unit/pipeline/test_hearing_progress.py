"""Progress of what hears audio: every stage counts, it ends at its total, and raising in it stops the work."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from float_core.audio.speech_emotion import SpeechEmotionClassifier
from float_core.audio.wav2vec2_encoder import Wav2Vec2AudioEncoder
from float_core.config import EmotionConfig, Wav2Vec2AudioConfig
from float_core.pipeline.encode import encode_audio, predict_emotion
from float_core.types import AudioClip, FloatModel

RATE = 16000
LAYERS, CONVOLUTIONS = 2, 7
TINY = json.dumps(
    {
        "hidden_size": 8,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "intermediate_size": 8,
        "conv_dim": [4] * CONVOLUTIONS,
        "num_conv_pos_embeddings": 4,
        "num_conv_pos_embedding_groups": 2,
    }
)
Hear = Callable[..., Any]
LONG = 130.0  # seconds: three windows of 50 s for a wav2vec2, seven of 20 s and a little for the compact encoder


def tone(seconds: float) -> AudioClip:
    return AudioClip(torch.sin(torch.arange(int(seconds * RATE)) * 0.05), RATE)


@pytest.fixture
def heard(model: FloatModel) -> FloatModel:
    """With a wav2vec2 and an emotion network."""
    torch.manual_seed(3)
    encoder = Wav2Vec2AudioEncoder(Wav2Vec2AudioConfig(TINY, projection_size=LAYERS * 8, feature_size=5)).eval()
    emotion = SpeechEmotionClassifier(EmotionConfig(TINY)).eval()
    return replace(model, audio_encoder=encoder, emotion_loader=lambda: emotion)


CASES = {
    "compact": (encode_audio, {}, 2.0, 1, 4),
    "compact, long": (encode_audio, {}, LONG, 7, 4),
    "wav2vec2": (encode_audio, {}, 2.0, 1, CONVOLUTIONS + LAYERS),
    "wav2vec2, long": (encode_audio, {}, LONG, 3, CONVOLUTIONS + LAYERS),
    "emotion": (predict_emotion, {}, 2.0, 1, CONVOLUTIONS + LAYERS),
    "emotion, long": (predict_emotion, {}, LONG, 3, CONVOLUTIONS + LAYERS),
    "emotion over time": (predict_emotion, {"window_seconds": 1.0, "overlap": 0.5}, 2.0, 3, CONVOLUTIONS + LAYERS),
    "emotion over time, long windows": (predict_emotion, {"window_seconds": 90.0}, LONG, 2 * 2, CONVOLUTIONS + LAYERS),
}


@pytest.mark.parametrize("case", CASES)
def test_it_counts_every_stage_of_every_window(model, heard, case):
    hear, options, seconds, windows, stages = CASES[case]
    used, audio = (model if case.startswith("compact") else heard), tone(seconds)
    told: list[tuple[str, int, int]] = []
    result = hear(used, audio, **options, on_progress=lambda *now: told.append(now))
    total = windows * stages
    name = "audio" if hear is encode_audio else "emotion"
    assert told == [(name, done, total) for done in range(1, total + 1)]
    value, plain = (
        getattr(r, "features", None) if hear is encode_audio else r.probabilities for r in (result, hear(used, audio, **options))
    )
    assert torch.equal(value, plain)
    assert len(told) == total, "nobody is told any more"


@pytest.mark.parametrize("hear", [encode_audio, predict_emotion])
def test_raising_in_it_stops_the_work_and_leaves_nothing_behind(heard, hear: Hear):
    class Stop(BaseException):
        pass

    def stop(_stage: str, done: int, _total: int) -> None:
        if done == 3:
            raise Stop

    with pytest.raises(Stop):
        hear(heard, tone(2.0), on_progress=stop)
    hear(heard, tone(2.0))

"""What drives the face: AudioFeatures for the words, and Speech2Emotion, FLOATEmotionMix or FLOATEmotionTimeline for the emotion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..float_core import (
    EMOTIONS,
    EmotionCondition,
    audio_memory,
    choose_emotion,
    emotion_keyframes_from_text,
    emotion_timeline,
    encode_audio,
    predict_emotion,
)
from ..float_core.types import AudioFeatures as EncodedAudio
from . import host_bridge, socket_types
from .comfy_api_v3 import FloatNode, io
from .conversions import audio_to_clip, emotion_bars, moved
from .managed_model import ManagedModel

FROM_VOICE = "from the voice"
EXAMPLE = "0.0 neutral\n2.0 happy\n5.0 happy=0.7,surprise=0.3 x0.8"


class AudioFeatures(FloatNode):
    """Encodes speech into what drives the face, 25 times per second."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Audio Features",
            search_aliases=["encode audio", "speech", "wav2vec"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model."),
                io.Audio.Input("audio", tooltip="Speech, at any sample rate, mono or stereo. The video is as long as this audio."),
            ],
            outputs=[socket_types.Audio.Output(display_name="audio_features", tooltip="What the speech does in every frame.")],
        )

    @classmethod
    def execute(cls, model: ManagedModel, audio: Mapping[str, Any] | None) -> io.NodeOutput:
        clip = audio_to_clip(audio)
        with model.computing("audio_encoder", memory=audio_memory(clip.samples / clip.sample_rate), work="encoding the audio") as core:
            features = encode_audio(core, clip, on_progress=host_bridge.NodeProgress())
        return io.NodeOutput(moved(features, host_bridge.result_device()))


class Speech2Emotion(FloatNode):
    """Predicts the emotion from the voice, or takes the one that you choose."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Speech to Emotion",
            search_aliases=["emotion", "mood", "expression"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model. Used when the emotion comes from the voice."),
                io.Combo.Input(
                    "emotion",
                    options=[FROM_VOICE, *EMOTIONS],
                    default=FROM_VOICE,
                    tooltip="from the voice: as the model hears it. A model that cannot uses neutral.",
                ),
                io.Audio.Input("audio", optional=True, tooltip="The speech. Only needed when the emotion comes from the voice."),
                io.Float.Input(
                    "window",
                    default=0.0,
                    min=0.0,
                    max=600.0,
                    step=0.5,
                    round=0.001,
                    optional=True,  # as prompts of older versions have no value for it
                    tooltip="From the voice: how many seconds are heard at once. The emotion then changes with the voice; 2 to 4 works "
                    "well. 0 = one emotion for all of the audio.",
                ),
                io.Float.Input(
                    "overlap",
                    default=0.5,
                    min=0.0,
                    max=0.9,
                    step=0.05,
                    round=0.001,
                    optional=True,
                    tooltip="From the voice, with a window: how much of a window overlaps with the next. More is smoother and slower.",
                ),
            ],
            outputs=[socket_types.Emotion.Output(display_name="emotion", tooltip="Weights of the seven emotions.")],
        )

    @classmethod
    def execute(
        cls, model: ManagedModel, emotion: str, audio: Mapping[str, Any] | None = None, window: float = 0.0, overlap: float = 0.5
    ) -> io.NodeOutput:
        if emotion != FROM_VOICE:
            return _with_bars(choose_emotion(emotion))
        if not model.core.has("emotion"):
            host_bridge.tell_user("This model cannot hear emotions: neutral is used. Choose an emotion to set it yourself.")
            return _with_bars(choose_emotion("neutral"))
        clip = audio_to_clip(audio)
        memory = audio_memory(clip.samples / clip.sample_rate, window or None)
        with model.computing("emotion", memory=memory, work="predicting the emotion") as core:
            heard = predict_emotion(core, clip, window_seconds=window or None, overlap=overlap, on_progress=host_bridge.NodeProgress())
        bars = emotion_bars(heard, core.config.fps)
        host_bridge.tell_user(", ".join(f"{name} {share:.0%}" for name, share in zip(bars["names"], bars["probabilities"], strict=True)))
        return _with_bars(moved(heard, host_bridge.result_device()), core.config.fps)


def _with_bars(emotion: EmotionCondition, fps: float = 25.0) -> io.NodeOutput:
    return io.NodeOutput(emotion, ui={"float_emotion": [emotion_bars(emotion, fps)]})


class FLOATEmotionMix(FloatNode):
    """Mixes the seven emotions, the same mix for the whole video."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Emotion Mix",
            search_aliases=["expression", "mood"],
            inputs=[
                io.Float.Input(
                    name,
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    round=0.001,
                    display_mode=io.NumberDisplay.slider,
                    tooltip=f"How much {name}. The seven values are scaled so that they sum to 1. All at 0 is neutral.",
                )
                for name in EMOTIONS
            ],
            outputs=[socket_types.Emotion.Output(display_name="emotion", tooltip="Weights of the seven emotions.")],
        )

    @classmethod
    def execute(cls, **weights: float) -> io.NodeOutput:
        return io.NodeOutput(choose_emotion(weights if any(weights.values()) else "neutral"))


class FLOATEmotionTimeline(FloatNode):
    """Changes the emotion over time: one line for each change."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Emotion Timeline",
            search_aliases=["emotion keyframes", "emotion over time"],
            inputs=[
                socket_types.Audio.Input("audio_features", tooltip="From FLOAT Audio Features: sets the length."),
                io.String.Input(
                    "timeline",
                    default=EXAMPLE,
                    multiline=True,
                    tooltip="One line for each change: the time in seconds, then an emotion or a mix. x0.8 at the end is its strength: the "
                    "rest is neutral. Each lasts until the next line.",
                ),
                io.Float.Input(
                    "transition",
                    default=0.5,
                    min=0.0,
                    max=30.0,
                    step=0.1,
                    round=0.001,
                    tooltip="How many seconds a change takes. Half of them lie before its time. 0 = at once.",
                ),
            ],
            outputs=[socket_types.Emotion.Output(display_name="emotion", tooltip="Weights of the seven emotions for every frame.")],
        )

    @classmethod
    def execute(cls, audio_features: EncodedAudio, timeline: str, transition: float) -> io.NodeOutput:
        keyframes = emotion_keyframes_from_text(timeline)
        frames = audio_features.features.shape[1]
        emotion = emotion_timeline(keyframes, frames, audio_features.fps, transition=transition)
        return io.NodeOutput(moved(emotion, host_bridge.result_device()))

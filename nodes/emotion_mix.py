"""The emotion as an artist wants it: FLOATEmotionMix, one mix of the seven for the whole clip, and FLOATEmotionTimeline, one that
changes."""

from __future__ import annotations

from ..float_core import EMOTIONS, AudioFeatures, choose_emotion, emotion_keyframes_from_text, emotion_timeline
from . import host_bridge, socket_types
from .comfy_api_v3 import io, schema
from .conversions import moved

EXAMPLE = "0.0 neutral\n2.0 happy\n5.0 happy=0.7,surprise=0.3 x0.8"


class FLOATEmotionMix(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATEmotionMix",
            display_name="FLOAT Emotion Mix",
            description="Mixes the seven emotions, for the whole clip.",
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
                    tooltip=f"How much {name}, as a share of all seven: they are scaled to sum to 1. All at 0 is neutral.",
                )
                for name in EMOTIONS
            ],
            outputs=[socket_types.Emotion.Output(display_name="emotion", tooltip="Weights of the seven emotions.")],
        )

    @classmethod
    def execute(cls, **weights: float) -> io.NodeOutput:
        """Mixes them."""
        return io.NodeOutput(choose_emotion(weights if any(weights.values()) else "neutral"))


class FLOATEmotionTimeline(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATEmotionTimeline",
            display_name="FLOAT Emotion Timeline",
            description="Changes the emotion within a clip: a line for each change.",
            search_aliases=["emotion keyframes", "emotion over time"],
            inputs=[
                socket_types.Audio.Input("audio_features", tooltip="From FLOAT Audio Features: gives the length of the clip."),
                io.String.Input(
                    "timeline",
                    default=EXAMPLE,
                    multiline=True,
                    tooltip="A line for each change: the second, and the emotion or a mix of several. x0.8 behind it is its strength: "
                    "the rest is neutral. Each lasts until the next.",
                ),
                io.Float.Input(
                    "transition",
                    default=0.5,
                    min=0.0,
                    max=30.0,
                    step=0.1,
                    round=0.001,
                    tooltip="Seconds that a change takes, half of them before its time. 0 = at once.",
                ),
            ],
            outputs=[socket_types.Emotion.Output(display_name="emotion", tooltip="Weights of the seven emotions, frame by frame.")],
        )

    @classmethod
    def execute(cls, audio_features: AudioFeatures, timeline: str, transition: float) -> io.NodeOutput:
        """Makes it."""
        keyframes = emotion_keyframes_from_text(timeline)
        frames = audio_features.features.shape[1]
        emotion = emotion_timeline(keyframes, frames, audio_features.fps, transition=transition)
        return io.NodeOutput(moved(emotion, host_bridge.result_device()))

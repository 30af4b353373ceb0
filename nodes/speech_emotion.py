"""Speech2Emotion: the emotion of the face, heard in the voice or chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..float_core import EMOTIONS, EmotionCondition, choose_emotion, predict_emotion
from . import host_bridge, socket_types
from .comfy_api_v3 import io, schema
from .conversions import audio_to_clip, emotion_bars, moved
from .managed_model import ManagedModel
from .memory_estimates import LONGEST_SOUND, sound_memory

FROM_VOICE = "from the voice"


class Speech2Emotion(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="Speech2Emotion",
            display_name="FLOAT Speech to Emotion",
            description="Hears the emotion in the voice, or takes the one that you choose.",
            search_aliases=["emotion", "mood", "expression"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model. Needed where the emotion comes from the voice."),
                io.Combo.Input(
                    "emotion",
                    options=[FROM_VOICE, *EMOTIONS],
                    default=FROM_VOICE,
                    tooltip="from the voice: as the model hears it. A model that cannot, such as the bundled one, takes neutral.",
                ),
                io.Audio.Input("audio", optional=True, tooltip="The voice; needed only where the emotion comes from it."),
                io.Float.Input(
                    "window",
                    default=0.0,
                    min=0.0,
                    max=600.0,
                    step=0.5,
                    round=0.001,
                    optional=True,  # as prompts of older versions have no value for it
                    tooltip="from the voice: seconds that are heard at once; the emotion then follows the voice. 2 to 4 is useful. "
                    "0 = one emotion for the whole clip.",
                ),
                io.Float.Input(
                    "overlap",
                    default=0.5,
                    min=0.0,
                    max=0.9,
                    step=0.05,
                    round=0.001,
                    optional=True,
                    tooltip="from the voice, with a window: the share of a window that it has in common with the next. More is smoother.",
                ),
            ],
            outputs=[socket_types.Emotion.Output(display_name="emotion", tooltip="Weights of the seven emotions.")],
        )

    @classmethod
    def execute(
        cls, model: ManagedModel, emotion: str, audio: Mapping[str, Any] | None = None, window: float = 0.0, overlap: float = 0.5
    ) -> io.NodeOutput:
        """Chooses or predicts it."""
        if emotion != FROM_VOICE:
            return _told(choose_emotion(emotion))
        if not model.core.has("emotion"):
            host_bridge.tell_user("This model has no emotion network: neutral is used. Choose an emotion to set it yourself.")
            return _told(choose_emotion("neutral"))
        clip = audio_to_clip(audio)
        memory = sound_memory(len(clip.waveform) / clip.sample_rate, window or LONGEST_SOUND)
        with model.computing("emotion", memory=memory, work="hearing the emotion") as core:
            heard = predict_emotion(core, clip, window_seconds=window or None, overlap=overlap)
        weights = heard.probabilities.mean(dim=(0, 1)).tolist()
        host_bridge.tell_user(", ".join(f"{name} {weight:.0%}" for name, weight in zip(heard.names, weights, strict=True)))
        return _told(moved(heard, host_bridge.result_device()), core.config.fps)


def _told(emotion: EmotionCondition, fps: float = 25.0) -> io.NodeOutput:
    return io.NodeOutput(emotion, ui={"float_emotion": [emotion_bars(emotion, fps)]})

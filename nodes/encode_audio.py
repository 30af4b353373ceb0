"""AudioFeatures: what the voice does, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..float_core import encode_audio
from . import host_bridge, socket_types
from .comfy_api_v3 import io, schema
from .conversions import audio_to_clip, moved
from .managed_model import ManagedModel
from .memory_estimates import sound_memory


class AudioFeatures(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="AudioFeatures",
            display_name="FLOAT Audio Features",
            description="Reads off a voice what drives the face, 25 times a second.",
            search_aliases=["encode voice", "wav2vec"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model."),
                io.Audio.Input("audio", tooltip="A voice, at any sample rate; channels are mixed. Its length is the video's length."),
            ],
            outputs=[socket_types.Audio.Output(display_name="audio_features", tooltip="What the voice does in every frame.")],
        )

    @classmethod
    def execute(cls, model: ManagedModel, audio: Mapping[str, Any] | None) -> io.NodeOutput:
        """Encodes it."""
        clip = audio_to_clip(audio)
        memory = sound_memory(len(clip.waveform) / clip.sample_rate)
        with model.computing("audio_encoder", memory=memory, work="hearing the voice") as core:
            return io.NodeOutput(moved(encode_audio(core, clip), host_bridge.result_device()))

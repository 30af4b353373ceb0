"""SampleMotionLatents: from a voice to the motion of a face."""

from __future__ import annotations

from typing import Any

from ..float_core import AudioFeatures, EmotionCondition, SourceIdentity, sample_motion
from ..float_core.types import NOISE_POLICIES, SOLVERS
from . import host_bridge, live_preview, socket_types
from .comfy_api_v3 import io, schema
from .conversions import moved
from .managed_model import ManagedModel
from .memory_estimates import sampling_memory
from .sampling_settings import AS_SET, QUALITY_CHOICES, sampling_options

GUIDANCE = {"min": 0.0, "max": 10.0, "step": 0.1, "round": 0.01}


class SampleMotionLatents(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="SampleMotionLatents",
            display_name="FLOAT Sample Motion",
            description="Lets the voice and the emotion move the face: samples the motion of the whole clip.",
            search_aliases=["sampler", "talking motion"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model."),
                socket_types.Identity.Input("identity", tooltip="From FLOAT Encode Source Identity: the motion starts from this pose."),
                socket_types.Audio.Input("audio", tooltip="From FLOAT Audio Features."),
                socket_types.Emotion.Input("emotion", tooltip="From FLOAT Speech to Emotion."),
                io.Int.Input("steps", default=10, min=1, max=200, step=1, tooltip="Evaluations of the network for every 2 seconds."),
                io.Combo.Input(
                    "solver",
                    options=list(SOLVERS),
                    default="euler",
                    tooltip="midpoint and heun take two evaluations a step, rk4 takes four: give a multiple of that as steps.",
                ),
                io.Float.Input("audio_guidance", default=2.0, **GUIDANCE, tooltip="How strongly the voice moves the face. 1 = as learned."),
                io.Float.Input("emotion_guidance", default=1.0, **GUIDANCE, tooltip="How strongly the emotion shows. 1 = as learned."),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**64 - 1,
                    step=1,
                    control_after_generate=True,
                    tooltip="Decides all that the voice leaves open: nods, blinks, looks. The same seed gives the same motion.",
                ),
                io.Combo.Input(
                    "noise_policy",
                    options=list(NOISE_POLICIES),
                    default="continuous",
                    tooltip="continuous: new noise for every 2 seconds. same_each_window: the same each time, as the released script.",
                ),
                io.Combo.Input(
                    "quality",
                    options=list(QUALITY_CHOICES),
                    default=AS_SET,
                    optional=True,
                    tooltip="fast, balanced and best choose steps, solver and more, as measured; steps and solver above are then not used.",
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The motion of the clip, 25 latents a second.")],
        )

    @classmethod
    def execute(
        cls, model: ManagedModel, identity: SourceIdentity, audio: AudioFeatures, emotion: EmotionCondition, **options: Any
    ) -> io.NodeOutput:
        """Samples it."""
        chosen = sampling_options(**options)
        memory = sampling_memory(model.transformer, chosen.steps)
        with model.computing("transformer", memory=memory, work="sampling the motion") as core:
            sampled = sample_motion(core, identity, audio, emotion, chosen, on_progress=host_bridge.NodeProgress())
        motion = moved(sampled, host_bridge.result_device())
        live_preview.remember_identity(motion, identity)
        return io.NodeOutput(motion)

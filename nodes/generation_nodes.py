"""From speech to video: SampleMotionLatents makes the motion, DecodeVideo renders it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from ..float_core import (
    AudioFeatures,
    EmotionCondition,
    FloatModel,
    FrameChunk,
    MotionSequence,
    SourceIdentity,
    automatic_batch_size,
    frame_memory,
    render_frames,
    sample_motion,
    sampling_memory,
    write_video,
)
from ..float_core.types import NOISE_POLICIES, SOLVERS
from . import host_bridge, socket_types
from .comfy_api_v3 import FloatNode, InputImpl, io
from .conversions import audio_to_track, moved
from .frame_stream import collected, shown, with_smaller_batches
from .managed_model import ManagedModel
from .memory import check_room, image_memory, new_batch
from .timing_nodes import at_rate
from .widget_values import AS_SET, QUALITY_CHOICES, sampling_options

GUIDANCE = {"min": 0.0, "max": 10.0, "step": 0.1, "round": 0.01}
IMAGES = 0  # the output's index
NOT_KEPT = (
    "FLOAT Decode Video did not keep its frames, because nothing was connected to `images` when the run began. "
    "Connect this node to it directly, and run again."
)


class SampleMotionLatents(FloatNode):
    """Makes the motion of the whole video from the speech and the emotion."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Sample Motion",
            search_aliases=["sampler", "talking motion"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model."),
                socket_types.Identity.Input("identity", tooltip="From FLOAT Encode Source Identity: the motion starts from this pose."),
                socket_types.Audio.Input("audio", display_name="audio features", tooltip="From FLOAT Audio Features."),
                socket_types.Emotion.Input("emotion", tooltip="From FLOAT Speech to Emotion."),
                io.Int.Input("steps", default=10, min=1, max=200, step=1, tooltip="Evaluations of the network for every 2 seconds."),
                io.Combo.Input(
                    "solver",
                    options=list(SOLVERS),
                    default="euler",
                    tooltip="midpoint and heun take two evaluations per step, rk4 takes four: steps must be a multiple of that.",
                ),
                io.Float.Input(
                    "audio_guidance", default=2.0, **GUIDANCE, tooltip="How strongly the speech moves the face (CFG). 1 = as learned."
                ),
                io.Float.Input(
                    "emotion_guidance", default=1.0, **GUIDANCE, tooltip="How strongly the emotion shows (CFG). 1 = as learned."
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**64 - 1,
                    step=1,
                    control_after_generate=True,
                    tooltip="Decides all that speech leaves open: nods, blinks, glances. The same seed gives the same motion.",
                ),
                io.Combo.Input(
                    "noise_policy",
                    display_name="noise",
                    options=list(NOISE_POLICIES),
                    default="continuous",
                    tooltip="continuous: new noise for every 2 seconds. same_each_window: the same each time, like the released script.",
                ),
                io.Combo.Input(
                    "quality",
                    options=list(QUALITY_CHOICES),
                    default=AS_SET,
                    optional=True,
                    tooltip="fast, balanced and best set how to sample, as measured. steps and solver above are then not used.",
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The motion of the whole video, 25 frames per second.")],
        )

    @classmethod
    def execute(
        cls, model: ManagedModel, identity: SourceIdentity, audio: AudioFeatures, emotion: EmotionCondition, **options: Any
    ) -> io.NodeOutput:
        chosen = sampling_options(**options)
        with model.computing("transformer", memory=sampling_memory(model.core, chosen.steps), work="sampling the motion") as core:
            motion = sample_motion(core, identity, audio, emotion, chosen, on_progress=host_bridge.NodeProgress())
        return io.NodeOutput(moved(motion, host_bridge.result_device()))


class DecodeVideo(FloatNode):
    """Renders every frame of a motion: as images, and as a video with audio."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Decode Video",
            search_aliases=["render", "talking video"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model."),
                socket_types.Identity.Input("identity", tooltip="From FLOAT Encode Source Identity: whose face is rendered."),
                socket_types.Motion.Input("motion", tooltip="From FLOAT Sample Motion or FLOAT Lambda Edit."),
                io.Int.Input(
                    "batch_size",
                    default=0,
                    min=0,
                    max=256,
                    step=1,
                    tooltip="How many frames are rendered at once. 0 = chosen for you. It is halved when memory runs out.",
                ),
                io.Audio.Input(
                    "audio",
                    optional=True,
                    tooltip="The audio of the video, which is then as long. Stereo stays stereo. Without it: silent.",
                ),
                io.Float.Input(
                    "fps",
                    display_name="frame rate",
                    default=0.0,
                    min=0.0,
                    max=120.0,
                    step=1.0,
                    round=0.001,
                    optional=True,  # as prompts of older versions have no value for it
                    tooltip="Frames per second, 10 to 120. The motion is resampled, not the images, to as many frames as the audio needs. "
                    "0 = the motion's own rate, which is 25.",
                ),
                io.Float.Input(
                    "image_memory_limit",
                    default=0.0,
                    min=0.0,
                    max=4096.0,
                    step=0.5,
                    round=0.01,
                    optional=True,
                    tooltip="Only used when `images` is connected: how many GB all frames may take. Above that, the node stops before it "
                    "renders. 0 = what is free.",
                ),
                io.Boolean.Input(
                    "compiled",
                    display_name="compile",
                    default=False,
                    optional=True,
                    tooltip="On a GPU or in half precision: renders faster, but first compiles for a minute, which cannot be interrupted.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="images",
                    tooltip="All frames, for other nodes. They are kept in memory, and only if something is connected here.",
                ),
                io.Video.Output(display_name="video", tooltip="The finished video with its audio, for Save Video."),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, **_inputs: Any) -> bool:
        """Whether images are wanted, which is no input: a run without them must not answer one with them from the cache."""
        return host_bridge.is_taken(IMAGES)

    @classmethod
    def execute(
        cls,
        model: ManagedModel,
        identity: SourceIdentity,
        motion: MotionSequence,
        batch_size: int,
        audio: Mapping[str, Any] | None = None,
        fps: float = 0.0,
        image_memory_limit: float = 0.0,
        compiled: bool = False,
    ) -> io.NodeOutput:
        clip = audio_to_track(audio) if audio is not None else None
        motion = at_rate(motion, fps, clip)
        images = _room_for_images(motion.latents.shape[1], model.size, image_memory_limit) if host_bridge.is_taken(IMAGES) else None
        batch = batch_size or automatic_batch_size(model.computed)
        memory = frame_memory(model.core, min(motion.latents.shape[1], batch))
        with model.computing("autoencoder", memory=memory, work="rendering frames") as core:
            chunks = _render(core, identity, motion, batch, compiled)
            chunks = chunks if images is None else collected(chunks, images)  # each goes to the file before the next is rendered
            path = write_video(host_bridge.temporary_file(".mp4"), chunks, fps=motion.fps, audio=clip)
        return io.NodeOutput(host_bridge.blocked(NOT_KEPT) if images is None else images, InputImpl.VideoFromFile(str(path)))


def _room_for_images(frames: int, size: int, limit: float) -> Tensor:
    device = host_bridge.result_device()
    warning = check_room(image_memory(frames, size), host_bridge.available_memory(device), limit)
    if warning is not None:
        host_bridge.tell_user(warning)
    return new_batch(frames, size, device)


def _render(core: FloatModel, identity: SourceIdentity, motion: MotionSequence, batch: int, compiled: bool) -> Iterator[FrameChunk]:
    """All chunks, with the node's progress, and in smaller batches where the device runs out of memory."""
    progress, total = host_bridge.NodeProgress(), motion.latents.shape[1]

    def render(part: MotionSequence, batch: int) -> Iterator[FrameChunk]:
        return render_frames(core, identity, part, batch_size=batch, compile=compiled, on_progress=host_bridge.check_interrupt)

    chunks = with_smaller_batches(render, motion, batch, host_bridge.is_out_of_memory, host_bridge.free_memory)
    return shown(chunks, lambda done, frame: progress.show(done, total, frame))

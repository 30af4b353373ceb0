"""DecodeVideo: from a motion to pictures and a video."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ..float_core import MotionSequence, SourceIdentity, render_frames, write_video
from ..float_core.pipeline.render import automatic_batch_size
from . import host_bridge, socket_types
from .comfy_api_v3 import InputImpl, io, schema
from .conversions import audio_to_clip
from .cut_motion import at_rate
from .frame_stream import collected, with_smaller_batches
from .managed_model import ManagedModel
from .memory_estimates import frame_memory


class DecodeVideo(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="DecodeVideo",
            display_name="FLOAT Decode Video",
            description="Draws every frame of a motion: as pictures, and as a video with the sound.",
            search_aliases=["render", "talking video"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model."),
                socket_types.Identity.Input("identity", tooltip="From FLOAT Encode Source Identity: who is moved."),
                socket_types.Motion.Input("motion", tooltip="From FLOAT Sample Motion or FLOAT Lambda Edit."),
                io.Int.Input(
                    "batch_size",
                    default=0,
                    min=0,
                    max=256,
                    step=1,
                    tooltip="Frames drawn at once; 0 = chosen for you. Halved by itself when the memory runs out.",
                ),
                io.Audio.Input("audio", optional=True, tooltip="The sound of the video, one channel. Without it the video is silent."),
                io.Float.Input(
                    "fps",
                    default=0.0,
                    min=0.0,
                    max=120.0,
                    step=1.0,
                    round=0.001,
                    optional=True,  # as prompts of older versions have no value for it
                    tooltip="Frames a second, 10 to 120: the motion, not the picture, is resampled, to as many frames as the sound takes. "
                    "0 = the motion's own rate, which is 25, frame for frame.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="images", tooltip="All frames. Save them with Create Video at the same fps, or work on them first."
                ),
                io.Video.Output(display_name="video", tooltip="The finished video with the sound, for Save Video."),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: ManagedModel,
        identity: SourceIdentity,
        motion: MotionSequence,
        batch_size: int,
        audio: Mapping[str, Any] | None = None,
        fps: float = 0.0,
    ) -> io.NodeOutput:
        """Draws them, each chunk to the IMAGE and to the file before the next."""
        clip = audio_to_clip(audio) if audio is not None else None
        motion = at_rate(motion, fps, clip)
        total, size = motion.motion.shape[1], model.size
        core = model.ready("autoencoder", memory=frame_memory(size, min(total, batch_size or 16)))
        progress = host_bridge.NodeProgress()
        images = torch.empty(total, size, size, 3, device=host_bridge.result_device())

        def render(part: MotionSequence, batch: int) -> Any:
            return render_frames(core, identity, part, batch_size=batch, on_progress=host_bridge.check_interrupt)

        batch = batch_size or automatic_batch_size(core)
        chunks = with_smaller_batches(render, motion, batch, host_bridge.is_out_of_memory, host_bridge.free_memory)
        chunks = collected(chunks, images, lambda done, frame: progress.show(done, total, frame))
        path = write_video(host_bridge.temporary_file(".mp4"), chunks, fps=motion.fps, clip=clip)
        return io.NodeOutput(images, InputImpl.VideoFromFile(str(path)))

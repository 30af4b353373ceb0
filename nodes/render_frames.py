"""DecodeVideo: from a motion to images and a video."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from ..float_core import FloatModel, FrameChunk, MotionSequence, SourceIdentity, render_frames, write_video
from ..float_core.pipeline.render import automatic_batch_size
from . import host_bridge, socket_types
from .comfy_api_v3 import InputImpl, io, schema
from .compile_notes import compile_notes
from .conversions import audio_to_clip
from .cut_motion import at_rate
from .frame_stream import collected, shown, with_smaller_batches
from .image_batch import check_room, new_batch
from .managed_model import ManagedModel
from .memory_estimates import frame_memory, image_memory

IMAGES = 0  # the output's index
NOT_KEPT = (
    "FLOAT Decode Video did not keep its frames, as nothing was connected to `images` when the run began. "
    "Connect this node to it directly, and run again."
)


class DecodeVideo(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="DecodeVideo",
            display_name="FLOAT Decode Video",
            description="Draws every frame of a motion: as images, and as a video with the sound.",
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
                    tooltip="Frames a second, 10 to 120: the motion, not the image, is resampled, to as many frames as the sound takes. "
                    "0 = the motion's own rate, which is 25, frame for frame.",
                ),
                io.Float.Input(
                    "image_memory_limit",
                    default=0.0,
                    min=0.0,
                    max=4096.0,
                    step=0.5,
                    round=0.01,
                    optional=True,
                    tooltip="Only where `images` is connected: GB that all frames may take, or the node refuses. 0 = what is free.",
                ),
                io.Boolean.Input(
                    "compiled",
                    default=False,
                    optional=True,
                    tooltip="GPU or half precision: draws faster, once a first run has compiled for a minute, which nothing interrupts.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="images",
                    tooltip="All frames, for other nodes. They are kept in memory, and only if something is connected here.",
                ),
                io.Video.Output(display_name="video", tooltip="The finished video with the sound, for Save Video."),
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
        """Draws them, each chunk to the file, and to the IMAGE if it is wanted, before the next."""
        clip = audio_to_clip(audio) if audio is not None else None
        motion = at_rate(motion, fps, clip)
        images = _room_for_images(motion.latents.shape[1], model.size, image_memory_limit) if host_bridge.is_taken(IMAGES) else None
        batch = batch_size or automatic_batch_size(replace(model.core, device=model.device))
        memory = frame_memory(model.autoencoder, min(motion.latents.shape[1], batch))
        with model.computing("autoencoder", memory=memory, work="drawing frames") as core, compile_notes(host_bridge.tell_user):
            chunks = _draw(core, identity, motion, batch, compiled)
            chunks = chunks if images is None else collected(chunks, images)
            path = write_video(host_bridge.temporary_file(".mp4"), chunks, fps=motion.fps, audio=clip)
        return io.NodeOutput(host_bridge.blocked(NOT_KEPT) if images is None else images, InputImpl.VideoFromFile(str(path)))


def _room_for_images(frames: int, size: int, limit: float) -> Tensor:
    device = host_bridge.result_device()
    warning = check_room(image_memory(frames, size), host_bridge.available_memory(device), limit)
    if warning is not None:
        host_bridge.tell_user(warning)
    return new_batch(frames, size, device)


def _draw(core: FloatModel, identity: SourceIdentity, motion: MotionSequence, batch: int, compiled: bool) -> Iterator[FrameChunk]:
    """All chunks, with the node's progress, and in smaller batches where the device runs out of memory."""
    progress, total = host_bridge.NodeProgress(), motion.latents.shape[1]

    def render(part: MotionSequence, batch: int) -> Iterator[FrameChunk]:
        return render_frames(core, identity, part, batch_size=batch, compile=compiled, on_progress=host_bridge.check_interrupt)

    chunks = with_smaller_batches(render, motion, batch, host_bridge.is_out_of_memory, host_bridge.free_memory)
    return shown(chunks, lambda done, frame: progress.show(done, total, frame))

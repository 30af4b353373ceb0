"""The nodes that cut, lengthen and join motions in time: FLOATTrimMotion, FLOATJoinMotion, FLOATLoopMotion, FLOATStretchMotion,
FLOATResampleMotion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..float_core import AudioClip, MotionSequence, join_motions, loop_motion, resample_motion, stretch_motion, trim_motion
from . import socket_types
from .comfy_api_v3 import io, schema
from .conversions import audio_to_clip, clip_seconds
from .live_preview import carry_identity

SECONDS = {"min": 0.0, "max": 36000.0, "step": 0.04, "round": 0.001}
CROSSFADE = {"min": 0.0, "max": 60.0, "step": 0.04, "round": 0.001}


def at_rate(motion: MotionSequence, fps: float, clip: AudioClip | None) -> MotionSequence:
    """The motion at `fps`, as long as the clip, or as it was; 0 = as it is."""
    return resample_motion(motion, fps, seconds=clip_seconds(clip)) if fps else motion


class FLOATTrimMotion(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATTrimMotion",
            display_name="FLOAT Trim Motion",
            description="Keeps a part of a motion.",
            search_aliases=["cut motion", "clip motion"],
            inputs=[
                socket_types.Motion.Input("motion", tooltip="The motion to cut."),
                io.Float.Input("start", default=0.0, **SECONDS, tooltip="Seconds: the first frame that is kept."),
                io.Float.Input("end", default=0.0, **SECONDS, tooltip="Seconds: where the part ends. 0 = at the end of the motion."),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The part.")],
        )

    @classmethod
    def execute(cls, motion: MotionSequence, start: float, end: float) -> io.NodeOutput:
        """Trims it."""
        return io.NodeOutput(carry_identity(motion, trim_motion(motion, start, end or None)))


class FLOATJoinMotion(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATJoinMotion",
            display_name="FLOAT Join Motion",
            description="Plays one motion after another, with a crossfade.",
            search_aliases=["concatenate motion", "append motion"],
            inputs=[
                socket_types.Motion.Input("first", tooltip="What comes first."),
                socket_types.Motion.Input("second", tooltip="What follows, at the same frame rate."),
                io.Float.Input(
                    "crossfade",
                    default=0.2,
                    **CROSSFADE,
                    tooltip="Seconds in which the first passes into the second. They overlap: the result is shorter by this. 0 = a cut.",
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="Both, one after the other.")],
        )

    @classmethod
    def execute(cls, first: MotionSequence, second: MotionSequence, crossfade: float) -> io.NodeOutput:
        """Joins them."""
        return io.NodeOutput(carry_identity(first, join_motions(first, second, crossfade=crossfade)))


class FLOATLoopMotion(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATLoopMotion",
            display_name="FLOAT Loop Motion",
            description="Makes a motion that can be played round and round without a jump.",
            search_aliases=["repeat motion", "seamless loop", "idle"],
            inputs=[
                socket_types.Motion.Input("motion", tooltip="The motion to close."),
                io.Float.Input(
                    "crossfade",
                    default=0.5,
                    **CROSSFADE,
                    tooltip="Seconds in which the end passes into the beginning. One round is shorter by this.",
                ),
                io.Int.Input("repeats", default=1, min=1, max=1000, step=1, tooltip="Rounds in the result, one after another."),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The loop: after its last frame comes its first.")],
        )

    @classmethod
    def execute(cls, motion: MotionSequence, crossfade: float, repeats: int) -> io.NodeOutput:
        """Loops it."""
        return io.NodeOutput(carry_identity(motion, loop_motion(motion, crossfade=crossfade, repeats=repeats)))


class FLOATStretchMotion(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATStretchMotion",
            display_name="FLOAT Stretch Motion",
            description="Slows a motion down or speeds it up, at the same frame rate.",
            search_aliases=["slow motion", "speed", "time stretch"],
            inputs=[
                socket_types.Motion.Input("motion", tooltip="The motion to stretch. Its mouth no longer fits its voice."),
                io.Float.Input(
                    "speed", default=1.0, min=0.1, max=10.0, step=0.05, round=0.001, tooltip="2 = twice as fast, 0.5 = half as fast."
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The motion at that speed.")],
        )

    @classmethod
    def execute(cls, motion: MotionSequence, speed: float) -> io.NodeOutput:
        """Stretches it."""
        return io.NodeOutput(carry_identity(motion, stretch_motion(motion, speed)))


class FLOATResampleMotion(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATResampleMotion",
            display_name="FLOAT Resample Motion",
            description="Gives a motion another frame rate, between its own frames, at the same speed.",
            search_aliases=["frame rate", "fps", "interpolate motion"],
            inputs=[
                socket_types.Motion.Input("motion", tooltip="The motion, at any frame rate."),
                io.Float.Input(
                    "fps",
                    default=30.0,
                    min=10.0,
                    max=120.0,
                    step=1.0,
                    round=0.001,
                    tooltip="Frames a second. 23.976, 29.97, 59.94 and 119.88 are taken as the exact rates of film and television.",
                ),
                io.Audio.Input("audio", optional=True, tooltip="Gives the exact number of frames for this sound."),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The motion at that frame rate.")],
        )

    @classmethod
    def execute(cls, motion: MotionSequence, fps: float, audio: Mapping[str, Any] | None = None) -> io.NodeOutput:
        """Resamples it."""
        clip = audio_to_clip(audio) if audio is not None else None
        return io.NodeOutput(carry_identity(motion, at_rate(motion, fps, clip)))

"""Motion in time: FLOATTrimMotion, FLOATJoinMotion, FLOATLoopMotion, FLOATStretchMotion, FLOATResampleMotion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..float_core import AudioClip, MotionSequence, join_motions, loop_motion, resample_motion, stretch_motion, trim_motion
from ..float_core.frame_rate import frames_for
from . import host_bridge, socket_types
from .comfy_api_v3 import FloatNode, io
from .conversions import audio_to_clip, clip_seconds

SECONDS = {"min": 0.0, "max": 36000.0, "step": 0.04, "round": 0.001}
CROSSFADE = {"min": 0.0, "max": 60.0, "step": 0.04, "round": 0.001}


def at_rate(motion: MotionSequence, fps: float, clip: AudioClip | None) -> MotionSequence:
    """The motion at `fps`, 0 being its own rate: with as many frames as the audio needs, or as long as it was."""
    seconds, lasts = clip_seconds(clip), motion.latents.shape[1] / motion.fps
    if seconds is not None and frames_for(seconds, motion.fps) > motion.latents.shape[1]:
        host_bridge.tell_user(f"The audio lasts {float(seconds):.2f} s and the motion {lasts:.2f} s: its last frame is held to the end.")
    return resample_motion(motion, fps or motion.fps, seconds=seconds)


class FLOATTrimMotion(FloatNode):
    """Keeps a part of a motion."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Trim Motion",
            search_aliases=["cut motion", "clip motion"],
            inputs=[
                socket_types.Motion.Input("motion", tooltip="The motion to cut."),
                io.Float.Input("start", default=0.0, **SECONDS, tooltip="Where the part begins, in seconds."),
                io.Float.Input("end", default=0.0, **SECONDS, tooltip="Where the part ends, in seconds. 0 = at the end of the motion."),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The part.")],
        )

    @classmethod
    def execute(cls, motion: MotionSequence, start: float, end: float) -> io.NodeOutput:
        return io.NodeOutput(trim_motion(motion, start, end or None))


class FLOATJoinMotion(FloatNode):
    """Plays one motion after another, with a crossfade."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Join Motion",
            search_aliases=["concatenate motion", "append motion"],
            inputs=[
                socket_types.Motion.Input("first", display_name="first motion", tooltip="The motion that comes first."),
                socket_types.Motion.Input(
                    "second", display_name="second motion", tooltip="The motion that follows, at the same frame rate."
                ),
                io.Float.Input(
                    "crossfade",
                    default=0.2,
                    **CROSSFADE,
                    tooltip="Seconds in which the first motion fades into the second. They overlap, so the result is shorter by this. "
                    "0 = a hard cut.",
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="Both, one after the other.")],
        )

    @classmethod
    def execute(cls, first: MotionSequence, second: MotionSequence, crossfade: float) -> io.NodeOutput:
        return io.NodeOutput(join_motions(first, second, crossfade=crossfade))


class FLOATLoopMotion(FloatNode):
    """Makes a motion that can repeat without a jump."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Loop Motion",
            search_aliases=["repeat motion", "seamless loop", "idle"],
            inputs=[
                socket_types.Motion.Input("motion", tooltip="The motion to loop."),
                io.Float.Input(
                    "crossfade",
                    default=0.5,
                    **CROSSFADE,
                    tooltip="Seconds in which the end fades into the beginning. One round is shorter by this.",
                ),
                io.Int.Input("repeats", default=1, min=1, max=1000, step=1, tooltip="How many rounds the result has."),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The loop: its first frame follows its last one.")],
        )

    @classmethod
    def execute(cls, motion: MotionSequence, crossfade: float, repeats: int) -> io.NodeOutput:
        return io.NodeOutput(loop_motion(motion, crossfade=crossfade, repeats=repeats))


class FLOATStretchMotion(FloatNode):
    """Slows a motion down or speeds it up, at the same frame rate."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Stretch Motion",
            search_aliases=["slow motion", "speed", "time stretch"],
            inputs=[
                socket_types.Motion.Input("motion", tooltip="The motion to stretch. The mouth then no longer matches the speech."),
                io.Float.Input(
                    "speed", default=1.0, min=0.1, max=10.0, step=0.05, round=0.001, tooltip="2 = twice as fast, 0.5 = half as fast."
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The motion at that speed.")],
        )

    @classmethod
    def execute(cls, motion: MotionSequence, speed: float) -> io.NodeOutput:
        return io.NodeOutput(stretch_motion(motion, speed))


class FLOATResampleMotion(FloatNode):
    """Gives a motion another frame rate at the same speed. New frames are computed between its own."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Resample Motion",
            search_aliases=["frame rate", "fps", "interpolate motion"],
            inputs=[
                socket_types.Motion.Input("motion", tooltip="The motion, at any frame rate."),
                io.Float.Input(
                    "fps",
                    display_name="frame rate",
                    default=30.0,
                    min=10.0,
                    max=120.0,
                    step=1.0,
                    round=0.001,
                    tooltip="Frames per second. 23.976, 29.97, 59.94 and 119.88 mean the exact rates of film and television.",
                ),
                io.Audio.Input("audio", optional=True, tooltip="Sets the exact number of frames: as many as this audio needs."),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The motion at that frame rate.")],
        )

    @classmethod
    def execute(cls, motion: MotionSequence, fps: float, audio: Mapping[str, Any] | None = None) -> io.NodeOutput:
        return io.NodeOutput(at_rate(motion, fps, audio_to_clip(audio) if audio is not None else None))

"""Motion from several sources, onto another face, or calmer: FLOATMixMotion, FLOATTakeDirections, FLOATMirrorMotion, FLOATRetargetMotion,
FLOATSmoothMotion."""

from __future__ import annotations

from typing import Literal

from ..float_core import (
    MotionEdit,
    MotionSequence,
    OptionError,
    SourceIdentity,
    mirror_motion,
    mix_motions,
    repair_seams,
    retarget_motion,
    smooth_motion,
    take_directions,
)
from ..float_core.types import LABEL_GROUPS
from . import socket_types
from .comfy_api_v3 import FloatNode, io
from .managed_model import ManagedModel
from .widget_values import LISTED, chosen_directions, seconds_of_directions

SHARE = {"min": 0.0, "max": 1.0, "step": 0.05, "round": 0.001}
SIGMA = {"min": 0.0, "max": 5.0, "step": 0.02, "round": 0.001}
DEFAULT_WINDOW = 50  # of a model that does not sample
PARTS = {
    "head": "the head: turns, nods, shifts",
    "jaw": "the jaw. Even a little blurs the words",
    "mouth": "the lips. Even a little blurs the words",
    "eyes": "lids and gaze. Blinks get softer",
    "brows": "the brows",
    "other": "directions that belong to no group. Without a calibration, these are all directions",
}


class FLOATMixMotion(FloatNode):
    """Blends two motions, by one weight or by a curve over time."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Mix Motion",
            search_aliases=["blend motion", "interpolate motion"],
            inputs=[
                socket_types.Motion.Input("first", display_name="first motion", tooltip="This motion sets the length and the frame rate."),
                socket_types.Motion.Input(
                    "second", display_name="second motion", tooltip="The other motion. If it is shorter, its last frame is held."
                ),
                io.Float.Input(
                    "weight", default=0.5, **SHARE, tooltip="How much of the second motion: 0 = none of it, 1 = only the second."
                ),
                socket_types.Edit.Input(
                    "curve",
                    optional=True,
                    tooltip="From FLOAT Lambda Curve: its first curve is the weight over time, with values from 0 to 1. The direction of "
                    "the curve does not matter.",
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The blend.")],
        )

    @classmethod
    def execute(
        cls, first: MotionSequence, second: MotionSequence, weight: float, curve: tuple[MotionEdit, ...] | None = None
    ) -> io.NodeOutput:
        curves = [edit.curve for edit in curve or () if edit.curve is not None]
        if curve is not None and not curves:
            raise OptionError("the input curve holds no curve; connect a FLOAT Lambda Curve that has one")
        return io.NodeOutput(mix_motions(first, second, curves[0] if curves else weight))


class FLOATTakeDirections(FloatNode):
    """Takes what one part of the face does from another motion: the head of one, the mouth of the other."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Take Directions",
            search_aliases=["transfer head motion", "combine motion"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model: its calibration says which directions move what."),
                socket_types.Motion.Input("motion", tooltip="The motion that is kept, except for these directions."),
                socket_types.Motion.Input(
                    "other", display_name="other motion", tooltip="Where they are taken from. If it is shorter, its last frame is held."
                ),
                io.Combo.Input(
                    "group",
                    options=[*LABEL_GROUPS, LISTED],
                    default="head",
                    tooltip="The part of the face, for a model with a calibration; or the directions listed below.",
                ),
                io.String.Input(
                    "directions",
                    default="",
                    tooltip="With 'listed below': the numbers of directions, such as 0, 2, 5-7. Otherwise not used.",
                ),
                io.Float.Input("weight", default=1.0, **SHARE, tooltip="How much is taken: 1 = all of it, 0 = nothing."),
            ],
            outputs=[
                socket_types.Motion.Output(display_name="motion", tooltip="The first motion, with these directions from the other one.")
            ],
        )

    @classmethod
    def execute(
        cls, model: ManagedModel, motion: MotionSequence, other: MotionSequence, group: str, directions: str, weight: float
    ) -> io.NodeOutput:
        chosen = chosen_directions(group, directions, model.core.calibration)
        return io.NodeOutput(take_directions(model.core, motion, other, chosen, weight=weight))


class FLOATMirrorMotion(FloatNode):
    """Swaps left and right in a motion: a turn to the left becomes a turn to the right."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Mirror Motion",
            search_aliases=["flip motion"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model: its calibration says what mirrors what."),
                socket_types.Motion.Input("motion", tooltip="The motion to mirror."),
                io.Combo.Input(
                    "around",
                    options=["reference", "mean"],
                    default="reference",
                    tooltip="reference: the whole pose is mirrored. mean: only the movement around the mean pose is mirrored.",
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The mirrored motion.")],
        )

    @classmethod
    def execute(cls, model: ManagedModel, motion: MotionSequence, around: Literal["reference", "mean"]) -> io.NodeOutput:
        return io.NodeOutput(mirror_motion(model.core, motion, around=around))


class FLOATRetargetMotion(FloatNode):
    """Makes another face do what one face did, starting from its own pose."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Retarget Motion",
            search_aliases=["transfer motion", "puppeteer", "another face"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model."),
                socket_types.Motion.Input("motion", tooltip="What the one face did."),
                socket_types.Identity.Input("identity", tooltip="The other face, from FLOAT Encode Source Identity."),
                io.Combo.Input(
                    "mode",
                    options=["relative", "absolute"],
                    default="relative",
                    tooltip="relative: the movement, starting from the other face's pose. absolute: exactly the poses of the motion.",
                ),
                io.Float.Input(
                    "strength", default=1.0, min=0.0, max=3.0, step=0.05, round=0.001, tooltip="How large the movement is. 1 = unchanged."
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The motion, for FLOAT Decode Video with that other face.")],
        )

    @classmethod
    def execute(
        cls, model: ManagedModel, motion: MotionSequence, identity: SourceIdentity, mode: Literal["relative", "absolute"], strength: float
    ) -> io.NodeOutput:
        return io.NodeOutput(retarget_motion(model.core, motion, identity, mode=mode, strength=strength))


class FLOATSmoothMotion(FloatNode):
    """Removes jitter from a motion without delaying it. With all values at 0, nothing changes."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Smooth Motion",
            search_aliases=["jitter", "filter motion", "seams"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model: its calibration says which directions move what."),
                socket_types.Motion.Input("motion", tooltip="The motion to smooth."),
                *(
                    io.Float.Input(part, default=0.0, **SIGMA, tooltip=f"Seconds of smoothing (a Gaussian's sigma) for {what}. 0 = off.")
                    for part, what in PARTS.items()
                ),
                io.Float.Input(
                    "outside", default=0.0, **SIGMA, tooltip="The same for the motion that the model's directions do not describe."
                ),
                io.Boolean.Input(
                    "repair_seams",
                    default=False,
                    tooltip="Smooths the frames around every seam between sampling windows (every 2 seconds), and no others. Put this node "
                    "right after FLOAT Sample Motion: seams are counted from the first frame.",
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The smoothed motion.")],
        )

    @classmethod
    def execute(
        cls,
        model: ManagedModel,
        motion: MotionSequence,
        outside: float,
        repair_seams: bool,  # its id
        **seconds: float,
    ) -> io.NodeOutput:
        steady = without_seams(model, motion) if repair_seams else motion
        smooth = smooth_motion(model.core, steady, seconds_of_directions(model.core, seconds), outside_seconds=outside)
        return io.NodeOutput(smooth)


def sampling_window(model: ManagedModel) -> int:
    """Frames of one sampling window: where they meet there may be seams."""
    transformer = model.core.config.transformer
    return transformer.window if transformer is not None else DEFAULT_WINDOW


def without_seams(model: ManagedModel, motion: MotionSequence) -> MotionSequence:
    """The motion with its seams repaired. Raises OptionError where they cannot be found any more."""
    own = model.core.config.fps
    if motion.fps != own:
        raise OptionError(
            f"the motion has {motion.fps:g} frames per second and the model {own:g}: repair the seams before you change the frame rate"
        )
    return repair_seams(motion, sampling_window(model))

"""The nodes that put motions together or onto another face: FLOATMixMotion, FLOATTakeDirections, FLOATMirrorMotion,
FLOATRetargetMotion."""

from __future__ import annotations

from ..float_core import (
    MotionEdit,
    MotionSequence,
    OptionError,
    SourceIdentity,
    mirror_motion,
    mix_motions,
    retarget_motion,
    take_directions,
)
from ..float_core.motion_editing import directions_of
from ..float_core.types import LABEL_GROUPS
from . import socket_types
from .comfy_api_v3 import io, schema
from .conversions import directions_of_text
from .live_preview import carry_identity, remember_identity
from .managed_model import ManagedModel

LISTED = "listed below"
SHARE = {"min": 0.0, "max": 1.0, "step": 0.05, "round": 0.001}


class FLOATMixMotion(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATMixMotion",
            display_name="FLOAT Mix Motion",
            description="Blends two motions, by one weight or by a curve over time.",
            search_aliases=["blend motion", "interpolate motion"],
            inputs=[
                socket_types.Motion.Input("first", tooltip="The motion that gives the length and the frame rate."),
                socket_types.Motion.Input("second", tooltip="The other one. Where it is shorter, its last frame is held."),
                io.Float.Input("weight", default=0.5, **SHARE, tooltip="How much of the second: 0 = only the first, 1 = only the second."),
                socket_types.Edit.Input(
                    "curve",
                    optional=True,
                    tooltip="From FLOAT Lambda Curve: its first curve, with values from 0 to 1, is the weight over time. Its direction "
                    "does not matter.",
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The blend.")],
        )

    @classmethod
    def execute(
        cls, first: MotionSequence, second: MotionSequence, weight: float, curve: tuple[MotionEdit, ...] | None = None
    ) -> io.NodeOutput:
        """Mixes them."""
        curves = [edit.curve for edit in curve or () if edit.curve is not None]
        if curve is not None and not curves:
            raise OptionError("the input curve holds no curve; connect a FLOAT Lambda Curve that has one")
        return io.NodeOutput(carry_identity(first, mix_motions(first, second, curves[0] if curves else weight)))


class FLOATTakeDirections(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATTakeDirections",
            display_name="FLOAT Take Directions",
            description="Takes what one part of the face does from another motion: the head of one, the mouth of the other.",
            search_aliases=["transfer head motion", "combine motion"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model: its calibration says which directions move what."),
                socket_types.Motion.Input("motion", tooltip="The motion that is kept but for these directions."),
                socket_types.Motion.Input("other", tooltip="Where they are taken from. If it is shorter, its last frame is held."),
                io.Combo.Input(
                    "group",
                    options=[*LABEL_GROUPS, LISTED],
                    default="head",
                    tooltip="The part of the face, for a model with a calibration; or the directions listed below.",
                ),
                io.String.Input(
                    "directions", default="", tooltip="With 'listed below': numbers of directions, such as 0, 2, 5-7. Otherwise not used."
                ),
                io.Float.Input("weight", default=1.0, **SHARE, tooltip="How much is taken: 1 = all of it, 0 = nothing."),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The first motion with these directions of the other.")],
        )

    @classmethod
    def execute(
        cls, model: ManagedModel, motion: MotionSequence, other: MotionSequence, group: str, directions: str, weight: float
    ) -> io.NodeOutput:
        """Takes them."""
        calibration = model.core.calibration
        if group != LISTED and calibration is None:
            raise OptionError(
                f"this model has no calibration, so it is not known which directions move the {group}: set group to {LISTED!r}, or "
                "make one with `python -m float_core calibrate`"
            )
        chosen = directions_of_text(directions) if group == LISTED else directions_of(calibration, group)
        if not chosen:
            raise OptionError(f"no direction is chosen: {'directions is empty' if group == LISTED else f'none moves the {group}'}")
        return io.NodeOutput(carry_identity(motion, take_directions(model.core, motion, other, chosen, weight=weight)))


class FLOATMirrorMotion(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATMirrorMotion",
            display_name="FLOAT Mirror Motion",
            description="Swaps left and right in a motion: a turn to the left becomes one to the right.",
            search_aliases=["flip motion"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model: its calibration says what mirrors what."),
                socket_types.Motion.Input("motion", tooltip="The motion to mirror."),
                io.Combo.Input(
                    "around",
                    options=["reference", "mean"],
                    default="reference",
                    tooltip="reference: the whole pose is mirrored. mean: only the movement around the clip's mean pose.",
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The mirrored motion.")],
        )

    @classmethod
    def execute(cls, model: ManagedModel, motion: MotionSequence, around: str) -> io.NodeOutput:
        """Mirrors it."""
        return io.NodeOutput(carry_identity(motion, mirror_motion(model.core, motion, around=around)))


class FLOATRetargetMotion(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATRetargetMotion",
            display_name="FLOAT Retarget Motion",
            description="Lets another face do what one face did, from its own pose.",
            search_aliases=["transfer motion", "puppeteer", "another face"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model."),
                socket_types.Motion.Input("motion", tooltip="What the one face did."),
                socket_types.Identity.Input("identity", tooltip="The other face, from FLOAT Encode Source Identity."),
                io.Combo.Input(
                    "mode",
                    options=["relative", "absolute"],
                    default="relative",
                    tooltip="relative: the movement, starting from the other face's pose. absolute: the very poses of the motion.",
                ),
                io.Float.Input(
                    "strength", default=1.0, min=0.0, max=3.0, step=0.05, round=0.001, tooltip="How large the movement is. 1 = as it was."
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The motion, for FLOAT Decode Video with that identity.")],
        )

    @classmethod
    def execute(cls, model: ManagedModel, motion: MotionSequence, identity: SourceIdentity, mode: str, strength: float) -> io.NodeOutput:
        """Retargets it."""
        moved = retarget_motion(model.core, motion, identity, mode=mode, strength=strength)
        remember_identity(moved, identity)
        return io.NodeOutput(moved)

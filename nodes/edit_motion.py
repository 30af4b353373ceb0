"""LambdaEdit: shifts a motion along the directions of the model's basis."""

from __future__ import annotations

from ..float_core import MotionEdit, MotionSequence, edit_motion
from . import socket_types
from .comfy_api_v3 import io, schema
from .managed_model import ManagedModel

DIRECTIONS = 20  # of the released model and of the bundled one; the ids below are permanent
MINI_NAMES = (
    "yaw",
    "pitch",
    "roll",
    "shift to the side",
    "shift up or down",
    "size",
    "jaw open",
    "lips apart",
    "mouth wide",
    "smile",
    "pucker",
    "upper lip",
    "lower lip",
    "blink",
    "wink",
    "gaze to the side",
    "gaze up or down",
    "inner brows",
    "outer brows",
    "jaw to the side",
)


def _slider(direction: int) -> io.Float.Input:
    return io.Float.Input(
        f"lambda_{direction:02d}",
        default=0.0,
        min=-10.0,
        max=10.0,
        step=0.05,
        round=0.001,
        display_mode=io.NumberDisplay.slider,
        tooltip=f"Added to coefficient {direction} in every frame; 0 changes nothing. In the bundled model: {MINI_NAMES[direction]}, "
        "in standard deviations of its training. In other models, try it.",
    )


class LambdaEdit(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="LambdaEdit",
            display_name="FLOAT Lambda Edit",
            description="Shifts the whole motion along the directions of the model: a turned head, a smile. All at 0: no change.",
            search_aliases=["expression editor", "edit motion", "head pose"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model: the directions are its own."),
                socket_types.Motion.Input("motion", tooltip="From FLOAT Sample Motion, or from another FLOAT Lambda Edit."),
                *(_slider(direction) for direction in range(DIRECTIONS)),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The edited motion.")],
        )

    @classmethod
    def execute(cls, model: ManagedModel, motion: MotionSequence, **offsets: float) -> io.NodeOutput:
        """Edits it."""
        edits = [MotionEdit(int(name.removeprefix("lambda_")), offset) for name, offset in offsets.items() if offset]
        return io.NodeOutput(edit_motion(model.core, motion, edits))

"""FLOATSmoothMotion: calms a motion, a part of the face at a time, and repairs the seams between sampling windows."""

from __future__ import annotations

from collections.abc import Mapping

from ..float_core import MotionSequence, OptionError, repair_seams, smooth_motion
from ..float_core.motion_editing import direction_group
from . import socket_types
from .comfy_api_v3 import io, schema
from .live_preview import carry_identity
from .managed_model import ManagedModel

PARTS = {
    "head": "turning, nodding, shifting",
    "jaw": "the jaw. A little blurs the words",
    "mouth": "the lips. A little blurs the words",
    "eyes": "lids and gaze. Blinks get softer",
    "brows": "the brows",
    "other": "directions that no group has; all of them, for a model without a calibration",
}
SECONDS = {"min": 0.0, "max": 5.0, "step": 0.02, "round": 0.001}
DEFAULT_WINDOW = 50


def sampling_window(model: ManagedModel) -> int:
    """Frames of one sampling window: where they meet there may be seams."""
    transformer = model.core.config.transformer
    return transformer.window if transformer is not None else DEFAULT_WINDOW


class FLOATSmoothMotion(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATSmoothMotion",
            display_name="FLOAT Smooth Motion",
            description="Takes jitter out of a motion without delaying it. All at 0, nothing changes.",
            search_aliases=["jitter", "filter motion", "seams"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model: its calibration says which directions move what."),
                socket_types.Motion.Input("motion", tooltip="The motion to smooth."),
                *(
                    io.Float.Input(part, default=0.0, **SECONDS, tooltip=f"Seconds of smoothing (a Gaussian's sigma) for {what}. 0 = off.")
                    for part, what in PARTS.items()
                ),
                io.Float.Input("outside", default=0.0, **SECONDS, tooltip="The same for what lies outside the model's directions."),
                io.Boolean.Input(
                    "repair_seams",
                    default=False,
                    tooltip="Smooths the frames around every seam between sampling windows (every 2 seconds), and no other. Put this node "
                    "right after FLOAT Sample Motion: seams are counted from the motion's first frame.",
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
        """Smooths it."""
        steady = without_seams(model, motion) if repair_seams else motion
        smooth = smooth_motion(model.core, steady, seconds_of_directions(model, seconds), outside_seconds=outside)
        return io.NodeOutput(carry_identity(motion, smooth))


def seconds_of_directions(model: ManagedModel, seconds: Mapping[str, float]) -> dict[int, float]:
    """What the parts of the face ask for, by direction. Raises OptionError for parts that a model without a calibration cannot tell."""
    calibration, count = model.core.calibration, model.core.basis.shape[1]
    named = [part for part, value in seconds.items() if value and part != "other"]
    if calibration is None and named:
        raise OptionError(
            f"this model has no calibration, so it is not known which directions move: {', '.join(named)}. Use 'other', which is all of "
            "them then, or make a calibration with `python -m float_core calibrate`"
        )
    groups = {k: direction_group(calibration, k) for k in range(count)}
    return {k: seconds[group] for k, group in groups.items() if seconds[group]}


def without_seams(model: ManagedModel, motion: MotionSequence) -> MotionSequence:
    """The motion with its seams repaired. Raises OptionError where they cannot be found any more."""
    own = model.core.config.fps
    if motion.fps != own:
        raise OptionError(
            f"the motion has {motion.fps:g} frames a second and the model {own:g}: repair the seams before you change the rate"
        )
    return repair_seams(motion, sampling_window(model))

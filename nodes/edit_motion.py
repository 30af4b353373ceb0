"""LambdaEdit: changes a motion along the directions of the model's basis."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..float_core import EDIT_PRESETS, Calibration, MotionEdit, MotionSequence, SourceIdentity, direction_name, edit_motion
from ..float_core.calibration import read_calibration
from ..float_core.checkpoints.calibration_file import calibration_path
from ..float_core.checkpoints.find_parts import BUNDLED
from . import live_preview, socket_types
from .comfy_api_v3 import io, schema
from .lambda_settings import DIRECTIONS, NO_PRESET, RANGES, LambdaSettings
from .managed_model import ManagedModel


def _number(name: str, step: float, tooltip: str, *, slider: bool = False, optional: bool = True) -> io.Float.Input:
    """Optional, as everything that came after the first release: prompts saved before it do not have it."""
    default, low, high = RANGES[name]
    mode = io.NumberDisplay.slider if slider else io.NumberDisplay.number
    limits = {"default": default, "min": low, "max": high, "step": step, "round": 0.001}
    return io.Float.Input(name, **limits, display_mode=mode, tooltip=tooltip, optional=optional)


@cache  # a schema is asked for often
def _bundled_calibration() -> Calibration | None:
    path = calibration_path(BUNDLED["mini"])
    return read_calibration(path) if path.is_file() else None


def _slider(direction: int) -> io.Float.Input:
    named = direction_name(_bundled_calibration(), direction)
    tip = f"Added to coefficient {direction} from start to end; 0 changes nothing. In the bundled model: {named}. In other models, try it."
    return _number(f"lambda_{direction:02d}", 0.05, tip, slider=True, optional=False)


class LambdaEdit(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="LambdaEdit",
            display_name="FLOAT Lambda Edit",
            description="Changes the motion along the directions of the model: a turned head, a smile, less movement.",
            search_aliases=["expression editor", "edit motion", "head pose", "still head"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model: the directions are its own."),
                socket_types.Motion.Input("motion", tooltip="From FLOAT Sample Motion, or from another FLOAT Lambda Edit."),
                *(_slider(direction) for direction in range(DIRECTIONS)),
                io.String.Input(
                    "edit",
                    optional=True,
                    default="",
                    multiline=True,
                    tooltip="More edits, as text: gain, freeze, limits, ranges of seconds, for any direction. The node's panel writes it.",
                ),
                io.Combo.Input(
                    "preset",
                    optional=True,
                    options=[NO_PRESET, *EDIT_PRESETS],
                    default=NO_PRESET,
                    tooltip="A ready edit, as far as the model's calibration allows; the node says how far that is. Sliders come on top.",
                ),
                _number("preset_strength", 0.05, "How much of the preset is used: 0 = nothing, 1 = all of it.", slider=True),
                _number("start", 0.04, "Where the sliders begin to act, in seconds."),
                _number("end", 0.04, "Where the sliders cease to act, in seconds; 0 = at the clip's end."),
                _number("ease", 0.04, "Seconds in which the sliders fade in after start, and out before end."),
                _number("outside_scale", 0.05, "Scales the motion that no direction describes: 1 = kept as it is, 0 = removed."),
                socket_types.Edit.Input("edits", optional=True, tooltip="Edits over time, from FLOAT Lambda Curve; applied last."),
                socket_types.Identity.Input(
                    "identity", optional=True, tooltip="Who is shown in the live preview. Not needed after FLOAT Sample Motion."
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The edited motion.")],
            hidden=[io.Hidden.unique_id],
            not_idempotent=True,  # a copy of the node, or the node inside a subgraph, has to run too: the live preview is the node's own
        )

    @classmethod
    def execute(
        cls,
        model: ManagedModel,
        motion: MotionSequence,
        edits: tuple[MotionEdit, ...] | None = None,
        identity: SourceIdentity | None = None,
        **widgets: Any,
    ) -> io.NodeOutput:
        """Edits it, and remembers what the live preview needs."""
        settings = LambdaSettings.of(widgets, model.core.calibration)
        curves = tuple(edits or ())
        edited = edit_motion(model.core, motion, (*settings.edits, *curves), outside_scale=settings.outside_scale)
        live_preview.remember_run(str(cls.hidden.unique_id), model, motion, identity, curves)
        # how far the preset reaches goes to the panel, and into the history of a run without a page
        return io.NodeOutput(live_preview.carry_identity(motion, edited), ui={"float_edit": [settings.note]})

"""The nodes that show what there is: FLOATMotionPlot draws a motion, FLOATBasisSheet what each direction of the model moves."""

from __future__ import annotations

from dataclasses import replace

from ..float_core import MotionSequence, SourceIdentity, basis_sheet, plot_motion
from ..float_core.pipeline.render import automatic_batch_size
from . import host_bridge, socket_types
from .comfy_api_v3 import io, schema
from .conversions import drawing_to_image, frames_to_image
from .managed_model import ManagedModel
from .memory_estimates import frame_memory
from .smooth_motion import sampling_window


class FLOATMotionPlot(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATMotionPlot",
            display_name="FLOAT Motion Plot",
            description="Draws a motion over time: its coefficients, its speed, and the seams between sampling windows.",
            search_aliases=["graph motion", "chart"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model: gives the directions and their names."),
                socket_types.Motion.Input("motion", tooltip="The motion to draw."),
            ],
            outputs=[io.Image.Output(display_name="plot", tooltip="The drawing, for Preview Image.")],
        )

    @classmethod
    def execute(cls, model: ManagedModel, motion: MotionSequence) -> io.NodeOutput:
        """Draws it."""
        drawing = plot_motion(model.core, motion, window=sampling_window(model))
        return io.NodeOutput(drawing_to_image(drawing).to(host_bridge.result_device()))


class FLOATBasisSheet(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATBasisSheet",
            display_name="FLOAT Basis Sheet",
            description="Shows what every direction of the model does to your portrait: a row for each, from minus to plus.",
            search_aliases=["contact sheet", "what do lambdas do", "directions"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model."),
                socket_types.Identity.Input("identity", tooltip="From FLOAT Encode Source Identity: the portrait that is moved."),
                io.Int.Input("steps", default=5, min=2, max=15, step=1, tooltip="Images in a row, from minus to plus."),
                io.Float.Input(
                    "extent",
                    default=1.0,
                    min=0.1,
                    max=4.0,
                    step=0.1,
                    round=0.001,
                    tooltip="How far each row goes. 1 = the direction's natural range, where the model's calibration knows it.",
                ),
            ],
            outputs=[io.Image.Output(display_name="sheet", tooltip="The sheet, for Preview Image or Save Image.")],
        )

    @classmethod
    def execute(cls, model: ManagedModel, identity: SourceIdentity, steps: int, extent: float) -> io.NodeOutput:
        """Draws it."""
        memory = frame_memory(model.autoencoder, automatic_batch_size(replace(model.core, device=model.device)))
        with model.computing("autoencoder", memory=memory, work="drawing the sheet") as core:
            sheet = basis_sheet(core, identity, steps=steps, extent=extent, on_progress=host_bridge.NodeProgress())
        return io.NodeOutput(frames_to_image(sheet[None]).to(host_bridge.result_device()))

"""What there is to see: FLOATMotionPlot draws a motion, FLOATBasisSheet shows what each direction of the model moves."""

from __future__ import annotations

from ..float_core import MotionSequence, SourceIdentity, automatic_batch_size, basis_sheet, frame_memory, plot_motion
from . import host_bridge, socket_types
from .comfy_api_v3 import FloatNode, io
from .conversions import drawing_to_image, frames_to_image
from .managed_model import ManagedModel
from .mix_nodes import sampling_window


class FLOATMotionPlot(FloatNode):
    """Plots a motion over time: its coefficients, its speed, and the seams between sampling windows."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Motion Plot",
            search_aliases=["graph motion", "chart"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model: has the directions and their names."),
                socket_types.Motion.Input("motion", tooltip="The motion to plot."),
            ],
            outputs=[io.Image.Output(display_name="plot", tooltip="The plot, for Preview Image.")],
        )

    @classmethod
    def execute(cls, model: ManagedModel, motion: MotionSequence) -> io.NodeOutput:
        drawing = plot_motion(model.core, motion, window=sampling_window(model))
        return io.NodeOutput(drawing_to_image(drawing).to(host_bridge.result_device()))


class FLOATBasisSheet(FloatNode):
    """Shows what every direction of the model does to your portrait: one row for each, from minus to plus."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Basis Sheet",
            search_aliases=["contact sheet", "what do lambdas do", "directions"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model."),
                socket_types.Identity.Input("identity", tooltip="From FLOAT Encode Source Identity: the portrait that is moved."),
                io.Int.Input("steps", default=5, min=2, max=15, step=1, tooltip="How many images a row has, from minus to plus."),
                io.Float.Input(
                    "extent",
                    default=1.0,
                    min=0.1,
                    max=4.0,
                    step=0.1,
                    round=0.001,
                    tooltip="How far each row goes. 1 = the natural range of the direction, if the model has a calibration.",
                ),
            ],
            outputs=[io.Image.Output(display_name="sheet", tooltip="The sheet, for Preview Image or Save Image.")],
        )

    @classmethod
    def execute(cls, model: ManagedModel, identity: SourceIdentity, steps: int, extent: float) -> io.NodeOutput:
        memory = frame_memory(model.core, automatic_batch_size(model.computed))
        with model.computing("autoencoder", memory=memory, work="rendering the sheet") as core:
            sheet = basis_sheet(core, identity, steps=steps, extent=extent, on_progress=host_bridge.NodeProgress())
        return io.NodeOutput(frames_to_image(sheet[None]).to(host_bridge.result_device()))

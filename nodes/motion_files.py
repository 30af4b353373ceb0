"""FLOATSaveMotion and FLOATLoadMotion: a motion as a file of the output folder, and back."""

from __future__ import annotations

from ..float_core import FloatError, MotionSequence, load_motion, read_motion_notes, save_motion
from . import host_bridge, socket_types
from .comfy_api_v3 import io, schema
from .conversions import moved
from .managed_model import ManagedModel


class FLOATSaveMotion(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATSaveMotion",
            display_name="FLOAT Save Motion",
            description="Saves a motion into the output folder, to use it again without sampling.",
            search_aliases=["export motion", "store motion"],
            is_output_node=True,
            inputs=[
                socket_types.Model.Input("model", tooltip="The model that the motion belongs to: the file remembers its basis."),
                socket_types.Motion.Input("motion", tooltip="The motion to save."),
                io.String.Input(
                    "filename_prefix",
                    default="motion/float",
                    tooltip="Folder and beginning of the name in ComfyUI's output folder; a number is added. %year%, %month%, %day%, "
                    "%hour%, %minute% and %second% are filled in.",
                ),
                io.String.Input("notes", default="", multiline=True, tooltip="Your own words, kept in the file and shown on loading."),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The same motion, to go on with.")],
        )

    @classmethod
    def execute(cls, model: ManagedModel, motion: MotionSequence, filename_prefix: str, notes: str) -> io.NodeOutput:
        """Saves it."""
        path = host_bridge.new_output_file(filename_prefix, host_bridge.MOTION_SUFFIX)
        save_motion(path, model.core, motion, notes=notes)
        host_bridge.tell_user(f"Saved {path}")
        return io.NodeOutput(motion, ui={"text": [str(path)]})


class FLOATLoadMotion(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATLoadMotion",
            display_name="FLOAT Load Motion",
            description="Loads a motion that FLOAT Save Motion wrote, from the input or the output folder.",
            search_aliases=["import motion", "open motion"],
            inputs=[
                socket_types.Model.Input("model", tooltip="The model that the motion was made with: another one has other directions."),
                io.Combo.Input(
                    "file",
                    options=host_bridge.motion_files(),
                    tooltip="A motion file of ComfyUI's input folder, or of its output folder, which has [output] behind its name.",
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The motion of the file.")],
        )

    @classmethod
    def fingerprint_inputs(cls, file: str | None = None, **_others: object) -> float:
        """A file that was replaced is loaded again."""
        return host_bridge.annotated_file(file).stat().st_mtime if file is not None else 0.0

    @classmethod
    def validate_inputs(cls, file: str | None = None) -> bool | str:
        """Also files that are newer than the list in the browser; None: the name comes from another node."""
        try:
            return file is None or bool(host_bridge.annotated_file(file))
        except FloatError as error:
            return str(error)

    @classmethod
    def execute(cls, model: ManagedModel, file: str) -> io.NodeOutput:
        """Loads it."""
        path = host_bridge.annotated_file(file)
        motion = load_motion(path, model.core)
        told = read_motion_notes(path)
        host_bridge.tell_user(f"{told.seconds:.2f} s at {told.fps:g} frames a second" + (f". {told.notes}" if told.notes else ""))
        return io.NodeOutput(moved(motion, host_bridge.result_device()))

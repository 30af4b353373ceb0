"""FLOATSaveMotion and FLOATLoadMotion: a motion as a file of the output folder, and back."""

from __future__ import annotations

from ..float_core import FloatError, MotionSequence, load_motion, read_motion_notes, save_motion
from . import host_bridge, socket_types
from .comfy_api_v3 import FloatNode, io
from .conversions import moved
from .managed_model import ManagedModel
from .messages import advised


class FLOATSaveMotion(FloatNode):
    """Saves a motion into the output folder, to use it again without sampling."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Save Motion",
            search_aliases=["export motion", "store motion"],
            is_output_node=True,
            inputs=[
                socket_types.Model.Input("model", tooltip="The model that the motion belongs to. The file remembers its directions."),
                socket_types.Motion.Input("motion", tooltip="The motion to save."),
                io.String.Input(
                    "filename_prefix",
                    default="motion/float",
                    tooltip="Folder and start of the file name in ComfyUI's output folder. A number is added. %year%, %month%, %day%, "
                    "%hour%, %minute% and %second% are filled in.",
                ),
                io.String.Input(
                    "notes", default="", multiline=True, tooltip="Your own notes. They are kept in the file and shown on loading."
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The same motion, to go on with.")],
        )

    @classmethod
    def execute(cls, model: ManagedModel, motion: MotionSequence, filename_prefix: str, notes: str) -> io.NodeOutput:
        path = host_bridge.new_output_file(filename_prefix, host_bridge.MOTION_SUFFIX)
        save_motion(path, model.core, motion, notes=notes)
        host_bridge.tell_user(f"Saved {path}")
        return io.NodeOutput(motion, ui={"text": [host_bridge.for_the_page(str(path))]})


class FLOATLoadMotion(FloatNode):
    """Loads a motion that FLOAT Save Motion wrote, from the input or the output folder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Load Motion",
            search_aliases=["import motion", "open motion"],
            inputs=[
                socket_types.Model.Input("model", tooltip="The model that the motion was made with. Another model has other directions."),
                io.Combo.Input(
                    "file",
                    options=host_bridge.motion_files(),
                    tooltip="A motion file in ComfyUI's input folder, or in its output folder: then its name ends in [output].",
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The motion in the file.")],
        )

    @classmethod
    def fingerprint_inputs(cls, file: str | None = None, **_others: object) -> tuple[tuple[str, int, int], ...]:
        """A file that was replaced is loaded again."""
        return host_bridge.fingerprint([host_bridge.annotated_file(file)] if file is not None else [])

    @classmethod
    def validate_inputs(cls, file: str | None = None) -> bool | str:
        """Also accepts files that are newer than the list in the browser; None: the name comes from another node."""
        try:
            return file is None or bool(host_bridge.annotated_file(file))
        except FloatError as error:
            return host_bridge.for_the_page(advised(error))

    @classmethod
    def execute(cls, model: ManagedModel, file: str) -> io.NodeOutput:
        path = host_bridge.annotated_file(file)
        motion = load_motion(path, model.core)
        told = read_motion_notes(path)
        host_bridge.tell_user(f"{told.seconds:.2f} s at {told.fps:g} frames per second" + (f". {told.notes}" if told.notes else ""))
        return io.NodeOutput(moved(motion, host_bridge.result_device()))

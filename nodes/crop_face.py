"""FLOATCropFace: the square around a face that the model was trained on."""

from __future__ import annotations

from torch import Tensor

from ..float_core import FaceNotFoundError, prepare_image
from . import host_bridge, socket_types
from .comfy_api_v3 import io, schema
from .conversions import frames_to_image, image_to_pixels
from .managed_model import ManagedModel

PIXELS = {"min": 0, "max": 16384, "step": 1}


class FLOATCropFace(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATCropFace",
            display_name="FLOAT Crop Face",
            description="Cuts the square around a face, framed as the model saw faces in its training.",
            search_aliases=["face crop", "align face"],
            inputs=[
                io.Image.Input("image", tooltip="An image with a frontal face. Of several images, the first is used."),
                io.Combo.Input(
                    "mode",
                    options=["detect", "box", "none"],
                    default="detect",
                    tooltip="detect finds the face; box takes the one given below; none keeps the whole image, padded to a square.",
                ),
                io.Int.Input("face", default=0, min=0, max=32, step=1, tooltip="detect: which face. 0 = the largest, 1 = the next, ..."),
                io.Int.Input("box_x", default=0, **PIXELS, tooltip="box: left edge of the face in pixels, from cheek to cheek."),
                io.Int.Input("box_y", default=0, **PIXELS, tooltip="box: upper edge of the face in pixels: the forehead's top."),
                io.Int.Input("box_width", default=256, **PIXELS, tooltip="box: width of the face in pixels."),
                io.Int.Input("box_height", default=256, **PIXELS, tooltip="box: height of the face in pixels, from forehead to chin."),
                io.Int.Input(
                    "size", default=512, min=64, max=2048, step=8, tooltip="Side of the cropped image where no model is connected."
                ),
                socket_types.Model.Input("model", optional=True, tooltip="Gives the crop the size that this model needs."),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The face, square."),
                socket_types.Crop.Output(display_name="crop", tooltip="Where the crop came from, for putting the result back."),
            ],
        )

    @classmethod
    def execute(
        cls,
        image: Tensor,
        mode: str,
        face: int,
        box_x: int,
        box_y: int,
        box_width: int,
        box_height: int,
        size: int,
        model: ManagedModel | None = None,
    ) -> io.NodeOutput:
        """Crops it."""
        box = (box_x, box_y, box_x + box_width, box_y + box_height)
        crop = {"detect": "detect", "box": box, "none": None}[mode]
        side = size if model is None else model.size
        chosen = face or None if mode == "detect" else None  # None: the largest, with a note where there are several
        device = host_bridge.compute_device("auto") if model is None else model.device
        where = {"detector_folder": host_bridge.detector_folder(), "device": device}
        try:
            result = prepare_image(image_to_pixels(image), side, crop=crop, face=chosen, **where)
        except FaceNotFoundError as error:
            raise FaceNotFoundError(f"{error}. Set mode to box and draw the face's box, or set mode to none.") from error
        for note in (*result.notes, *(["face chooses another."] if result.found > 1 and not chosen else [])):
            host_bridge.tell_user(note)
        return io.NodeOutput(frames_to_image(result.image).to(host_bridge.result_device()), result.transform)

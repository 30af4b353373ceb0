"""EncodeSourceIdentity: who is in the image, and in which pose."""

from __future__ import annotations

from torch import Tensor

from ..float_core import encode_identity, prepare_image
from . import host_bridge, socket_types
from .comfy_api_v3 import io, schema
from .conversions import image_to_frames, image_to_pixels, moved
from .managed_model import ManagedModel
from .memory_estimates import frame_memory


class EncodeSourceIdentity(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="EncodeSourceIdentity",
            display_name="FLOAT Encode Source Identity",
            description="Reads the identity and the pose off a portrait.",
            search_aliases=["encode portrait", "source image"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model."),
                io.Image.Input(
                    "image",
                    tooltip="The portrait, best from FLOAT Crop Face. Another size is padded to a square and resized, never stretched. "
                    "Of several images, the first is used.",
                ),
            ],
            outputs=[socket_types.Identity.Output(display_name="identity", tooltip="Who is in the image, and in which pose.")],
        )

    @classmethod
    def execute(cls, model: ManagedModel, image: Tensor) -> io.NodeOutput:
        """Encodes it."""
        fits = tuple(image.shape[1:]) == (model.size, model.size, 3)  # then it goes in as it is, not rounded to 8 bits
        images = image_to_frames(image[:1]) if fits else prepare_image(image_to_pixels(image), model.size, crop=None).image
        with model.computing("autoencoder", memory=frame_memory(model.autoencoder), work="encoding the portrait") as core:
            return io.NodeOutput(moved(encode_identity(core, images), host_bridge.result_device()))

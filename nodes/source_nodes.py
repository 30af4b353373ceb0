"""The model and the portrait: LoadFLOAT, FLOATCropFace, EncodeSourceIdentity."""

from __future__ import annotations

import torch
from torch import Tensor

from ..float_core import encode_identity, frame_memory, load_model, model_files, prepare_image
from . import host_bridge, live_preview, socket_types
from .comfy_api_v3 import FloatNode, io
from .conversions import frames_to_image, image_to_frames, image_to_pixels, moved
from .managed_model import ManagedModel

BUNDLED = "mini (bundled)"
DTYPES = {"auto": torch.float32, "fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
PIXELS = {"min": 0, "max": 16384, "step": 1}


def model_source(choice: str) -> str:
    """What `load_model` takes for a choice of LoadFLOAT's list."""
    return "mini" if choice == BUNDLED else host_bridge.model_path(choice)


class LoadFLOAT(FloatNode):
    """Loads a model that makes a portrait talk: the small one that comes with this pack, or a file in models/float."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "Load FLOAT Model",
            search_aliases=["talking head", "lip sync", "portrait animation", "talking portrait"],
            inputs=[
                io.Combo.Input(
                    "model",
                    options=[BUNDLED, *host_bridge.model_files()],
                    default=BUNDLED,
                    tooltip="The bundled model (256 pixels), or a file in ComfyUI's folder models/float: FLOAT.safetensors, float.pth "
                    "with its two wav2vec2 folders beside it, or a model that you trained.",
                ),
                io.Combo.Input(
                    "dtype",
                    display_name="precision",
                    options=list(DTYPES),
                    default="auto",
                    tooltip="The precision of the networks. auto is fp32, like the reference. bf16 and fp16 need half the memory.",
                ),
                io.Combo.Input(
                    "device",
                    options=["auto", "cpu"],
                    default="auto",
                    tooltip="auto: where ComfyUI computes. ComfyUI may unload the networks when it needs memory. cpu: never a GPU.",
                ),
            ],
            outputs=[socket_types.Model.Output(display_name="model", tooltip="The model, for all other FLOAT nodes.")],
        )

    @classmethod
    def fingerprint_inputs(cls, model: str, **_others: str) -> tuple[tuple[str, int, int], ...]:
        """A model is loaded again when one of its files has come, gone or changed: weights, calibration, the wav2vec2 folders."""
        return host_bridge.fingerprint(model_files(model_source(model)))

    @classmethod
    def execute(cls, model: str, dtype: str, device: str) -> io.NodeOutput:
        storage = host_bridge.storage_device(device)
        core = load_model(model_source(model), device=storage, dtype=DTYPES[dtype])
        return io.NodeOutput(ManagedModel.manage(core, host_bridge.compute_device(device), storage))


class FLOATCropFace(FloatNode):
    """Crops the square around a face, framed like the faces that the model was trained on."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Crop Face",
            search_aliases=["face crop", "align face"],
            inputs=[
                io.Image.Input("image", tooltip="An image with a face seen from the front. Only the first image of a batch is used."),
                io.Combo.Input(
                    "mode",
                    options=["detect", "box", "none"],
                    default="detect",
                    tooltip="detect finds the face. box uses the box below. none keeps the whole image, padded to a square.",
                ),
                io.Int.Input(
                    "face", default=0, min=0, max=32, step=1, tooltip="With detect: which face. 0 = the largest, 1 = the next, ..."
                ),
                io.Int.Input(
                    "box_x", default=0, **PIXELS, tooltip="With box: left edge of the face in pixels. A face is as wide as its ears."
                ),
                io.Int.Input("box_y", default=0, **PIXELS, tooltip="With box: top edge of the face in pixels, at the hairline."),
                io.Int.Input("box_width", default=256, **PIXELS, tooltip="With box: width of the face in pixels."),
                io.Int.Input("box_height", default=256, **PIXELS, tooltip="With box: height of the face in pixels, hairline to chin."),
                io.Int.Input(
                    "size", default=512, min=64, max=2048, step=8, tooltip="Side of the crop in pixels. Not used when a model is connected."
                ),
                socket_types.Model.Input("model", optional=True, tooltip="Sets the size of the crop to what this model needs."),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The face, as a square image."),
                socket_types.Crop.Output(display_name="crop", tooltip="Where the crop was, to put the result back into the image."),
            ],
        )

    @classmethod
    def execute(cls, image: Tensor, mode: str, face: int, size: int, model: ManagedModel | None = None, **box: int) -> io.NodeOutput:
        x, y, width, height = (box[name] for name in ("box_x", "box_y", "box_width", "box_height"))
        chosen = face or None if mode == "detect" else None  # None: the largest, with a note where there are several
        result = prepare_image(
            image_to_pixels(image),
            size if model is None else model.size,
            crop={"detect": "detect", "box": (x, y, x + width, y + height), "none": None}[mode],
            face=chosen,
            detector_folder=host_bridge.detector_folder(),
            device=host_bridge.compute_device("auto") if model is None else model.device,
        )
        for note in (*result.notes, *(["Set face to choose another one."] if result.found > 1 and chosen is None else [])):
            host_bridge.tell_user(note)
        return io.NodeOutput(frames_to_image(result.image).to(host_bridge.result_device()), result.transform)


class EncodeSourceIdentity(FloatNode):
    """Encodes who is in the portrait, and in which pose."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Encode Source Identity",
            search_aliases=["encode portrait", "source image"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model."),
                io.Image.Input(
                    "image",
                    tooltip="The portrait, best from FLOAT Crop Face. An image of another size is padded to a square and resized, never "
                    "stretched. Only the first image of a batch is used.",
                ),
            ],
            outputs=[socket_types.Identity.Output(display_name="identity", tooltip="Who is in the image, and in which pose.")],
        )

    @classmethod
    def execute(cls, model: ManagedModel, image: Tensor) -> io.NodeOutput:
        fits = tuple(image.shape[1:]) == (model.size, model.size, 3)  # then it goes in as it is, not rounded to 8 bits
        images = image_to_frames(image[:1]) if fits else prepare_image(image_to_pixels(image), model.size, crop=None).image
        with model.computing("autoencoder", memory=frame_memory(model.core), work="encoding the portrait") as core:
            identity = moved(encode_identity(core, images), host_bridge.result_device())
        live_preview.remember_identity(identity)
        return io.NodeOutput(identity)

"""LoadFLOAT: a model from the bundle or the model folder."""

from __future__ import annotations

from pathlib import Path

import torch

from ..float_core import load_model
from . import host_bridge, socket_types
from .comfy_api_v3 import io, schema
from .managed_model import ManagedModel

BUNDLED = "mini (bundled)"
DTYPES = {"auto": torch.float32, "fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class LoadFLOAT(io.ComfyNode):
    """See the module."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="LoadFLOAT",
            display_name="Load FLOAT Model",
            description="Loads a model that makes a portrait talk: the small one that comes with this pack, or a file of models/float.",
            search_aliases=["talking head", "lip sync", "portrait animation", "talking portrait"],
            inputs=[
                io.Combo.Input(
                    "model",
                    options=[BUNDLED, *host_bridge.model_files()],
                    default=BUNDLED,
                    tooltip="The bundled model (256 pixels), or a file of ComfyUI's folder models/float: FLOAT.safetensors, float.pth "
                    "with its two wav2vec2 folders beside it, or a model of your own.",
                ),
                io.Combo.Input(
                    "dtype",
                    options=list(DTYPES),
                    default="auto",
                    tooltip="The precision of the networks. auto is fp32, as the reference; bf16 and fp16 take half the memory.",
                ),
                io.Combo.Input(
                    "device",
                    options=["auto", "cpu"],
                    default="auto",
                    tooltip="auto: where ComfyUI computes, which may unload the networks when it needs the memory. cpu: never a GPU.",
                ),
            ],
            outputs=[socket_types.Model.Output(display_name="model", tooltip="The model, for all other FLOAT nodes.")],
        )

    @classmethod
    def fingerprint_inputs(cls, model: str, **_others: str) -> tuple[str, float]:
        """A file that was replaced is loaded again."""
        return (model, 0.0 if model == BUNDLED else Path(host_bridge.model_path(model)).stat().st_mtime)

    @classmethod
    def execute(cls, model: str, dtype: str, device: str) -> io.NodeOutput:
        """Loads it."""
        name = "mini" if model == BUNDLED else host_bridge.model_path(model)
        storage = host_bridge.storage_device(device)
        core = load_model(name, device=storage, dtype=DTYPES[dtype])
        return io.NodeOutput(ManagedModel.manage(core, host_bridge.compute_device(device), storage))

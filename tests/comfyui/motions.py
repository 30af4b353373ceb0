"""Motions out of a running ComfyUI: nodes are added that save them, and the files are read back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import torch

from float_core import FloatModel, MotionSequence, load_model, load_motion

from .comfy_server import ComfyServer, Json, Run, node_id

Link = list[str | int]  # node id, output
CLOSE = {"rtol": 0.0, "atol": 1e-5}  # the server computes with other threads


@cache
def bundled() -> FloatModel:
    """The bundled model in this process."""
    return load_model("mini")


def run_for_motions(server: ComfyServer, prompt: Json, wanted: Mapping[str, Link]) -> tuple[Run, dict[str, MotionSequence]]:
    """Runs the prompt with a FLOAT Save Motion at each of those links; what they saved, by name."""
    model = [node_id(prompt, "LoadFLOAT"), 0]
    savers = {
        f"save-{name}": {
            "class_type": "FLOATSaveMotion",
            "inputs": {"model": model, "motion": link, "filename_prefix": f"tests/{name}", "notes": f"{name}, from a test"},
        }
        for name, link in wanted.items()
    }
    run = server.run({**prompt, **savers})
    assert run.refused is None, run.refused
    assert run.error == "", run.error
    return run, {name: load_motion(saved_path(server, run, f"save-{name}"), bundled()) for name in wanted}


def saved_path(server: ComfyServer, run: Run, key: str) -> Path:
    """Where a FLOAT Save Motion says that it has put the file."""
    (path,) = run.outputs[key]["text"]
    return server.base / path


def source_of(prompt: Json) -> Link:
    """The sampled motion."""
    return [node_id(prompt, "SampleMotionLatents"), 0]


def model_of(prompt: Json) -> Link:
    """The model."""
    return [node_id(prompt, "LoadFLOAT"), 0]


def same(one: MotionSequence, other: MotionSequence) -> bool:
    """Whether two motions have the same bits and rate."""
    return one.fps == other.fps and torch.equal(one.latents, other.latents)

"""Motions saved and loaded in a real ComfyUI: the same bits, and nothing outside of its folders."""

from __future__ import annotations

import math

import pytest
import torch

import float_core
from float_core import MotionSequence

from .comfy_server import ComfyServer, Json, node
from .conftest import SHORT_SECONDS, UNTRAINED
from .motions import bundled, model_of, run_for_motions, same, saved_path, source_of

FRAMES = math.ceil(SHORT_SECONDS * 25)


def test_save_and_load_give_the_same_motion(server: ComfyServer, sampled: Json) -> None:
    run, saved = run_for_motions(server, sampled, {"first": source_of(sampled)})
    path = saved_path(server, run, "save-first")
    assert path.parent == server.base / "output" / "tests"
    assert run.outputs["save-first"]["text"] == [f"output/tests/{path.name}"]
    assert f"Saved output/tests/{path.name}" in run.notes
    assert str(server.base) not in str(run.outputs) + str(run.notes), "where the folder is stays on the server"
    assert saved["first"].latents.shape == (1, FRAMES, bundled().basis.shape[0])
    file = f"tests/{path.name} [output]"
    loading = {
        "1": {"class_type": "LoadFLOAT", "inputs": node(sampled, "LoadFLOAT")},
        "2": {"class_type": "FLOATLoadMotion", "inputs": {"model": ["1", 0], "file": file}},
    }
    again, loaded = run_for_motions(server, loading, {"again": ["2", 0]})
    assert same(loaded["again"], saved["first"])
    assert any("first, from a test" in note for note in again.notes)
    choices = server.get("/object_info/FLOATLoadMotion")["FLOATLoadMotion"]["input"]["required"]["file"][1]["options"]
    assert file in choices


def test_a_file_that_was_replaced_is_loaded_again(server: ComfyServer, sampled: Json) -> None:
    path = server.base / "input" / "replaced.safetensors"
    loading = {
        "1": {"class_type": "LoadFLOAT", "inputs": node(sampled, "LoadFLOAT")},
        "2": {"class_type": "FLOATLoadMotion", "inputs": {"model": ["1", 0], "file": path.name}},
    }
    for value in (0.25, 0.5):
        float_core.save_motion(path, bundled(), MotionSequence(torch.full((1, 3, bundled().basis.shape[0]), value), 25.0))
        _, loaded = run_for_motions(server, loading, {"replaced": ["2", 0]})
        assert torch.equal(loaded["replaced"].latents, torch.full_like(loaded["replaced"].latents, value))


def test_a_motion_of_another_model_is_refused(server: ComfyServer, sampled: Json) -> None:
    _, saved = run_for_motions(server, sampled, {"mine": source_of(sampled)})
    float_core.save_motion(server.base / "input" / "mine.safetensors", bundled(), saved["mine"])
    loading = {
        "1": {"class_type": "LoadFLOAT", "inputs": {**node(sampled, "LoadFLOAT"), "model": UNTRAINED}},
        "2": {"class_type": "FLOATLoadMotion", "inputs": {"model": ["1", 0], "file": "mine.safetensors"}},
        "3": {"class_type": "FLOATSaveMotion", "inputs": {"model": ["1", 0], "motion": ["2", 0], "filename_prefix": "x", "notes": ""}},
    }
    error = server.run(loading).error
    assert "CheckpointError" in error
    assert "another basis" in error


@pytest.mark.parametrize(
    "file",
    ["../server.log", "../../etc/passwd [output]", "/etc/passwd", "gone.safetensors", "float_voice.wav", "../outside.safetensors [input]"],
)
def test_files_elsewhere_are_refused_before_the_run(server: ComfyServer, sampled: Json, file: str) -> None:
    (server.base / "outside.safetensors").write_bytes(b"nothing")
    loading = {
        "1": {"class_type": "LoadFLOAT", "inputs": node(sampled, "LoadFLOAT")},
        "2": {"class_type": "FLOATLoadMotion", "inputs": {"model": ["1", 0], "file": file}},
        "3": {"class_type": "FLOATSaveMotion", "inputs": {"model": ["1", 0], "motion": ["2", 0], "filename_prefix": "x", "notes": ""}},
    }
    refused = server.run(loading).refused
    assert refused is not None
    assert "input or output folder" in str(refused) or "no file" in str(refused)


def test_nothing_is_saved_outside_the_output_folder(server: ComfyServer, sampled: Json) -> None:
    sampled["9"] = {
        "class_type": "FLOATSaveMotion",
        "inputs": {"model": model_of(sampled), "motion": source_of(sampled), "filename_prefix": "../escaped/x", "notes": ""},
    }
    assert "outside" in server.run(sampled).error
    assert not (server.base / "escaped").exists()

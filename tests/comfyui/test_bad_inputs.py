"""What a user reads when something does not fit: it says what was found and what to do."""

from __future__ import annotations

import pytest

from .comfy_server import ComfyServer, Json, node, node_id


@pytest.fixture
def blank(server: ComfyServer, talk: Json) -> Json:
    """The template with an image without a face."""
    talk["100"] = {"class_type": "EmptyImage", "inputs": {"width": 320, "height": 200, "batch_size": 1, "color": 0x808080}}
    node(talk, "FLOATCropFace")["image"] = ["100", 0]
    return talk


def test_no_face(server: ComfyServer, blank: Json) -> None:
    error = server.run(blank).error
    assert "FaceNotFoundError" in error
    assert "mode" in error, "says what to do in ComfyUI"


def test_no_face_is_needed_with_a_box_or_without_a_crop(server: ComfyServer, blank: Json) -> None:
    for mode in ("none", "box"):
        node(blank, "FLOATCropFace").update(mode=mode, box_x=100, box_y=40, box_width=100, box_height=120)
        assert server.run(blank).error == ""


def test_an_empty_box(server: ComfyServer, blank: Json) -> None:
    node(blank, "FLOATCropFace").update(mode="box", box_width=0)
    assert "ImageError" in server.run(blank).error


def test_no_audio(server: ComfyServer, talk: Json) -> None:
    """A silent video gives None as AUDIO."""
    talk["100"] = {"class_type": "CreateVideo", "inputs": {"images": [node_id(talk, "LoadImage"), 0], "fps": 25.0}}
    talk["101"] = {"class_type": "GetVideoComponents", "inputs": {"video": ["100", 0]}}
    node(talk, "AudioFeatures")["audio"] = ["101", 1]
    error = server.run(talk).error
    assert "AudioError" in error
    assert "no audio" in error


def test_steps_that_the_solver_cannot_take(server: ComfyServer, talk: Json) -> None:
    node(talk, "SampleMotionLatents").update(solver="rk4", steps=10)
    error = server.run(talk).error
    assert "OptionError" in error
    assert "multiple of 4" in error


def test_a_file_that_is_not_a_model(server: ComfyServer, talk: Json) -> None:
    (server.base / "models" / "float" / "broken.safetensors").write_bytes(b"nothing")
    try:
        node(talk, "LoadFLOAT")["model"] = "broken.safetensors"
        error = server.run(talk).error
        assert "CheckpointError" in error
        assert "models/float/broken.safetensors" in error
        assert str(server.base) not in error.partition("CheckpointError: ")[2], "where the folder is stays on the server"
    finally:
        (server.base / "models" / "float" / "broken.safetensors").unlink()


def test_values_out_of_range_are_refused_before_the_run(server: ComfyServer, talk: Json) -> None:
    node(talk, "SampleMotionLatents")["steps"] = 0
    refused = server.run(talk).refused
    assert refused is not None
    assert "steps" in str(refused["node_errors"])


def test_the_server_still_works(server: ComfyServer, talk: Json) -> None:
    assert server.run(talk).error == ""

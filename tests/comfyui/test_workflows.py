"""Every shipped workflow but `talk`, which has its own tests: it opens, runs with what is shipped, and gives moving videos."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from .comfy_server import REPOSITORY, ComfyServer, Json, Run, node
from .conftest import SHORT_SECONDS
from .convert_workflow import to_prompt
from .test_talk import MOVING, SIZE, read_video

FPS = {"edit_pose": 25, "curves": 25, "emotion_timeline": 30, "retarget": 25}
NOT_NEEDED = ("FLOATBasisSheet",)  # sixty frames
TITLE_HEIGHT = 30


def nodes_of(prompt: Json, kind: str) -> list[str]:
    return [key for key, part in prompt.items() if part["class_type"] == kind]


@pytest.fixture(params=sorted(FPS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def workflow(name: str) -> Json:
    loaded: Json = json.loads((REPOSITORY / "workflows" / f"{name}.json").read_text())
    return loaded


@pytest.fixture
def prompt(server: ComfyServer, workflow: Json) -> Json:
    """With a short voice."""
    made = to_prompt(workflow, server.object_info)
    node(made, "LoadAudio")["audio"] = "short.wav"
    return made


def videos(server: ComfyServer, run: Run, prompt: Json) -> list[Any]:
    assert run.refused is None, run.refused
    assert run.error == ""
    saved = [part for key in nodes_of(prompt, "SaveVideo") for part in run.outputs[key]["images"]]
    return [read_video(server.base / "output" / part["subfolder"] / part["filename"]) for part in saved]


def test_it_is_complete_and_has_every_widget(server: ComfyServer, workflow: Json) -> None:
    kinds = {part["type"] for part in workflow["nodes"]}
    assert kinds - set(server.object_info) == {"MarkdownNote"}
    modules = {server.object_info[kind]["python_module"].split(".")[0] for kind in kinds - {"MarkdownNote"}}
    assert modules == {"nodes", "comfy_extras", "custom_nodes"}, "core nodes and ours only"
    prompt = to_prompt(workflow, server.object_info)
    for part in prompt.values():
        info = server.object_info[part["class_type"]]["input"]
        wanted = {**info.get("required", {}), **(info.get("optional", {}) if part["class_type"] != "FLOATLambdaCurve" else {})}
        numbers = {key for key, (kind, *_) in wanted.items() if kind in ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")}
        assert {*info.get("required", {}), *numbers} <= set(part["inputs"]), part["class_type"]


def test_it_makes_moving_videos_of_the_right_length(server: ComfyServer, prompt: Json, name: str) -> None:
    without_sheet = {key: part for key, part in prompt.items() if part["class_type"] not in NOT_NEEDED}
    previews = {key for key in nodes_of(prompt, "PreviewImage") if prompt[key]["inputs"]["images"][0] in without_sheet}
    kept = {key: part for key, part in without_sheet.items() if part["class_type"] != "PreviewImage" or key in previews}
    run = server.run(kept)
    made = videos(server, run, kept)
    assert len(made) == (2 if name == "retarget" else 1)
    for frames, rate, audio_seconds in made:
        assert rate == FPS[name]
        assert frames.shape == (math.ceil(SHORT_SECONDS * rate), SIZE, SIZE, 3)
        assert abs(audio_seconds - SHORT_SECONDS) <= 0.1
        change = np.abs(frames[1:].astype(float) - frames[0]).mean(axis=(1, 2, 3))
        assert change.max() > MOVING
    assert all(run.outputs[key]["images"] for key in previews)
    if name == "retarget":
        assert np.abs(made[0][0].astype(float) - made[1][0]).mean() > 10, "two different faces"

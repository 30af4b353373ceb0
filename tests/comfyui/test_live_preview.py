"""The live preview in a real ComfyUI: from the last run, without another; and what its route answers to everything else."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .comfy_server import ComfyServer, Json, node, node_id
from .conftest import SHORT_SECONDS
from .test_streaming import with_probe
from .test_talk import FPS, MOVING, SIZE


def ask(server: ComfyServer, body: bytes | Json) -> tuple[int, str, bytes]:
    """Status, content type and body of a POST to the route."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(server.url("/float/live"), sent, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get_content_type(), error.read()


def image(server: ComfyServer, body: Json) -> np.ndarray:
    status, kind, content = ask(server, body)
    assert (status, kind) == (200, f"image/{body.get('format', 'jpeg')}"), content[:500]
    return np.asarray(Image.open(BytesIO(content)).convert("RGB")).astype(float)


def refusal(server: ComfyServer, body: bytes | Json) -> tuple[int, str, str]:
    status, kind, content = ask(server, body)
    assert kind == "application/json"
    answer = json.loads(content)
    return status, answer["code"], answer["error"]


@pytest.fixture
def seen(server: ComfyServer, talk: Json) -> str:
    """The id of a LambdaEdit that ran."""
    run = server.run(talk)
    assert run.error == "", run.error
    return node_id(talk, "LambdaEdit")


def test_before_a_run_it_says_so(server: ComfyServer) -> None:
    status, code, message = refusal(server, {"node": "4711", "values": {}})
    assert (status, code) == (404, "no_run")
    assert "Run" in message
    state = server.get("/float/live?node=4711")
    assert (state["ready"], state["directions"]) == (False, [])
    assert "Run" in state["message"]


def test_the_state_after_a_run(server: ComfyServer, seen: str) -> None:
    state = server.get(f"/float/live?node={seen}")
    assert state["ready"]
    assert (state["frames"], state["fps"]) == (round(SHORT_SECONDS * FPS), FPS)
    names = [direction["name"] for direction in state["directions"]]
    assert len(names) == 20
    assert all(f"λ{k}" in name for k, name in enumerate(names))
    assert all(direction["low"] < 0 < direction["high"] for direction in state["directions"])


def test_directions_before_a_run(server: ComfyServer, seen: str) -> None:
    bundled = server.get("/float/directions?model=mini (bundled)")["directions"]
    assert bundled == server.get(f"/float/live?node={seen}")["directions"]
    assert "yaw" in bundled[0]["name"]
    plain = server.get("/float/directions?model=untrained.safetensors")["directions"]
    assert [direction["name"] for direction in plain] == [f"λ{k}" for k in range(20)]
    for name in ("../../etc/passwd", "", "nothing.safetensors"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            server.get(f"/float/directions?model={name}")
        assert caught.value.code == 404


def test_the_image_follows_the_values_and_the_time(server: ComfyServer, seen: str) -> None:
    plain = image(server, {"node": seen, "values": {}})
    assert plain.shape == (SIZE, SIZE, 3)
    assert np.array_equal(plain, image(server, {"node": seen, "values": {"lambda_00": 0.0}, "time": 0}))
    turned = image(server, {"node": seen, "values": {"lambda_00": 3.0}})
    as_text = image(server, {"node": seen, "values": {"edit": '[{"direction": 0, "offset": 3}]'}})
    assert np.abs(turned - plain).mean() > MOVING
    assert np.array_equal(turned, as_text)
    later = image(server, {"node": seen, "values": {}, "time": 0.4})
    assert np.abs(later - plain).mean() > 0
    last = image(server, {"node": seen, "values": {}, "time": 3600.0})
    assert np.array_equal(last, image(server, {"node": seen, "values": {}, "time": SHORT_SECONDS - 1 / FPS}))


def test_the_image_comes_in_the_format_that_was_asked_for(server: ComfyServer, seen: str) -> None:
    exact = image(server, {"node": seen, "values": {}, "format": "png"})
    assert np.array_equal(exact, image(server, {"node": seen, "values": {}, "format": "png"}))
    for given in ({}, {"format": "jpeg"}):
        assert 0 < np.abs(exact - image(server, {"node": seen, "values": {}, **given})).mean() < 3


def test_the_image_is_the_frame_of_the_video(server: ComfyServer, talk: Json) -> None:
    """What the artist sees is what a run with those values gives (to JPEG)."""
    node(talk, "LambdaEdit").update(lambda_01=2.0, edit='[{"direction": 6, "offset": 1.5, "start": 0.2}]')
    talk["100"] = {"class_type": "SaveImage", "inputs": {"images": [node_id(talk, "DecodeVideo"), 0], "filename_prefix": "frame"}}
    run = server.run(talk)
    assert run.error == "", run.error
    values = {name: value for name, value in node(talk, "LambdaEdit").items() if not isinstance(value, list)}
    for index in (0, 10):
        saved = run.outputs["100"]["images"][index]
        frame = np.asarray(Image.open(server.base / "output" / saved["subfolder"] / saved["filename"]).convert("RGB")).astype(float)
        live = image(server, {"node": node_id(talk, "LambdaEdit"), "values": values, "time": index / FPS})
        assert np.abs(live - frame).mean() < 2.5
        other = image(server, {"node": node_id(talk, "LambdaEdit"), "values": values | {"lambda_00": 3.0}, "time": index / FPS})
        assert np.abs(other - frame).mean() > 2 * np.abs(live - frame).mean(), "the comparison sees an edit"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "JSON"),
        (b"\xff\x00", "JSON"),
        (b"[" * 100_000, "JSON"),
        ({"node": 9, "values": {}}, "node"),
        ({"node": "../1", "values": {}}, "node"),
        ({"node": "9", "values": "x"}, "values"),
        ({"node": "SEEN", "values": {}, "time": "x"}, "time"),
        ({"node": "SEEN", "values": {}, "format": "gif"}, "format"),
        ({"node": "SEEN", "values": {"lambda_00": 1e9}}, "lambda_00"),
        ({"node": "SEEN", "values": {"lambda_00": None}}, "lambda_00"),
        ({"node": "SEEN", "values": {"__class__": 1}}, "no such widget"),
        ({"node": "SEEN", "values": {"edit": '[{"direction": 99, "offset": 1}]'}}, "direction"),
        ({"node": "SEEN", "values": {"edit": "import os"}}, "edit"),
        ({"node": "SEEN", "values": {"preset": "dance"}}, "preset"),
        (b'{"node": "1", "values": {}, "pad": "' + b"x" * (3 * 2**20) + b'"}', "larger"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_hostile_bodies_are_refused(server: ComfyServer, seen: str, body: Any, named: str) -> None:
    if isinstance(body, dict) and body["node"] == "SEEN":
        body = body | {"node": seen}
    status, code, message = refusal(server, body)
    assert (status, code) == (400, "bad_request")
    assert named in message
    assert "Traceback" not in message
    assert len(message) < 800


def test_what_comfyui_frees_is_gone_here_too(server: ComfyServer, seen: str) -> None:
    request = urllib.request.Request(
        server.url("/free"), b'{"unload_models": true, "free_memory": true}', {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=30).close()
    deadline = time.monotonic() + 30
    while server.get(f"/float/live?node={seen}")["ready"] and time.monotonic() < deadline:
        time.sleep(0.1)
    status, code, message = refusal(server, {"node": seen, "values": {}})
    assert (status, code) == (404, "no_run")
    assert "again" in message


def test_while_a_prompt_runs_it_waits(server: ComfyServer, talk: Json) -> None:
    assert server.run(talk).error == ""
    answers: list[tuple[int, str, str]] = []

    def is_running(kind: str, data: Json) -> bool:
        if kind == "progress" and data["node"] == node_id(talk, "SampleMotionLatents"):
            answers.append(refusal(server, {"node": node_id(talk, "LambdaEdit"), "values": {}}))
            return True
        return False

    node(talk, "SampleMotionLatents").update(seed=77, steps=200)
    server.run(talk, interrupt_when=is_running)
    assert answers[0][:2] == (503, "busy")
    node(talk, "SampleMotionLatents")["steps"] = 10
    assert server.run(talk).error == ""
    assert image(server, {"node": node_id(talk, "LambdaEdit"), "values": {}}).shape == (SIZE, SIZE, 3), "and follows again afterwards"


def test_a_request_looks_again_when_its_turn_comes(server: ComfyServer, talk: Json) -> None:
    """One preview takes long, another waits behind it; meanwhile a run begins."""
    assert server.run(with_probe(talk, "TestNextPreview", "LambdaEdit", how="slow", seconds=4.0)).error == ""
    body = {"node": node_id(talk, "LambdaEdit"), "values": {}}
    answers: list[Any] = []

    def is_running(kind: str, data: Json) -> bool:
        """Interrupts the run once both are answered."""
        return kind == "progress" and data["node"] == node_id(talk, "SampleMotionLatents") and all(answer.done() for answer in answers)

    with ThreadPoolExecutor(2) as threads:
        answers.append(threads.submit(ask, server, body))
        time.sleep(0.5)
        answers.append(threads.submit(ask, server, body | {"node": "4711:" + body["node"]}))  # not superseded by the one before
        answers.append(threads.submit(ask, server, body))
        node(talk, "SampleMotionLatents").update(seed=78, steps=200)
        node(talk, "LoadAudio")["audio"] = "long.wav"
        server.run(talk, interrupt_when=is_running)
        statuses = [answer.result()[0] for answer in answers]
    assert statuses == [200, 503, 503], "the run had begun when the turn of the later ones came"


@pytest.mark.parametrize("defect", ["TypeError", "RuntimeError"])
def test_a_defect_is_said_and_logged(server: ComfyServer, talk: Json, defect: str) -> None:
    assert server.run(with_probe(talk, "TestNextPreview", "LambdaEdit", how=defect)).error == ""
    read = len(server.log)
    status, code, message = refusal(server, {"node": node_id(talk, "LambdaEdit"), "values": {}})
    assert (status, code) == (500, "defect")
    assert defect in message
    assert "injected" not in message
    assert f"{defect}: injected by a test" in server.log[read:], "with its traceback"
    assert image(server, {"node": node_id(talk, "LambdaEdit"), "values": {}}).shape == (SIZE, SIZE, 3)


def test_a_full_memory_is_no_defect(server: ComfyServer, talk: Json) -> None:
    assert server.run(with_probe(talk, "TestNextPreview", "LambdaEdit", how="memory")).error == ""
    status, code, message = refusal(server, {"node": node_id(talk, "LambdaEdit"), "values": {}})
    assert (status, code) == (503, "busy")
    assert "memory" in message


def test_whose_motion_it_is_stays_known_behind_other_nodes(server: ComfyServer, talk: Json) -> None:
    edit = node(talk, "LambdaEdit")
    talk["100"] = {"class_type": "FLOATTrimMotion", "inputs": {"motion": edit["motion"], "start": 0.2, "end": 0.0}}
    talk["101"] = {"class_type": "FLOATStretchMotion", "inputs": {"motion": ["100", 0], "speed": 0.5}}
    talk["102"] = {"class_type": "FLOATMirrorMotion", "inputs": {"model": edit["model"], "motion": ["101", 0], "around": "mean"}}
    edit["motion"] = ["102", 0]
    assert server.run(talk).error == ""
    assert image(server, {"node": node_id(talk, "LambdaEdit"), "values": {}}).shape == (SIZE, SIZE, 3)

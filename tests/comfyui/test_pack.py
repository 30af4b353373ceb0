"""What ComfyUI knows of the pack after its start: nodes, help pages, names, template, samples."""

from __future__ import annotations

import json
import re

import pytest

from ..node_ids import NODE_IDS
from .comfy_server import PACK_NAME, REPOSITORY, ComfyServer, Json
from .write_locales import node_texts

TEMPLATES = ["curves", "edit_pose", "emotion_timeline", "retarget", "talk"]
OTHER_WORDS = ["picture", "sound", "clip", "colour", "licence", "behaviour", "neighbour"]
EMOTIONS = ["from the voice", "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]


@pytest.fixture
def ours(server: ComfyServer) -> Json:
    return {name: info for name, info in server.object_info.items() if info["python_module"] == f"custom_nodes.{PACK_NAME}"}


def inputs_of(info: Json) -> list[tuple[str, object, Json]]:
    parts = {**info["input"].get("required", {}), **info["input"].get("optional", {})}
    return [(name, kind, rest[0] if rest else {}) for name, (kind, *rest) in parts.items()]


def test_nodes_are_there_without_an_import_error(server: ComfyServer, ours: Json) -> None:
    assert set(ours) == NODE_IDS
    assert all(info["category"] == "FLOAT" for info in ours.values())
    assert "IMPORT FAILED" not in server.log
    assert "Cannot import" not in server.log
    assert "Error while calling comfy_entrypoint" not in server.log


def test_every_input_and_output_has_a_tooltip(ours: Json) -> None:
    bare = [f"{node}.{name}" for node, info in ours.items() for name, _, options in inputs_of(info) if not options.get("tooltip")]
    bare += [
        f"{node} -> {name}"
        for node, info in ours.items()
        for name, tip in zip(info["output_name"], info["output_tooltips"], strict=True)
        if not tip
    ]
    assert bare == []
    assert all(info["description"] for info in ours.values())


def test_every_input_has_a_name_to_read(ours: Json) -> None:
    names = {f"{node}.{name}": options.get("display_name", "") for node, info in ours.items() for name, _, options in inputs_of(info)}
    assert {place: name for place, name in names.items() if not name or "_" in name} == {}
    assert names["SampleMotionLatents.audio_guidance"] == "audio guidance"
    assert names["DecodeVideo.fps"] == "frame rate"


def test_texts_are_in_the_words_of_the_field(ours: Json) -> None:
    told = [{key: value for key, value in info.items() if key != "search_aliases"} for info in ours.values()]
    texts = " ".join(text for text in strings_of(told) if text not in EMOTIONS)
    assert {word for word in OTHER_WORDS if re.search(rf"\b{word}s?\b", texts, re.IGNORECASE)} == set()
    assert not re.search(r"python -m|(?<!\w)--\w", texts), "command line options are no node's business"


def strings_of(value: object) -> list[str]:
    """All strings inside."""
    parts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value] if isinstance(value, str) else [text for part in parts for text in strings_of(part)]


def test_every_number_has_its_limits(ours: Json) -> None:
    numbers = [(node, name, options) for node, info in ours.items() for name, kind, options in inputs_of(info) if kind in ("INT", "FLOAT")]
    assert len(numbers) > 20
    assert [f"{node}.{name}" for node, name, options in numbers if not {"min", "max", "step", "default"} <= set(options)] == []


def test_sockets_are_typed(ours: Json) -> None:
    sockets = {kind for info in ours.values() for _, kind, _ in inputs_of(info) if str(kind).startswith("FLOAT_")}
    assert sockets == {"FLOAT_MODEL", "FLOAT_IDENTITY", "FLOAT_AUDIO", "FLOAT_EMOTION", "FLOAT_MOTION", "FLOAT_EDIT"}
    assert ours["DecodeVideo"]["output"] == ["IMAGE", "VIDEO"]
    assert ours["FLOATCropFace"]["output"] == ["IMAGE", "FLOAT_CROP"]


def test_choices(ours: Json) -> None:
    choices = {name: options["options"] for _, info in ours.items() for name, kind, options in inputs_of(info) if kind == "COMBO"}
    assert choices["model"] == ["mini (bundled)", "tiny.safetensors", "untrained.safetensors"]
    assert choices["emotion"] == EMOTIONS
    assert choices["solver"] == ["euler", "midpoint", "heun", "rk4", "ab2"]


def test_lambda_edit_has_twenty_sliders(ours: Json) -> None:
    sliders = [name for name, kind, options in inputs_of(ours["LambdaEdit"]) if kind == "FLOAT" and options["display"] == "slider"]
    assert sliders[:20] == [f"lambda_{direction:02d}" for direction in range(20)]


def test_help_pages_are_served(server: ComfyServer) -> None:
    for name in NODE_IDS:
        page = server.read(f"/extensions/{PACK_NAME}/docs/{name}.md").decode()
        assert page == (REPOSITORY / "web" / "docs" / f"{name}.md").read_text()


def test_help_pages_name_every_widget(ours: Json) -> None:
    for name, info in ours.items():
        page = (REPOSITORY / "web" / "docs" / f"{name}.md").read_text()
        known = {*re.findall(r"`(\w+)`", page)} | ({f"lambda_{i:02d}" for i in range(20)} if name == "LambdaEdit" else set())
        assert {part for part, _, _ in inputs_of(info)} <= known, name


def test_names_for_translators_are_those_of_the_nodes(server: ComfyServer, ours: Json) -> None:
    stored = json.loads((REPOSITORY / "locales" / "en" / "nodeDefs.json").read_text())
    assert stored == node_texts(ours), "run tests/comfyui/write_locales.py"
    assert server.get("/i18n")["en"]["nodeDefs"]["LoadFLOAT"] == stored["LoadFLOAT"]


def test_list_for_comfyui_manager_is_complete(ours: Json) -> None:
    assert set(json.loads((REPOSITORY / "node_list.json").read_text())) == set(ours)


def test_templates_and_their_images_are_served(server: ComfyServer) -> None:
    assert sorted(server.get("/workflow_templates")[PACK_NAME]) == TEMPLATES
    for name in TEMPLATES:
        workflow = json.loads((REPOSITORY / "workflows" / f"{name}.json").read_text())
        assert server.get(f"/api/workflow_templates/{PACK_NAME}/{name}.json") == workflow
        assert server.read(f"/api/workflow_templates/{PACK_NAME}/{name}.jpg")[:3] == b"\xff\xd8\xff"


def test_samples_are_in_the_input_folder(server: ComfyServer) -> None:
    assert (server.base / "input" / "float_portrait.jpg").read_bytes() == (REPOSITORY / "assets" / "portrait.jpg").read_bytes()
    assert (server.base / "input" / "float_voice.wav").read_bytes() == (REPOSITORY / "assets" / "voice.wav").read_bytes()
    assert (server.base / "input" / "float_drawn_face.jpg").read_bytes() == (REPOSITORY / "assets" / "drawn_face.jpg").read_bytes()

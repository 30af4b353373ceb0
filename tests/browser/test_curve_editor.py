"""FLOATLambdaCurve's editor: what a hand does in it is what the text widget says, and the text is what a run does."""

from __future__ import annotations

import hashlib
import json
import urllib.request

import pytest

from ..comfyui.comfy_server import REPOSITORY, node_id
from .comfy_page import ComfyPage, Json
from .curve_hand import CurveHand

NOTHING: Json = {"id": "11111111-2222-4333-8444-555555555555", "version": 0.4, "nodes": [], "links": [], "groups": [], "extra": {}}
STEP = '[{"direction": 3, "curve": {"keyframes": [[0, 0], [2, 1], [4, -1]]}}]'
SHORT_SECONDS = 1.2  # of the voice short.wav


@pytest.fixture
def hand(comfy: ComfyPage) -> CurveHand:
    """On a new node, alone in its workflow, which has no curve yet."""
    comfy.load(NOTHING)
    made = comfy.add("FLOATLambdaCurve")
    comfy.look_at(made)
    return CurveHand(comfy, made)


@pytest.fixture
def stepped(hand: CurveHand) -> CurveHand:
    """On a node whose direction 3 goes through (0, 0), (2, 1) and (4, -1)."""
    hand.comfy.set_widget(hand.node_id, "curves", STEP)
    return hand


def test_keyframes_are_added_dragged_and_deleted(hand: CurveHand) -> None:
    assert hand.edits() == []
    hand.add_direction(3)
    assert hand.edits() == [{"direction": 3, "curve": {"keyframes": [[0, 0]]}}]
    hand.double_click(2.0, 1.0)
    assert hand.keyframes() == [[0, 0], [2, 1]]
    hand.click(3.0, 1.0)  # on the line
    assert hand.keyframes() == [[0, 0], [2, 1], [3, 1]]
    hand.drag((3.0, 1.0), (4.0, -1.0))
    assert [hand.keyframes()[2][0], round(hand.keyframes()[2][1], 1)] == [4, -1]
    hand.drag((4.0, -1.0), (1.0, 0.5))
    assert hand.keyframes()[2][0] == 2.04  # a frame after its neighbour
    hand.click(2.0, 1.0, "right")
    assert [time for time, _ in hand.keyframes()] == [0, 2.04]
    hand.click(0.0, 0.0)
    hand.press("Delete")
    assert [time for time, _ in hand.keyframes()] == [2.04]
    assert len(hand.comfy.workflow()["nodes"]) == 1  # Delete was not for the node


def test_snapping_can_be_turned_off_and_around(stepped: CurveHand) -> None:
    stepped.drag((2.0, 1.0), (2.513, 1.0))
    assert stepped.keyframes()[1][0] == 2.52
    stepped.page.get_by_label("Snap to frames").click()
    stepped.drag((2.52, 1.0), (2.775, 1.0))
    off_frame = stepped.keyframes()[1][0] * 25
    assert abs(off_frame - 2.775 * 25) < 0.5 and abs(off_frame - round(off_frame)) > 0.01
    stepped.drag((2.775, 1.0), (3.208, 1.0), hold="Alt")
    assert (stepped.keyframes()[1][0] * 25) % 1 == pytest.approx(0, abs=1e-3)


def test_keys_nudge_and_change_the_easing(stepped: CurveHand) -> None:
    stepped.click(2.0, 1.0)
    stepped.press("ArrowUp")
    stepped.press("ArrowLeft")
    assert stepped.keyframes()[1] == [1.96, 1.05]
    stepped.press("Shift+ArrowDown")
    stepped.press("Shift+ArrowRight")
    assert stepped.keyframes()[1] == [2.36, 0.55]
    for easing in ("hold", "bezier", "linear"):
        stepped.press("e")
        assert stepped.keyframes()[1][2] == easing
    stepped.press(".")
    stepped.press("ArrowUp")
    assert stepped.keyframes()[2] == [4, -0.95]


def test_numbers_can_be_typed(stepped: CurveHand) -> None:
    stepped.click(2.0, 1.0)
    fields = {name: stepped.page.get_by_label(name, exact=True) for name in ("Time", "Value")}
    assert [field.input_value() for field in fields.values()] == ["2", "1"]
    fields["Value"].fill("1.625")
    fields["Value"].press("Enter")
    fields["Time"].fill("3.3")
    fields["Time"].press("Tab")
    stepped.comfy.settle()
    assert stepped.keyframes()[1] == [3.3, 1.625]  # as typed, on a frame or not
    fields["Value"].fill("much")
    fields["Value"].press("Enter")
    fields["Time"].press("ArrowUp")
    assert stepped.keyframes()[1] == [3.34, 1.625]
    assert fields["Value"].input_value() == "1.625"
    stepped.page.get_by_label("linear", exact=True).click()
    assert stepped.keyframes()[1] == [3.34, 1.625, "linear"]
    stepped.page.get_by_label("Delete this keyframe").click()
    assert stepped.keyframes() == [[0, 0], [4, -1]]


def test_bezier_handles_are_dragged(hand: CurveHand) -> None:
    hand.comfy.set_widget(
        hand.node_id, "curves", '[{"direction": 0, "curve": {"keyframes": [[1, 0, "bezier", [0.25, 0, 0.75, 1]], [3, 1]]}}]'
    )
    hand.click(1.0, 0.0)
    hand.drag((1.5, 0.0), (2.0, 1.5))
    x1, y1, x2, y2 = hand.keyframes()[0][3]
    assert (x1, y1) == (pytest.approx(0.5, abs=0.01), pytest.approx(1.5, abs=0.03)) and (x2, y2) == (0.75, 1)


def test_a_gesture_is_one_step_of_undo(hand: CurveHand) -> None:
    hand.add_direction(3)
    texts = [hand.text()]
    hand.double_click(2.0, 1.0)
    texts.append(hand.text())
    hand.drag((2.0, 1.0), (3.0, -0.5))
    texts.append(hand.text())
    hand.page.keyboard.down("ArrowUp")  # held
    for _ in range(3):
        hand.page.keyboard.down("ArrowUp")
    hand.page.keyboard.up("ArrowUp")
    texts.append(hand.text())
    hand.page.get_by_label("hold", exact=True).click()
    texts.append(hand.text())
    assert len(set(texts)) == 5
    for text in texts[-2::-1]:
        hand.press("Control+z")
        hand.wait_for_text(text)
    for text in texts[1:]:
        hand.press("Control+y")
        hand.wait_for_text(text)
    hand.click(3.0, hand.keyframes()[1][1])  # the editor that undo made anew
    hand.press("Delete")
    assert hand.keyframes() == [[0, 0]]


def test_saved_and_loaded_it_sends_the_same(stepped: CurveHand) -> None:
    comfy = stepped.comfy
    stepped.drag((2.0, 1.0), (3.0, 1.5))
    stepped.click(3.0, stepped.keyframes()[1][1])
    stepped.press("e")
    saved, curves = json.loads(json.dumps(comfy.workflow())), stepped.edits()
    sent = comfy.prompt()
    comfy.open()
    comfy.load(saved)
    assert comfy.prompt() == sent
    assert stepped.edits() == curves
    assert "curve_editor" not in json.dumps([saved, sent])
    comfy.look_at(stepped.node_id)
    stepped.click(0.0, 0.0)
    stepped.press("Delete")
    assert stepped.keyframes() == curves[0]["curve"]["keyframes"][1:]


def test_changes_from_outside_are_drawn(stepped: CurveHand) -> None:
    before = stepped.picture()
    stepped.comfy.set_widget(stepped.node_id, "curves", STEP.replace("-1", "1.5"))
    assert stepped.picture() != before
    stepped.comfy.set_widget(stepped.node_id, "curves", STEP)
    assert stepped.picture() == before
    stepped.comfy.set_widget(stepped.node_id, "curves", STEP.replace('"direction": 3', '"direction": 11'))
    assert stepped.page.locator(".float-curve-name").all_inner_texts() == ["λ11"]


def test_several_directions(hand: CurveHand) -> None:
    for direction in (3, 7):
        hand.add_direction(direction)
    hand.double_click(2.0, 1.0)
    assert [hand.keyframes(0), hand.keyframes(1)] == [[[0, 0]], [[0, 0], [2, 1]]]
    hand.page.get_by_label("Edit λ3").click()
    hand.double_click(3.0, -1.0)
    assert [hand.keyframes(0), hand.keyframes(1)] == [[[0, 0], [3, -1]], [[0, 0], [2, 1]]]
    hand.click(2.0, 1.0)  # a keyframe of the other one
    hand.press("ArrowUp")
    assert hand.keyframes(1) == [[0, 0], [2, 1.05]]
    hand.page.get_by_label("Remove λ3").click()
    assert [edit["direction"] for edit in hand.edits()] == [7]


def test_text_that_cannot_be_read_is_left_and_shown(stepped: CurveHand) -> None:
    broken = '[{"direction": 3, "curve": {"keyframes": [[0, 0], [2]]}}]'
    assert not stepped.text_field().is_visible()
    stepped.comfy.set_widget(stepped.node_id, "curves", broken)
    stepped.text_field().wait_for(state="visible")
    stepped.double_click(1.0, 1.0)
    stepped.press("Delete")
    assert stepped.text() == broken
    assert stepped.page.locator(".float-curve-name").count() == 0
    stepped.text_field().fill(STEP)
    stepped.page.locator(".float-curve-name").wait_for()
    stepped.text_field().wait_for(state="hidden")


def test_other_edits_in_the_text_stay(hand: CurveHand) -> None:
    other = {"direction": 5, "gain": 0.5}
    track = {"direction": 3, "start": 1, "curve": {"keyframes": [[0, 0]]}}
    hand.comfy.set_widget(hand.node_id, "curves", json.dumps([other, track]))
    hand.double_click(2.0, 1.0)
    assert hand.edits() == [other, {**track, "curve": {"keyframes": [[0, 0], [2, 1]]}}]


def test_a_source_shows_what_it_needs(stepped: CurveHand) -> None:
    editor = stepped.page.locator(".float-curve")
    stepped.comfy.set_widget(stepped.node_id, "source", "loudness")
    editor.wait_for(state="hidden")
    hidden = "(id) => app.canvas.graph.getNodeById(id).widgets.filter((widget) => widget.hidden).map((widget) => widget.name)"
    assert stepped.comfy.do(hidden, stepped.node_id) == ["curves", "curve_editor"]
    stepped.comfy.set_widget(stepped.node_id, "source", "keyframes")
    editor.wait_for(state="visible")
    assert stepped.comfy.do(hidden, stepped.node_id) == ["curves", "direction", "attack", "release"]
    stepped.click(2.0, 1.0)
    stepped.press("ArrowUp")
    assert stepped.keyframes()[1] == [2, 1.05]


def test_zoom_and_fit(stepped: CurveHand) -> None:
    stepped.click(4.5, 1.8)
    stepped.page.mouse.move(*stepped.place(2.0, 0.5))
    for _ in range(30):
        stepped.page.mouse.wheel(0, -200)
    stepped.comfy.settle()
    stepped.seconds, stepped.start = 0.2, 2.0 - 0.2 * 2.0 / 5.0  # the place under the pointer stays
    stepped.click(2.0, 1.0)
    stepped.press("Delete")
    assert stepped.keyframes() == [[0, 0], [4, -1]]
    stepped.press("f")
    stepped.seconds, stepped.start = 5.0, 0.0
    stepped.click(4.0, -1.0)
    stepped.press("Delete")
    assert stepped.keyframes() == [[0, 0]]


def test_in_a_subgraph(comfy: ComfyPage) -> None:
    comfy.load(NOTHING)
    made = comfy.add("FLOATLambdaCurve")
    seen = comfy.add("PreviewImage", (700.0, 100.0))
    comfy.do(
        """([curve, seen]) => {
          const graph = app.canvas.graph;
          const [from, to] = [graph.getNodeById(curve), graph.getNodeById(seen)];
          from.connect(1, to, 0);
          const { subgraph } = graph.convertToSubgraph(new Set([from, to]));
          app.canvas.setGraph(subgraph);
        }""",
        [made, seen],
    )
    comfy.settle()
    inner = comfy.do("() => String(app.canvas.graph.nodes.find((node) => node.comfyClass === 'FLOATLambdaCurve').id)")
    comfy.look_at(inner)
    hand = CurveHand(comfy, inner)
    hand.add_direction(2)
    hand.double_click(2.0, 1.0)
    prompt = comfy.prompt()
    sent = node_id(prompt, "FLOATLambdaCurve")
    assert ":" in sent
    assert json.loads(prompt[sent]["inputs"]["curves"])[0]["curve"]["keyframes"] == [[0, 0], [2, 1]]
    comfy.run()
    hand.seconds = 2.0  # the run's own length: as far as the curve reaches
    hand.double_click(1.0, 1.5)
    assert hand.keyframes() == [[0, 0], [1, pytest.approx(1.5, abs=0.02)], [2, 1]]


@pytest.fixture
def curves() -> Json:
    """The shipped workflow with a short voice and fewer steps, so that a run takes seconds."""
    workflow: Json = json.loads((REPOSITORY / "workflows" / "curves.json").read_text())
    for node in workflow["nodes"]:
        if node["type"] == "LoadAudio":
            node["widgets_values"][0] = "short.wav"
        if node["type"] == "SampleMotionLatents":
            node["widgets_values"][0] = 2
    return workflow


def pictures(comfy: ComfyPage) -> dict[str, str]:
    """What each PreviewImage shows: a hash of its file."""
    script = """() => app.rootGraph.nodes.filter((node) => node.comfyClass === "PreviewImage")
        .map((node) => [String(node.id), app.nodeOutputs[node.id]?.images?.[0]])"""
    shown = {}
    for key, image in comfy.do(script):
        path = f"/view?filename={image['filename']}&subfolder={image['subfolder']}&type={image['type']}"
        with urllib.request.urlopen(comfy.server.url(path), timeout=60) as answer:
            shown[key] = hashlib.sha256(answer.read()).hexdigest()
    return shown


def test_a_run_draws_the_voice_and_moves_the_face(comfy: ComfyPage, curves: Json) -> None:
    comfy.load(curves)
    (drawn,) = [
        str(node["id"]) for node in curves["nodes"] if node["type"] == "FLOATLambdaCurve" and node["widgets_values"][0] == "keyframes"
    ]
    comfy.look_at(drawn)
    comfy.set_widget(drawn, "curves", '[{"direction": 0, "curve": {"keyframes": [[0, 0], [1, 1]]}}]')
    names = comfy.page.locator(".float-curve-name")
    comfy.page.wait_for_function("() => document.querySelector('.float-curve-name')?.innerText.includes('λ0')")
    hand = CurveHand(comfy, drawn)
    silent = hand.picture()
    comfy.run()
    comfy.page.wait_for_function("(silent) => document.querySelector('.float-curve-plot canvas').toDataURL() !== silent", arg=silent)
    assert "λ0" in names.first.inner_text()
    before = pictures(comfy)
    assert len(before) >= 2
    hand.seconds = SHORT_SECONDS
    hand.drag((1.0, 1.0), (0.6, -1.5))
    assert hand.keyframes() == [[0, 0], [0.6, pytest.approx(-1.5, abs=0.03)]]
    comfy.run()
    after = pictures(comfy)
    assert all(after[key] != before[key] for key in before)  # the curves' plot, and the motion's


def test_the_waveform_is_behind_the_curve(hand: CurveHand) -> None:
    """By the run's own message, so that the sound is known: silence, then a tone."""
    tell = "([id, peaks]) => app.canvas.graph.getNodeById(id).onExecuted({ float_curve: [{ duration: 5, fps: 25, waveform: peaks }] })"
    hand.add_direction(0)
    hand.comfy.do(tell, [hand.node_id, [0.0] * 300 + [1.0] * 300])
    hand.comfy.settle()
    assert hand.opacity(1.3, 0.6) == 0 < hand.opacity(3.3, 0.6)

"""FLOATLambdaCurve's editor: what a hand does in it is what the text widget says, and the text is what a run does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from .comfy_page import open_page
from .curve_hand import CurveHand

if TYPE_CHECKING:
    from playwright.sync_api import Browser

STEP = '[{"direction": 3, "curve": {"keyframes": [[0, 0], [2, 1], [4, -1]]}}]'


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
    assert hand.keyframes()[2][0] == 2.04  # a frame after its neighbor
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


def test_saved_and_loaded_it_sends_the_same(stepped: CurveHand, browser: Browser) -> None:
    comfy = stepped.comfy
    stepped.drag((2.0, 1.0), (3.0, 1.5))
    stepped.press("e")
    saved, sent, curves = comfy.workflow(), comfy.prompt(), stepped.keyframes()
    assert "curve_editor" not in json.dumps([saved, sent])
    with open_page(browser, comfy.server, comfy.renderer) as fresh:  # without what this browser remembers
        fresh.load(saved)
        assert fresh.prompt() == sent
        fresh.look_at(stepped.node_id)
        again = CurveHand(fresh, stepped.node_id)
        again.click(0.0, 0.0)
        again.press("Delete")
        assert again.keyframes() == curves[1:]
        assert fresh.errors == []


def test_changes_from_outside_are_drawn(stepped: CurveHand) -> None:
    before = stepped.image()
    stepped.comfy.set_widget(stepped.node_id, "curves", STEP.replace("-1", "1.5"))
    assert stepped.image() != before
    stepped.comfy.set_widget(stepped.node_id, "curves", STEP)
    assert stepped.image() == before
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


def test_it_is_as_sharp_as_the_screen_whoever_zooms_the_canvas(stepped: CurveHand) -> None:
    """Without the mouse: after the panels have gone to sleep, other code changes the view."""
    sharpness = "(canvas) => canvas.width / canvas.getBoundingClientRect().width / window.devicePixelRatio"
    for scale in (0.5, 1.0):
        stepped.page.wait_for_timeout(1500)
        stepped.comfy.look_at(stepped.node_id, scale)
        stepped.page.wait_for_timeout(1500)
        assert abs(stepped.canvas.evaluate(sharpness) - 1) < 0.02

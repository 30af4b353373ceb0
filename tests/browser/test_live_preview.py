"""LambdaEdit's live preview: sliders moved with mouse and keys, the scrubber, undo, and what it says when there is no image."""

from __future__ import annotations

import json

import pytest

from .panel_page import Panel


def test_before_a_run_it_says_so(panel: Panel) -> None:
    panel.wait_for_message("No run yet: press Run once")
    assert panel.image() == ""
    assert not panel.root.get_by_label("Time of the image", exact=True).is_visible()
    panel.comfy.run()
    assert panel.new_image() != ""
    assert panel.message() == ""


def test_the_mouse_moves_a_slider_and_the_image_follows(ran: Panel) -> None:
    before = ran.image()
    ran.drag(0, 0.9)
    value = ran.value("lambda_00")
    assert value > 0.2
    assert ran.prompt()["lambda_00"] == value
    assert float(ran.number(0).input_value()) == value
    turned = ran.new_image(before)
    ran.slider(0).dblclick(position={"x": 20, "y": 9})
    assert ran.value("lambda_00") == 0
    assert ran.new_image(turned) == before


def test_without_an_edit_the_image_is_that_of_before(ran: Panel) -> None:
    before = ran.image()
    ran.comfy.set_widget(ran.node_id, "lambda_00", 2)
    turned = ran.new_image(before)
    ran.comfy.set_widget(ran.node_id, "lambda_00", 0)
    assert ran.new_image(turned) == before


def test_keys_move_a_slider_and_the_image_follows(ran: Panel) -> None:
    before, steps = ran.image(), ran.undo_steps()
    ran.slider(6).focus()
    ran.comfy.page.keyboard.press("ArrowRight")
    ran.comfy.page.keyboard.press("ArrowRight")
    assert ran.value("lambda_06") == pytest.approx(0.02)
    assert ran.undo_steps() == steps + 2
    ran.comfy.page.keyboard.press("End")
    assert ran.value("lambda_06") > 0.2
    ran.new_image(before)


def test_the_image_follows_undo(ran: Panel) -> None:
    before = ran.image()
    ran.drag(0, 0.95)
    turned = ran.new_image(before)
    ran.comfy.page.keyboard.press("Control+z")
    assert ran.new_image(turned) == before


def test_the_scrubber_moves_through_the_clip(ran: Panel) -> None:
    before = ran.image()
    assert ran.root.get_by_text("0.00 s · frame 0").is_visible()
    ran.root.get_by_label("Time of the image", exact=True).focus()
    ran.comfy.page.keyboard.press("End")
    assert ran.root.get_by_text("1.16 s · frame 29").is_visible()
    ran.new_image(before)


def test_values_from_elsewhere_are_shown(ran: Panel) -> None:
    before = ran.image()
    ran.comfy.set_widget(ran.node_id, "lambda_06", 2.25)
    ran.new_image(before)
    assert ran.number(6).input_value() == "2.25"


def test_one_request_at_a_time_and_the_newest_wins(ran: Panel) -> None:
    page, held, asked = ran.comfy.page, [], []

    def hold(route: object) -> None:
        asked.append(json.loads(route.request.post_data)["values"]["lambda_00"])  # type: ignore[attr-defined]
        held.append(route)

    before = ran.image()
    page.route("**/float/live", hold)
    for value in (0.5, 1, 1.5, 2):
        ran.comfy.set_widget(ran.node_id, "lambda_00", value)
    assert asked == [0.5]
    held.pop().continue_()
    first = ran.new_image(before, final=False)
    while len(asked) < 2:
        ran.comfy.settle()
    assert asked == [0.5, 2]
    held.pop().continue_()
    page.unroute("**/float/live")
    assert ran.new_image(first) != before


def test_while_the_graph_runs_it_says_so(ran: Panel) -> None:
    page, before = ran.comfy.page, ran.image()
    busy = {"error": "ComfyUI is running: the image follows again when it is done.", "code": "busy"}
    page.route("**/float/live", lambda route: route.fulfill(status=503, json=busy))
    ran.drag(0, 0.9)
    ran.wait_for_message("ComfyUI is running")
    page.unroute("**/float/live")
    ran.comfy.run()
    ran.new_image(before)
    assert ran.message() == ""

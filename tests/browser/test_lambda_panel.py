"""LambdaEdit's panel under the hand: numbers, search, text, presets, undo."""

from __future__ import annotations

import json

import pytest

from .comfy_page import ComfyPage
from .panel_page import A_MOMENT, Panel

NO_CLIPBOARD = """() => {
  for (const name of ["readText", "writeText"]) navigator.clipboard[name] = () => Promise.reject(new Error("not allowed"));
}"""
CLIPBOARD = "() => { for (const name of ['readText', 'writeText']) delete navigator.clipboard[name]; }"
WORST_TEXT = '[{"direction": 0, "gain": "much"}]'


def test_native_widgets_are_hidden_but_in_the_prompt(panel: Panel) -> None:
    page = panel.comfy.page
    assert page.get_by_text("lambda_03").count() == 0
    hidden = panel.comfy.do("(id) => app.canvas.graph.getNodeById(id).widgets.filter((w) => w.hidden).length", panel.node_id)
    assert hidden == 27
    inputs = panel.prompt()
    assert [name for name in inputs if name.startswith("lambda_")] == [f"lambda_{k:02d}" for k in range(20)]
    assert inputs["edit"] == ""
    assert "float_panel" not in inputs


def test_numbers_are_typed_beyond_the_natural_range(panel: Panel) -> None:
    panel.number(3).fill("7,5")
    panel.number(3).press("Enter")
    assert panel.value("lambda_03") == 7.5
    assert panel.number(3).input_value() == "7.50"
    assert panel.slider(3).input_value() == "7.5"
    panel.number(3).fill("-99")
    panel.number(3).press("Enter")
    assert panel.value("lambda_03") == -10
    panel.number(3).fill("nonsense")
    panel.number(3).press("Enter")
    assert (panel.value("lambda_03"), panel.number(3).input_value()) == (-10, "-10.00")
    panel.number(3).press("ArrowUp")
    assert panel.value("lambda_03") == -9.95


def test_changed_rows_are_marked(panel: Panel) -> None:
    assert panel.root.locator(".fp-row.fp-changed").count() == 0
    panel.drag(4, 0.7)
    assert panel.root.locator(".fp-row.fp-changed").evaluate_all("(rows) => rows.map((row) => row.dataset.direction)") == ["4"]


def test_search_shows_only_what_matches(panel: Panel) -> None:
    assert len(panel.shown_numbers()) == 20
    panel.root.get_by_label("Search directions").fill("λ7")
    assert list(panel.shown_numbers()) == [7]
    panel.root.get_by_label("Search directions").fill("no such thing")
    assert panel.shown_numbers() == {}
    panel.root.get_by_label("Search directions").fill("")
    assert len(panel.shown_numbers()) == 20


def test_more_writes_the_edit_text(panel: Panel) -> None:
    panel.open_more(5)
    name = panel.row(5).locator("input[type=range]").get_attribute("aria-label")
    for field, text in (("gain", "0.5"), ("low", "-1")):
        panel.row(5).get_by_label(f"{name}, {field}", exact=True).fill(text)
        panel.row(5).get_by_label(f"{name}, {field}", exact=True).press("Enter")
    assert panel.edits() == [{"direction": 5, "gain": 0.5, "low": -1}]
    panel.row(5).get_by_role("checkbox").check()
    assert panel.edits() == [{"direction": 5, "gain": 0.5, "freeze": True, "low": -1}]
    panel.row(5).get_by_label(f"{name}, gain", exact=True).fill("")
    panel.row(5).get_by_label(f"{name}, gain", exact=True).press("Enter")
    assert panel.edits() == [{"direction": 5, "freeze": True, "low": -1}]


def test_the_range_of_seconds_moves_sliders_and_gains(panel: Panel) -> None:
    panel.comfy.set_widget(panel.node_id, "edit", '[{"direction": 1, "gain": 2}, {"direction": 1, "offset": 1}]')
    panel.root.get_by_role("button", name="Time range and rest").click()
    for field, text in (("Range from", "0.4"), ("Range to", "1")):
        panel.root.get_by_label(field, exact=True).fill(text)
        panel.root.get_by_label(field, exact=True).press("Enter")
    assert [panel.value(name) for name in ("start", "end", "ease")] == [0.4, 1, 0.2]
    assert panel.edits() == [{"direction": 1, "gain": 2, "start": 0.4, "end": 1, "ease": 0.2}, {"direction": 1, "offset": 1}]
    assert panel.root.get_by_text("0.40 – 1.00 s").is_visible()
    assert "1 more edit in the text" in panel.root.locator(".fp-list .fp-note").inner_text()


def test_the_panel_says_how_far_a_preset_reached(panel: Panel) -> None:
    panel.root.get_by_label("Preset", exact=True).select_option("still head")
    panel.comfy.run()
    panel.root.locator(".fp-reach", has_text="still head:").wait_for()
    panel.comfy.settle()
    shown = panel.comfy.do("(id) => app.canvas.graph.getNodeById(id).widgets.filter((w) => !w.hidden).map((w) => w.name)", panel.node_id)
    assert shown == ["float_panel"], "ComfyUI's own text below the panel would say it twice"


def test_preset_and_strength(panel: Panel) -> None:
    assert panel.root.get_by_label("Preset strength").is_disabled()
    panel.root.get_by_label("Preset", exact=True).select_option("still head")
    assert panel.value("preset") == "still head"
    panel.root.get_by_label("Preset strength").focus()
    panel.comfy.page.keyboard.press("ArrowLeft")
    assert panel.value("preset_strength") == 0.95
    assert (panel.prompt()["preset"], panel.prompt()["preset_strength"]) == ("still head", 0.95)


def test_copy_reset_and_paste(panel: Panel) -> None:
    panel.drag(0, 0.8)
    moved = panel.value("lambda_00")
    panel.comfy.set_widget(panel.node_id, "edit", '[{"direction": 2, "gain": 0.5}]')
    panel.button("Copy the edit as text").click()
    panel.root.get_by_text("Copied.").wait_for()
    text = panel.comfy.do("() => navigator.clipboard.readText()")
    assert json.loads(text) == [{"direction": 2, "gain": 0.5}, {"direction": 0, "offset": moved}]
    panel.button("Reset everything").click()
    assert (panel.value("lambda_00"), panel.value("edit")) == (0, "")
    panel.button("Paste an edit").click()
    panel.wait_for_value("lambda_00", moved)
    assert panel.edits() == [{"direction": 2, "gain": 0.5}]


def test_without_a_clipboard_there_is_a_field(panel: Panel) -> None:
    panel.comfy.do(
        "() => { for (const name of ['readText', 'writeText']) navigator.clipboard[name] = () => Promise.reject(new Error('no')); }"
    )
    panel.button("Paste an edit").click()
    field = panel.root.get_by_role("textbox", name="The edit as text")
    field.fill('[{"direction": 8, "offset": -1.5}]')
    panel.button("Apply").click()
    assert panel.value("lambda_08") == -1.5
    assert not field.is_visible()
    panel.button("Copy the edit as text").click()
    field.wait_for()
    assert json.loads(field.input_value()) == [{"direction": 8, "offset": -1.5}]
    field.fill(WORST_TEXT)
    panel.button("Apply").click()
    panel.root.get_by_text("Not pasted: edit 1: gain is not a number").wait_for()
    assert panel.value("lambda_08") == -1.5
    panel.comfy.do(CLIPBOARD)


def test_a_broken_text_is_said_and_kept(panel: Panel) -> None:
    panel.comfy.set_widget(panel.node_id, "edit", WORST_TEXT)
    panel.root.get_by_text("The edit text cannot be read: edit 1: gain is not a number").wait_for()
    panel.drag(0, 0.8)
    assert panel.value("edit") == WORST_TEXT


@pytest.mark.parametrize("focus", ["slider", "canvas"])
def test_one_gesture_is_one_step_of_undo(comfy: ComfyPage, focus: str) -> None:
    comfy.load({"nodes": [], "links": [], "version": 0.4})  # the node alone: in Nodes 2.0 core nodes change their size a moment after undo
    node = comfy.add("LambdaEdit")
    comfy.load(comfy.workflow())  # undo goes back to what was loaded
    comfy.do(A_MOMENT)
    panel = Panel(comfy, node)
    panel.drag(0, 0.8)
    first, steps = panel.value("lambda_00"), panel.undo_steps()
    panel.drag(0, 0.2, steps=20)
    assert panel.undo_steps() == steps + 1
    if focus == "canvas":
        panel.comfy.do("() => document.activeElement.blur()")
    for keys, expected in (("Control+z", first), ("Control+z", 0), ("Control+y", first)):
        panel.comfy.page.keyboard.press(keys)
        panel.wait_for_value("lambda_00", expected)
        panel.comfy.settle()
        assert float(panel.number(0).input_value()) == expected

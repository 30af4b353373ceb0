"""LambdaEdit's panel in a graph: saved and loaded, chained, cloned, in a subgraph, with links to its widgets."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
from PIL import Image

from .comfy_page import ComfyPage, Json
from .panel_page import Panel, id_of

CHAIN = """([id, loader, decode]) => {
  const graph = app.canvas.graph;
  const first = graph.getNodeById(id);
  const second = LiteGraph.createNode("LambdaEdit");
  second.pos = [first.pos[0] + 500, first.pos[1]];
  graph.add(second);
  graph.getNodeById(loader).connect(0, second, "model");
  first.connect(0, second, "motion");
  second.connect(0, graph.getNodeById(decode), "motion");
  return String(second.id);
}"""
INTO_SUBGRAPH = """(id) => {
  const graph = app.canvas.graph;
  const { subgraph, node } = graph.convertToSubgraph(new Set([graph.getNodeById(id)]));
  return [String(node.id), String(subgraph.nodes[0].id)];
}"""
OPEN_SUBGRAPH = "(id) => app.canvas.setGraph(app.rootGraph.getNodeById(id).subgraph)"
CONNECT_NUMBER = """([id, name, value]) => {
  const graph = app.canvas.graph;
  const node = graph.getNodeById(id);
  const source = LiteGraph.createNode("PrimitiveFloat");
  source.pos = [node.pos[0] - 300, node.pos[1] - 100];
  graph.add(source);
  source.widgets[0].value = value;
  source.connect(0, node, node.inputs.findIndex((input) => input.name === name));
  return String(source.id);
}"""
DISCONNECT = """([id, name]) => {
  const node = app.canvas.graph.getNodeById(id);
  node.disconnectInput(node.inputs.findIndex((input) => input.name === name));
}"""
RESIZE = """([id, size]) => {
  app.canvas.graph.getNodeById(id).setSize(size);
  app.canvas.setDirty(true, true);
}"""
VISIBLE = "(id) => app.canvas.graph.getNodeById(id).widgets.filter((widget) => !widget.hidden).map((widget) => widget.name)"


def mean_difference(one: str, other: str) -> float:
    """Of two images' pixels, in levels of 255."""
    first, second = (np.asarray(Image.open(BytesIO(base64.b64decode(jpeg)))).astype(float) for jpeg in (one, other))
    return float(np.abs(first - second).mean())


def test_saved_reloaded_the_same_prompt(comfy: ComfyPage, panel: Panel) -> None:
    panel.drag(0, 0.8)
    panel.drag(12, 0.3)
    panel.comfy.set_widget(panel.node_id, "edit", '[{"direction": 2, "freeze": true}]')
    panel.root.get_by_label("Preset", exact=True).select_option("calm")
    prompt, saved = comfy.prompt(), comfy.workflow()
    (node,) = (node for node in saved["nodes"] if node["id"] == panel.node_id)
    assert len(node["widgets_values"]) == 27
    comfy.open()
    comfy.load(saved)
    assert comfy.prompt() == prompt
    again = Panel(comfy, panel.node_id)
    assert float(again.number(0).input_value()) == prompt[str(panel.node_id)]["inputs"]["lambda_00"] != 0
    assert again.root.get_by_label("Preset", exact=True).input_value() == "calm"


def test_a_workflow_from_before_the_panel_loads(comfy: ComfyPage, talk: Json) -> None:
    (node,) = (node for node in talk["nodes"] if node["type"] == "LambdaEdit")
    node["widgets_values"] = [0.5, *[0.0] * 18, -1.0]
    comfy.load(talk)
    panel = Panel(comfy, node["id"])
    assert (panel.number(0).input_value(), panel.number(19).input_value()) == ("0.50", "-1.00")
    assert (panel.value("edit"), panel.value("preset"), panel.value("ease")) == ("", "none", 0.2)


def test_two_in_a_row_have_images_of_their_own(comfy: ComfyPage, panel: Panel, talk: Json) -> None:
    second = Panel(comfy, comfy.do(CHAIN, [panel.node_id, id_of(talk, "LoadFLOAT"), id_of(talk, "DecodeVideo")]), look=False)
    comfy.look_at(panel.node_id)
    comfy.set_widget(panel.node_id, "lambda_00", 2)
    comfy.run()
    first_image, second_image = panel.new_image(), second.new_image()
    assert mean_difference(first_image, second_image) < 1, "the second adds nothing yet"
    second.drag(0, 0.1)
    assert second.value("lambda_00") < -0.2
    assert panel.value("lambda_00") == 2
    turned = second.new_image(second_image)
    assert panel.image() == first_image
    panel.drag(0, 0.5)
    panel.new_image(first_image)
    assert second.image() == turned


def test_a_clone_has_a_panel_of_its_own(comfy: ComfyPage, panel: Panel) -> None:
    panel.drag(0, 0.8)
    script = """(id) => {
      const node = app.canvas.graph.getNodeById(id);
      const clone = node.clone();
      clone.pos = [node.pos[0], node.pos[1] + 900];
      app.canvas.graph.add(clone);
      return String(clone.id);
    }"""
    clone = Panel(comfy, comfy.do(script, panel.node_id))
    assert clone.value("lambda_00") == float(clone.number(0).input_value()) > 0.2
    clone.number(0).fill("-3")
    clone.number(0).press("Enter")
    assert clone.value("lambda_00") == -3
    assert panel.value("lambda_00") > 0.2


def test_copied_and_pasted_with_the_keyboard(comfy: ComfyPage, panel: Panel) -> None:
    comfy.set_widget(panel.node_id, "lambda_00", 1.5)
    comfy.do("(id) => { app.canvas.selectItems([app.canvas.graph.getNodeById(id)]); document.activeElement.blur(); }", panel.node_id)
    comfy.page.keyboard.press("Control+c")
    comfy.page.keyboard.press("Control+v")
    script = "() => app.canvas.graph.nodes.filter((node) => node.comfyClass === 'LambdaEdit').map((node) => String(node.id))"
    comfy.page.wait_for_function(f"() => ({script})().length === 2")
    (pasted,) = (made for made in comfy.do(script) if made != str(panel.node_id))
    assert Panel(comfy, pasted).number(0).input_value() == "1.50"


def test_inside_a_subgraph(comfy: ComfyPage, panel: Panel) -> None:
    panel.drag(0, 0.8)
    value = panel.value("lambda_00")
    host, inner = comfy.do(INTO_SUBGRAPH, panel.node_id)
    comfy.run()
    comfy.do(OPEN_SUBGRAPH, host)
    comfy.settle()
    inside = Panel(comfy, inner)
    before = inside.new_image()
    assert float(inside.number(0).input_value()) == value
    inside.drag(0, 0.1)
    inside.new_image(before)
    assert comfy.prompt()[f"{host}:{inner}"]["inputs"]["lambda_00"] == inside.value("lambda_00") < -0.2
    comfy.page.keyboard.press("Control+z")
    inside.wait_for_value("lambda_00", value)
    assert float(inside.number(0).input_value()) == value
    comfy.do("() => app.canvas.setGraph(app.rootGraph)")


def test_a_link_to_a_slider_shows_its_socket(comfy: ComfyPage, panel: Panel) -> None:
    assert comfy.do(VISIBLE, panel.node_id) == ["float_panel"]
    source = comfy.do(CONNECT_NUMBER, [panel.node_id, "lambda_02", 1.25])
    comfy.settle()
    assert comfy.do(VISIBLE, panel.node_id) == ["lambda_02", "float_panel"]
    assert panel.slider(2).is_disabled()
    assert not panel.slider(3).is_disabled()
    assert comfy.prompt()[str(panel.node_id)]["inputs"]["lambda_02"] == [source, 0]
    comfy.load(comfy.workflow())
    assert comfy.do(VISIBLE, panel.node_id) == ["lambda_02", "float_panel"]
    comfy.do(DISCONNECT, [panel.node_id, "lambda_02"])
    comfy.settle()
    assert comfy.do(VISIBLE, panel.node_id) == ["float_panel"]
    assert not panel.slider(2).is_disabled()


def test_a_slider_can_be_shown_to_connect_it(comfy: ComfyPage, panel: Panel) -> None:
    panel.open_more(1)
    named = comfy.page.get_by_text("λ1", exact=True)
    before = named.count()  # in the panel
    panel.row(1).get_by_role("button", name="Show this slider's input").click()
    assert comfy.do(VISIBLE, panel.node_id) == ["lambda_01", "float_panel"]
    if comfy.renderer == "nodes2":  # the classic renderer draws it
        named.nth(before).wait_for()


def test_the_panel_fits_its_node_at_any_width(comfy: ComfyPage, panel: Panel) -> None:
    comfy.look_at(panel.node_id, 1)
    for width, height in ((250, 450), (400, 780), (900, 600)):
        comfy.do(RESIZE, [panel.node_id, [width, height]])
        comfy.settle()
        box = panel.root.bounding_box()
        assert box is not None
        assert width - 40 <= box["width"] <= width
        sticking_out = panel.root.locator("input:visible, button:visible, select:visible").evaluate_all(
            "(all, right) => all.filter((one) => one.getBoundingClientRect().right > right + 1).length", box["x"] + box["width"]
        )
        assert sticking_out == 0, width

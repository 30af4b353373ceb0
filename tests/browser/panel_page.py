"""The panel of a LambdaEdit node, as the tests use it: found by what a user sees."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .comfy_page import ComfyPage, Json

if TYPE_CHECKING:
    from playwright.sync_api import Locator

# The panel of a node, also where its element is not a child of the node's (classic).
MARK = """(id) => {
  const widget = app.canvas.graph.getNodeById(id).widgets.find((candidate) => candidate.name === "float_panel");
  widget.element.dataset.testNode = id;
}"""
IMAGE = """async (image) => {
  const blob = window.keptBlobs.get(image.src);
  if (!blob || !image.naturalWidth || !image.complete || getComputedStyle(image).visibility !== "visible") return "";
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""
WAIT_FOR_IMAGE = f"""async ([id, before]) => {{
  const shown = {IMAGE};
  const ends = performance.now() + 40000;
  while (performance.now() < ends) {{
    const image = document.querySelector(`.float-panel[data-test-node="${{id}}"] .fp-image`);
    const now = image ? await shown(image) : "";
    if (now && now !== before) return;
    await new Promise((done) => requestAnimationFrame(done));
  }}
  throw new Error("no new image came");
}}"""
# What changes within 50 ms of a step of undo becomes part of that step; a hand takes longer to the next gesture.
A_MOMENT = "() => new Promise((done) => setTimeout(done, 120))"
UNDO_STEPS = "() => app.extensionManager.workflow.activeWorkflow.changeTracker.undoQueue.length"

HAS_VALUE = """([id, name, value]) => {
  if (app.extensionManager.workflow.activeWorkflow.changeTracker._restoringState) return false;
  return app.canvas.graph.getNodeById(id)?.widgets.find((widget) => widget.name === name)?.value === value;
}"""


def id_of(workflow: Json, kind: str) -> int:
    """The id of the workflow's only node of that class."""
    (found,) = (node["id"] for node in workflow["nodes"] if node["type"] == kind)
    return int(found)


class Panel:
    """The panel of the node with that id in the graph that is open."""

    def __init__(self, comfy: ComfyPage, node_id: int | str, *, look: bool = True) -> None:
        self.comfy, self.node_id = comfy, node_id
        if look:
            comfy.look_at(node_id)

    @property
    def root(self) -> Locator:
        """Its element; found anew each time, as undo makes another."""
        self.comfy.do(MARK, self.node_id)
        root = self.comfy.page.locator(f".float-panel[data-test-node='{self.node_id}']")
        root.wait_for(state="visible")
        return root

    def row(self, direction: int) -> Locator:
        """The row of a direction."""
        return self.root.locator(f".fp-row[data-direction='{direction}']")

    def slider(self, direction: int) -> Locator:
        """Its slider."""
        return self.row(direction).locator("input[type=range]")

    def number(self, direction: int) -> Locator:
        """Its number field."""
        return self.row(direction).locator("> input[type=text]")

    def button(self, label: str) -> Locator:
        """A button by its tooltip."""
        return self.root.get_by_role("button", name=label, exact=True)

    def open_more(self, direction: int) -> None:
        """Opens gain, freeze and limits of a direction."""
        self.row(direction).locator(".fp-more").click()

    def value(self, name: str) -> Any:
        """A widget's value."""
        return self.comfy.widget(self.node_id, name)

    def wait_for_value(self, name: str, value: Any) -> None:
        """Waits until a widget has that value, and ComfyUI's undo, which makes all nodes again, is through."""
        self.comfy.page.wait_for_function(HAS_VALUE, arg=[self.node_id, name, value])
        self.comfy.settle()

    def drag(self, direction: int, to: float, *, steps: int = 8) -> None:
        """Drags a slider from its middle to that share (0..1) of its length."""
        self.slider(direction).wait_for()  # Nodes 2.0 puts it on the page some frames after the node
        box = self.slider(direction).bounding_box()
        assert box is not None
        height = box["y"] + box["height"] / 2
        mouse = self.comfy.page.mouse
        mouse.move(box["x"] + box["width"] / 2, height)
        mouse.down()
        mouse.move(box["x"] + box["width"] * to, height, steps=steps)
        mouse.up()
        self.comfy.do(A_MOMENT)

    def message(self) -> str:
        """What stands over the image."""
        return self.root.locator(".fp-message").inner_text()

    def wait_for_message(self, part: str) -> None:
        """Waits until it says that."""
        self.root.locator(".fp-message", has_text=part).wait_for()

    def image(self) -> str:
        """The JPEG that is shown, as base64; '' where there is none."""
        return str(self.root.locator(".fp-image").evaluate(IMAGE))

    def new_image(self, before: str = "", *, final: bool = True) -> str:
        """Waits for an image that is not the one before; `final`: and until no other is asked for."""
        assert self.root
        self.comfy.do(WAIT_FOR_IMAGE, [str(self.node_id), before])
        if final:
            self.comfy.wait_until_quiet()
        return self.image()

    def edits(self) -> list[Json]:
        """The edits of the text."""
        text = self.value("edit")
        return list(json.loads(text)) if text else []

    def undo_steps(self) -> int:
        """How many steps Ctrl+Z can go back."""
        return int(self.comfy.do(UNDO_STEPS))

    def shown_numbers(self) -> dict[int, str]:
        """The numbers of the rows that can be seen, by direction."""
        rows = self.root.locator(".fp-row:visible")
        script = "(rows) => rows.map((row) => [Number(row.dataset.direction), row.querySelector('.fp-number').value])"
        return dict(rows.evaluate_all(script))

    def prompt(self) -> Json:
        """Its node's inputs as Run would send them."""
        return dict(self.comfy.prompt()[str(self.node_id)]["inputs"])

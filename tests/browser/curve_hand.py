"""A hand on the curve editor of a node: clicks, drags and keys at times and values, and what the text widget then says."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from .comfy_page import ComfyPage, Json

if TYPE_CHECKING:
    from playwright.sync_api import Locator

LEFT, RIGHT, TOP, BOTTOM = 34, 12, 10, 22  # the plot's margins in the editor's canvas, in its own pixels


def nothing() -> Json:
    """An empty workflow that the page does not know."""
    return {"id": str(uuid.uuid4()), "version": 0.4, "nodes": [], "links": [], "groups": [], "extra": {}}


class CurveHand:
    """`start`, `seconds` and `reach`: what the axes show, start to start + seconds and -reach to reach."""

    def __init__(self, comfy: ComfyPage, node_id: str, *, seconds: float = 5.0, reach: float = 2.0) -> None:
        self.comfy, self.node_id, self.start, self.seconds, self.reach = comfy, node_id, 0.0, seconds, reach
        self.page = comfy.page
        self.canvas = self.page.locator(".float-curve-plot canvas").first

    def _inside(self, time: float, value: float) -> tuple[float, float]:
        """As shares of the canvas."""
        width, height = self.canvas.evaluate("(canvas) => [canvas.clientWidth, canvas.clientHeight]")
        x = LEFT + (width - LEFT - RIGHT) * (time - self.start) / self.seconds
        y = TOP + (height - TOP - BOTTOM) * (self.reach - value) / (2 * self.reach)
        return x / width, y / height

    def place(self, time: float, value: float) -> tuple[float, float]:
        """Where that is on the page."""
        self.canvas.wait_for()
        x, y = self._inside(time, value)
        box = self.canvas.bounding_box()
        assert box is not None
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def opacity(self, time: float, value: float) -> int:
        """Of the image at that place: 0 where nothing is drawn."""
        script = "(c, [x, y]) => c.getContext('2d').getImageData(Math.round(x * c.width), Math.round(y * c.height), 1, 1).data[3]"
        return int(self.canvas.evaluate(script, list(self._inside(time, value))))

    def image(self) -> str:
        """All of it."""
        self.page.mouse.move(5, 500)  # the pointer has a readout in it
        self.comfy.settle()
        return str(self.canvas.evaluate("(canvas) => canvas.toDataURL()"))

    def add_direction(self, direction: int) -> None:
        """Chooses one from the list."""
        self.page.locator(".float-curve-add").first.select_option(str(direction))
        self.comfy.settle()

    def double_click(self, time: float, value: float) -> None:
        """With the mouse."""
        self.page.mouse.dblclick(*self.place(time, value))
        self.comfy.settle()

    def click(self, time: float, value: float, button: Any = "left") -> None:
        """With the mouse."""
        self.page.mouse.click(*self.place(time, value), button=button)
        self.comfy.settle()

    def drag(self, start: tuple[float, float], end: tuple[float, float], *, hold: str = "") -> None:
        """From one time and value to another, in a few steps; `hold`: a key that is down meanwhile."""
        (x, y), (to_x, to_y) = self.place(*start), self.place(*end)
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        if hold:
            self.page.keyboard.down(hold)
        self.page.mouse.move(to_x, to_y, steps=6)
        self.page.mouse.up()
        if hold:
            self.page.keyboard.up(hold)
        self.comfy.settle()

    def press(self, key: str) -> None:
        """On the keyboard."""
        self.page.keyboard.press(key)
        self.comfy.settle()

    def text_field(self) -> Locator:
        """The widget of the text, which is shown only where it is needed."""
        return self.page.locator("textarea").first

    def text(self) -> str:
        """What the text widget says."""
        return str(self.comfy.widget(self.node_id, "curves"))

    def wait_for_text(self, text: str) -> None:
        """Until the text widget says that; undo takes a moment."""
        script = "([id, text]) => app.canvas.graph.getNodeById(id)?.widgets.find((widget) => widget.name === 'curves').value === text"
        self.page.wait_for_function(script, arg=[self.node_id, text])
        self.comfy.settle()

    def edits(self) -> list[Json]:
        """The same, read."""
        edits: list[Json] = json.loads(self.text())
        return edits

    def keyframes(self, track: int = 0) -> list[list[Any]]:
        """Of one of the edits."""
        keyframes: list[list[Any]] = self.edits()[track]["curve"]["keyframes"]
        return keyframes

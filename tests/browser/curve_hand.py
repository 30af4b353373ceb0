"""A hand on the curve editor of a node: presses, drags and keys at times and values, and what the widget then says. Knows the editor's margins."""

from __future__ import annotations

import json
from typing import Any

from .comfy_page import ComfyPage, Json

LEFT, RIGHT, TOP, BOTTOM = 34, 12, 10, 22  # the plot's margins in the canvas, in its own pixels


class CurveHand:
    """`seconds` and `reach`: what the axes show, 0 to seconds and -reach to reach."""

    def __init__(self, comfy: ComfyPage, node_id: str, *, seconds: float = 5.0, reach: float = 2.0) -> None:
        self.comfy, self.node_id, self.seconds, self.reach = comfy, node_id, seconds, reach
        self.page = comfy.page
        self.canvas = self.page.locator(".float-curve-plot canvas").first

    def place(self, time: float, value: float) -> tuple[float, float]:
        """Where that is on the page."""
        self.canvas.wait_for()
        box = self.canvas.bounding_box()
        assert box is not None
        width, height = self.comfy.do("() => { const c = document.querySelector('.float-curve-plot canvas'); return [c.clientWidth, c.clientHeight]; }")
        x = LEFT + (width - LEFT - RIGHT) * time / self.seconds
        y = TOP + (height - TOP - BOTTOM) * (self.reach - value) / (2 * self.reach)
        return box["x"] + x * box["width"] / width, box["y"] + y * box["height"] / height

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

    def edits(self) -> list[Json]:
        """What the text widget says."""
        edits: list[Json] = json.loads(self.comfy.widget(self.node_id, "curves"))
        return edits

    def keyframes(self, track: int = 0) -> list[list[Any]]:
        """Of one of the edits."""
        keyframes: list[list[Any]] = self.edits()[track]["curve"]["keyframes"]
        return keyframes

"""Panels do nothing while nothing changes; and what the server did not answer is asked again."""

from __future__ import annotations

from typing import Any

from .comfy_page import ComfyPage, Json
from .panel_page import Panel, id_of

HAS_YAW = """() => [...document.querySelectorAll(".float-curve-add option")].some((option) => option.textContent.includes("yaw"))"""
PANELS = ".float-panel, .float-curve, .float-emotion"


def test_nothing_is_done_while_nothing_changes(comfy: ComfyPage, talk: Json) -> None:
    """Before a run and after it: no frames, no timers, no requests, nothing drawn again."""
    comfy.load(talk)
    curve = comfy.add("FLOATLambdaCurve", (2500.0, 100.0))
    for node in (curve, id_of(talk, "Speech2Emotion"), id_of(talk, "LambdaEdit")):
        comfy.look_at(node)
    assert comfy.work_while_idle(PANELS) == []
    comfy.run()
    Panel(comfy, id_of(talk, "LambdaEdit")).new_image()
    assert comfy.work_while_idle(PANELS) == []


def test_the_panel_still_sees_what_other_code_does(ran: Panel) -> None:
    """After it has slept for a while."""
    before = ran.image()
    assert ran.comfy.work_while_idle(PANELS, 0.5) == []
    ran.comfy.set_widget(ran.node_id, "lambda_06", 2.25)
    ran.new_image(before)
    assert ran.number(6).input_value() == "2.25"


class Failing:
    """Lets the first requests to a path fail as if nobody answered, or with a status."""

    def __init__(self, comfy: ComfyPage, path: str, times: int, method: str = "GET", status: int | None = None) -> None:
        self.left, self.method, self.status = times, method, status
        comfy.page.route(path, self.answer)

    def answer(self, route: Any) -> None:
        if route.request.method != self.method or not self.left:
            route.continue_()
            return
        self.left -= 1
        if self.status is None:
            route.abort()
        else:
            route.fulfill(status=self.status, body="nobody there")


def test_names_that_could_not_be_looked_up_come_later(comfy: ComfyPage, talk: Json) -> None:
    failing = Failing(comfy, "**/float/directions*", 2)
    comfy.load(talk)
    panel = Panel(comfy, id_of(talk, "LambdaEdit"))
    panel.row(0).get_by_text("yaw").wait_for()
    assert failing.left == 0
    comfy.page.unroute("**/float/directions*")


def test_names_in_the_curve_editor_come_later_too(comfy: ComfyPage, talk: Json) -> None:
    failing = Failing(comfy, "**/float/directions*", 2, status=503)
    comfy.load(talk)
    curve = comfy.add("FLOATLambdaCurve", (2500.0, 100.0))
    connect = """([loader, curve]) => {
      const graph = app.canvas.graph;
      const place = graph.getNodeById(curve).inputs.findIndex((slot) => slot.name === "model");
      graph.getNodeById(loader).connect(0, graph.getNodeById(curve), place);
    }"""
    comfy.do(connect, [id_of(talk, "LoadFLOAT"), curve])
    comfy.look_at(curve)
    comfy.page.wait_for_function(
        """() => [...document.querySelectorAll(".float-curve-add option")].some((o) => o.textContent.includes("yaw"))"""
    )
    assert failing.left == 0
    comfy.page.unroute("**/float/directions*")


def test_an_image_that_did_not_come_is_asked_for_again(ran: Panel) -> None:
    before = ran.image()
    failing = Failing(ran.comfy, "**/float/live*", 1, "POST")
    ran.comfy.set_widget(ran.node_id, "lambda_00", 2)
    ran.wait_for_message("The server does not answer")
    ran.new_image(before)
    assert failing.left == 0
    ran.comfy.page.unroute("**/float/live*")
    assert ran.message() == ""


def test_a_run_that_could_not_be_asked_for_is_asked_for_again(panel: Panel) -> None:
    panel.comfy.run()
    panel.new_image()
    failing = Failing(panel.comfy, "**/float/live*", 2)
    panel.comfy.do("() => app.api.dispatchCustomEvent('reconnected')")
    panel.wait_for_message("The server does not answer")
    panel.root.locator(".fp-message:empty").wait_for(state="attached")
    assert failing.left == 0
    panel.comfy.page.unroute("**/float/live*")

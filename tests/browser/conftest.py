"""A ComfyUI server and a browser for all tests here, a page in both renderers, and a last line that says how many tests ran."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from ..comfyui import conftest as comfyui
from ..comfyui.comfy_server import REPOSITORY, ComfyServer
from .comfy_page import CHROMIUM, RENDERERS, ComfyPage, Json, open_page
from .curve_hand import CurveHand, nothing
from .panel_page import Panel, id_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

VOICE_SECONDS = 1.2
_counts = {"ran": 0, "failed": 0}
_fresh = itertools.count(1)


def why_not() -> str:
    """Why no test can run, or ''."""
    if comfyui.why_not():
        return comfyui.why_not()
    if find_spec("playwright") is None:
        return "playwright not installed; it is in requirements-dev.txt"
    return "" if CHROMIUM.exists() else f"no browser at {CHROMIUM}; Debian's package is named chromium"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.nodeid.startswith("tests/browser/"):
        _counts["ran"] += report.when == "call" and not report.skipped
        _counts["failed"] += report.failed


def pytest_unconfigure(config: pytest.Config) -> None:
    """The very last line: after pytest's own summary, so that nobody misses it."""
    ran, failed = _counts["ran"], _counts["failed"]
    line = f"BROWSER TESTS: {ran} ran, {failed} failed, in ComfyUI {comfyui.CHECKOUTS[-1].version if comfyui.CHECKOUTS else ''}"
    if not ran:
        line = f"BROWSER TESTS DID NOT RUN: {why_not() or ('see the errors above' if failed else 'none was selected')}"
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal.write_line(line, green=bool(ran and not failed), red=not ran or bool(failed), bold=True)


@pytest.fixture(scope="session")
def browser_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComfyServer]:
    """The newest ComfyUI that was found, with this pack, and a short voice in its input folder."""
    if why_not():
        pytest.skip(why_not())
    base = tmp_path_factory.mktemp("browser")
    (base / "input").mkdir()
    comfyui.write_voice(base / "input" / "short.wav", VOICE_SECONDS)
    with ComfyServer(comfyui.CHECKOUTS[-1], base) as running:
        yield running


@pytest.fixture(scope="session")
def browser(browser_server: ComfyServer) -> Iterator[Browser]:
    """The system's chromium. Its fixture depends on the server so that one reason for skipping holds for both."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--force-color-profile=srgb"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session", params=list(RENDERERS))
def open_comfy(request: pytest.FixtureRequest, browser: Browser, browser_server: ComfyServer) -> Iterator[ComfyPage]:
    """A page in each renderer, one after the other."""
    with open_page(browser, browser_server, request.param) as page:
        yield page


@pytest.fixture
def comfy(open_comfy: ComfyPage) -> Iterator[ComfyPage]:
    """The page, once in each renderer. Any error of the page or of our scripts fails the test. Tests share it, each with its workflow."""
    open_comfy.errors.clear()
    yield open_comfy
    assert open_comfy.errors == []


@pytest.fixture
def talk() -> Json:
    """The shipped workflow, short, with an id of its own and node ids that no other test uses: neither server nor page knows them."""
    return renumber(short_talk(), 100 * next(_fresh))


@pytest.fixture
def curves() -> Json:
    """The shipped workflow of curves, in the same way."""
    return renumber(short_talk("curves"), 100 * next(_fresh))


def short_talk(name: str = "talk") -> Json:
    """A shipped workflow with a short voice and fewer steps, so that a run takes seconds."""
    workflow: Json = json.loads((REPOSITORY / "workflows" / f"{name}.json").read_text())
    workflow["id"] = str(uuid.uuid4())
    for node in workflow["nodes"]:
        if node["type"] == "LoadAudio":
            node["widgets_values"][0] = "short.wav"
        if node["type"] == "SampleMotionLatents":
            node["widgets_values"][0] = 2
    return workflow


def renumber(workflow: Json, by: int) -> Json:
    """The workflow with so much added to the ids of its nodes."""
    for node in workflow["nodes"]:
        node["id"] += by
    for link in workflow["links"]:
        link[1] += by
        link[3] += by
    workflow["last_node_id"] += by
    return workflow


@pytest.fixture
def hand(comfy: ComfyPage) -> CurveHand:
    """On the editor of a new FLOATLambdaCurve, alone in its workflow, which has no curve yet."""
    comfy.load(nothing())
    made = comfy.add("FLOATLambdaCurve")
    comfy.look_at(made)
    return CurveHand(comfy, made)


@pytest.fixture
def panel(comfy: ComfyPage, talk: Json) -> Panel:
    """The panel of the shipped workflow's LambdaEdit, before any run."""
    comfy.load(talk)
    return Panel(comfy, id_of(talk, "LambdaEdit"))


@pytest.fixture
def ran(panel: Panel) -> Panel:
    """The same after a run, with its image."""
    panel.comfy.run()
    panel.new_image()
    return panel

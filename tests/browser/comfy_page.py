"""ComfyUI's page in a browser: what the tests do with it, in the words of a user. Knows nothing of this pack's panels."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..comfyui.comfy_server import PACK_NAME

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

    from ..comfyui.comfy_server import ComfyServer

Json = dict[str, Any]
CHROMIUM = Path("/usr/bin/chromium")
RENDERERS = {"classic": False, "nodes2": True}
VIEW = {"width": 1500, "height": 1000}
WAIT_MS = 40_000  # on a busy machine; usually less than one second
# The spinner turns until the workflow of the last visit is open again; one that is loaded before would be replaced by it.
READY = "() => window.app?.extensionManager?.spinner === false && window.app.isGraphReady && window.app.canvas?.graph"
# The page's security policy lets no script read a blob by its address: what gets one is kept, so that tests can compare images.
KEEP_BLOBS = """
const make = URL.createObjectURL;
const revoke = URL.revokeObjectURL;
window.keptBlobs = new Map();
URL.createObjectURL = (blob) => {
  const address = make.call(URL, blob);
  window.keptBlobs.set(address, blob);
  return address;
};
URL.revokeObjectURL = (address) => {
  window.keptBlobs.delete(address);
  revoke.call(URL, address);
};
"""
# What our own scripts let the page do later, and what the elements of our panels change in themselves.
WATCH_OUR_WORK = """(() => {
  window.ourWork = [];
  for (const name of ["requestAnimationFrame", "setTimeout", "setInterval"]) {
    const plain = window[name];
    window[name] = (...given) => {
      if (new Error().stack.includes("/extensions/PACK/")) window.ourWork.push(name);
      return plain(...given);
    };
  }
})()"""
WATCH_PANELS = """(selector) => {
  window.ourWork.length = 0;
  window.panelWatch?.disconnect();
  window.panelWatch = new MutationObserver((changes) => window.ourWork.push(...changes.map(({ type }) => type)));
  const panels = document.querySelectorAll(selector);
  for (const panel of panels) window.panelWatch.observe(panel, { subtree: true, childList: true, attributes: true, characterData: true });
  return panels.length;
}"""
# Each run starts when the queue is asked, and has ended when the server says so for that prompt.
RUN = """async () => {
  const ended = new Promise((done) => {
    for (const kind of ["execution_success", "execution_error", "execution_interrupted"])
      app.api.addEventListener(kind, (event) => done([kind, event.detail]), { once: true });
  });
  if (!(await app.queuePrompt(0, 1))) return ["refused", { exception_message: JSON.stringify(app.lastNodeErrors) }];
  return await ended;
}"""

LOOK = """([id, wanted]) => {
  const node = app.canvas.graph.getNodeById(id);
  const scale = wanted ?? Math.min(1, 820 / node.size[1]);
  app.canvas.ds.scale = scale;
  app.canvas.ds.offset = [140 / scale - node.pos[0], 110 / scale - node.pos[1]];
  app.canvas.setDirty(true, true);
}"""


class ComfyPage:
    """One open page. `errors` are uncaught exceptions and what our scripts wrote as errors."""

    def __init__(self, page: Page, server: ComfyServer, renderer: str) -> None:
        self.page, self.server, self.renderer = page, server, renderer
        self.errors: list[str] = []
        self.under_way: set[Request] = set()  # to our routes
        self.asked: list[str] = []  # of our routes, so far
        page.set_default_timeout(WAIT_MS)
        page.add_init_script(KEEP_BLOBS)
        page.add_init_script(WATCH_OUR_WORK.replace("PACK", PACK_NAME))
        page.on("request", self._note)
        for end in ("requestfinished", "requestfailed"):
            page.on(end, lambda request: self.under_way.discard(request))  # type: ignore[call-overload]
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        page.on("console", lambda message: self._take(message.type, message.text, message.location.get("url", "")))

    def _take(self, kind: str, text: str, address: str) -> None:
        ours = "/extensions/" in address or "FLOAT" in text
        if kind in ("error", "warning") and ours:
            self.errors.append(f"console {kind}: {text} ({address})")

    def _note(self, request: Request) -> None:
        if "/float/" in request.url:
            self.under_way.add(request)
            self.asked.append(f"{request.method} {request.url}")

    def open(self) -> None:
        """Goes to the page, or loads it again, and waits until it can be used."""
        self.page.goto(self.server.url("/"))
        self.page.wait_for_function(READY)

    def do(self, script: str, argument: Any = None) -> Any:
        """The value of a JavaScript function of one argument; `app` is in scope."""
        return self.page.evaluate(script, argument)

    def load(self, workflow: Json) -> None:
        """Opens a saved workflow, as File > Open does, and fits nothing: the view stays as saved."""
        self.do("(workflow) => app.loadGraphData(workflow, true, true, null)", workflow)
        self.settle()

    def settle(self) -> None:
        """Waits for two frames: widgets are placed while the canvas draws."""
        self.do("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def wait_until_quiet(self) -> None:
        """Waits until our scripts have asked the server for all they want, and have been answered."""
        self.settle()
        while self.under_way:
            self.settle()

    def work_while_idle(self, selector: str, seconds: float = 2.0) -> list[str]:
        """What our scripts do in so many seconds in which nothing happens: frames, timers, changes of these elements, and requests."""
        self.wait_until_quiet()
        self.page.wait_for_timeout(1500)
        asked = len(self.asked)
        assert self.do(WATCH_PANELS, selector) > 0
        self.page.wait_for_timeout(1000 * seconds)
        return [*self.do("() => window.ourWork"), *self.asked[asked:]]

    def look_at(self, node_id: int | str, scale: float | None = None) -> None:
        """Moves the view: the node's upper left corner a little inside the canvas, at that scale, or so that it can be seen as a whole."""
        self.do(LOOK, [node_id, scale])
        self.settle()

    def run(self) -> None:
        """Presses Run and waits for the end; a failed run fails the test with what the user reads."""
        kind, data = self.do(RUN)
        assert kind == "execution_success", data.get("exception_message", data)

    def prompt(self) -> Json:
        """What Run would send."""
        return dict(self.do("async () => (await app.graphToPrompt()).output"))

    def workflow(self) -> Json:
        """What Save would write."""
        return dict(self.do("() => app.rootGraph.serialize()"))

    def add(self, kind: str, position: tuple[float, float] = (100.0, 100.0)) -> str:
        """Puts a new node on the canvas; its id."""
        script = """([kind, pos]) => {
          const node = LiteGraph.createNode(kind);
          node.pos = pos;
          app.canvas.graph.add(node);
          return String(node.id);
        }"""
        made = str(self.do(script, [kind, list(position)]))
        self.settle()
        return made

    def widget(self, node_id: int | str, name: str) -> Any:
        """A widget's value."""
        script = "([id, name]) => app.canvas.graph.getNodeById(id).widgets.find((widget) => widget.name === name).value"
        return self.do(script, [node_id, name])

    def set_widget(self, node_id: int | str, name: str, value: Any) -> None:
        """Sets a widget's value as other code would: without the mouse, without a callback."""
        script = "([id, name, value]) => { app.canvas.graph.getNodeById(id).widgets.find((w) => w.name === name).value = value; }"
        self.do(script, [node_id, name, value])
        self.settle()


def put_setting(server: ComfyServer, name: str, value: Any) -> None:
    """Writes a setting of the user, as the settings dialog does; holds for pages opened afterwards."""
    request = urllib.request.Request(
        server.url(f"/settings/{name}"), json.dumps(value).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


@contextmanager
def open_page(browser: Browser, server: ComfyServer, renderer: str, *, palette: str = "dark") -> Iterator[ComfyPage]:
    """A fresh browser profile with ComfyUI open in that renderer and color palette ("dark" or "light")."""
    put_setting(server, "Comfy.TutorialCompleted", True)
    put_setting(server, "Comfy.VueNodes.Enabled", RENDERERS[renderer])
    put_setting(server, "Comfy.ColorPalette", palette)
    context = browser.new_context(viewport=VIEW, permissions=["clipboard-read", "clipboard-write"])
    context.add_init_script("performance.setResourceTimingBufferSize(5000)")  # a test reads which scripts were loaded: more than 250
    try:
        page = ComfyPage(context.new_page(), server, renderer)
        page.open()
        yield page
    finally:
        context.close()

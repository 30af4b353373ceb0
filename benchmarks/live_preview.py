"""How long the live preview of LambdaEdit takes in a real browser: from the slider's input event to the image being shown.

    .venv/bin/python -m benchmarks.live_preview [--moves 30] [--renderer classic|nodes2] [--json FILE]

Needs what the browser tests need (tests/browser/README.md). The aim is a median of 150 ms on two processor cores with the bundled model.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.browser.comfy_page import CHROMIUM, RENDERERS, open_page
from tests.browser.conftest import VOICE_SECONDS, short_talk, why_not
from tests.browser.panel_page import Panel, id_of
from tests.comfyui.comfy_server import ComfyServer
from tests.comfyui.conftest import CHECKOUTS, write_voice

AIM_MS = 150.0
# One move: a value is put into the slider as the mouse does, and the time is taken when the image that answers it has been loaded.
MOVE = """([id, value]) => new Promise((done) => {
  const panel = document.querySelector(`.float-panel[data-test-node="${id}"]`);
  const slider = panel.querySelector('.fp-row[data-direction="0"] input[type=range]');
  const image = panel.querySelector(".fp-image");
  image.addEventListener("load", () => done(performance.now() - began), { once: true });
  slider.value = value;
  const began = performance.now();
  slider.dispatchEvent(new Event("input", { bubbles: true }));
})"""


def measure(renderer: str, moves: int) -> list[float]:
    """Milliseconds of each move."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        (base / "input").mkdir()
        write_voice(base / "input" / "short.wav", VOICE_SECONDS)
        with ComfyServer(CHECKOUTS[-1], base) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
            with open_page(browser, server, renderer) as page:
                talk = short_talk()
                page.load(talk)
                panel = Panel(page, id_of(talk, "LambdaEdit"))
                page.run()
                panel.new_image()
                values = [round(0.1 * (1 + move % 15) * (-1) ** move, 2) for move in range(moves + 2)]
                times = [float(page.do(MOVE, [str(panel.node_id), value])) for value in values]
            browser.close()
    return times[2:]  # the first two load what later ones find in memory


def summary(renderer: str, times: Sequence[float]) -> dict[str, Any]:
    """The figures of a measurement."""
    return {
        "what": "live preview: input event to image shown",
        "renderer": renderer,
        "moves": len(times),
        "median_ms": round(statistics.median(times), 1),
        "worst_ms": round(max(times), 1),
        "aim_ms": AIM_MS,
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def main() -> int:
    """Returns 0, or 2 where it cannot run; being slow is no error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=30)
    parser.add_argument("--renderer", choices=list(RENDERERS), default="classic")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    options = parser.parse_args()
    if why_not():
        print(f"LIVE PICTURE BENCHMARK DID NOT RUN: {why_not()}")
        return 2
    figures = summary(options.renderer, measure(options.renderer, options.moves))
    print(
        f"live preview, {figures['renderer']}: median {figures['median_ms']} ms, worst {figures['worst_ms']} ms of "
        f"{figures['moves']} moves (aim {AIM_MS:.0f} ms; {figures['cores']} cores, load {figures['load_average']})"
    )
    print(json.dumps(figures))
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

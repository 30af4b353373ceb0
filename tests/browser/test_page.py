"""The pack's scripts in ComfyUI's page: they load, once, and every node can be put on the canvas."""

from __future__ import annotations

import json

from ..comfyui.comfy_server import PACK_NAME, REPOSITORY
from .comfy_page import ComfyPage, Json

NODES = json.loads((REPOSITORY / "node_list.json").read_text())


def test_our_extension_is_registered_once(comfy: ComfyPage) -> None:
    names = comfy.do("() => app.extensions.map((extension) => extension.name)")
    assert names.count("FLOATPortrait") == 1


def test_scripts_have_no_side_effect_on_their_own(comfy: ComfyPage) -> None:
    """ComfyUI imports every one of them as an extension."""
    scripts = [f"/extensions/{PACK_NAME}/{path.relative_to(REPOSITORY / 'web')}" for path in sorted((REPOSITORY / "web").rglob("*.js"))]
    assert scripts
    loaded = comfy.do("() => performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname)")
    assert {path.removeprefix("/api") for path in loaded} >= set(scripts)


def test_every_node_can_be_dropped(comfy: ComfyPage) -> None:
    dropped = {comfy.add(kind, (100.0 + 500 * place, 100.0)): kind for place, kind in enumerate(NODES)}
    made = comfy.do("(ids) => Object.fromEntries(ids.map((id) => [id, app.canvas.graph.getNodeById(id).comfyClass]))", list(dropped))
    assert made == dropped


def test_the_shipped_workflow_runs_from_the_page(comfy: ComfyPage, talk: Json) -> None:
    comfy.load(talk)
    comfy.run()

"""The registry's archive, not the repository, in a real ComfyUI: every node is there, and the first workflow makes its video."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..node_ids import NODE_IDS
from ..shipped_files import copy_shipped
from .checkouts import Checkout
from .comfy_server import PACK_NAME, REPOSITORY, ComfyServer, node
from .conftest import CHECKOUTS, SHORT_SECONDS, why_not, write_voice
from .convert_workflow import to_prompt


@pytest.mark.skipif(bool(why_not()), reason=why_not())
@pytest.mark.parametrize("checkout", CHECKOUTS, ids=lambda checkout: checkout.version)
def test_the_archive_is_a_whole_pack(checkout: Checkout, tmp_path: Path) -> None:
    base = tmp_path / "comfyui"
    (base / "input").mkdir(parents=True)
    write_voice(base / "input" / "short.wav", SHORT_SECONDS)
    with ComfyServer(checkout, base, copy_shipped(tmp_path / "archive")) as server:
        ours = {name for name, info in server.object_info.items() if info["python_module"] == f"custom_nodes.{PACK_NAME}"}
        assert ours == NODE_IDS, server.log[-4000:]
        assert server.read(f"/extensions/{PACK_NAME}/docs/LoadFLOAT.md")
        assert server.get("/i18n")["en"]["nodeDefs"]["LoadFLOAT"]
        prompt = to_prompt(json.loads((REPOSITORY / "workflows" / "talk.json").read_text()), server.object_info)
        node(prompt, "LoadAudio")["audio"] = "short.wav"
        run = server.run(prompt)
    assert run.error == "" and run.refused is None
    assert list((base / "output").rglob("*.mp4"))

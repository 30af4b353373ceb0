"""Writes what the nodes say of themselves into locales/en/nodeDefs.json, which translators start from, and into node_list.json, by which
ComfyUI-Manager finds the pack for a workflow whose nodes are missing.

.venv/bin/python -m tests.comfyui.write_locales
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from .checkouts import find_checkouts
from .comfy_server import PACK_NAME, REPOSITORY, ComfyServer

Json = dict[str, Any]


def node_texts(nodes: Json) -> Json:
    """Names and tooltips of nodes as in /object_info, in the form that ComfyUI's translations have."""
    return {name: _texts(nodes[name]) for name in sorted(nodes)}


def _texts(info: Json) -> Json:
    inputs = {**info["input"].get("required", {}), **info["input"].get("optional", {})}
    outputs = zip(info["output_name"], info["output_tooltips"], strict=True)
    return {
        "display_name": info["display_name"],
        "description": info["description"],
        "inputs": {name: {"name": rest[0]["display_name"], "tooltip": rest[0]["tooltip"]} for name, (_, *rest) in inputs.items()},
        "outputs": {str(i): {"name": name, "tooltip": tooltip} for i, (name, tooltip) in enumerate(outputs)},
    }


def main() -> None:
    """Asks the newest ComfyUI there is."""
    with tempfile.TemporaryDirectory() as folder, ComfyServer(find_checkouts()[-1], Path(folder)) as server:
        ours = {name: info for name, info in server.object_info.items() if info["python_module"] == f"custom_nodes.{PACK_NAME}"}
    texts = node_texts(ours)
    _write(REPOSITORY / "locales" / "en" / "nodeDefs.json", texts)
    _write(REPOSITORY / "node_list.json", {name: text["description"] for name, text in texts.items()})


def _write(path: Path, content: Json) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

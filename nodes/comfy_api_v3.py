"""ComfyUI's node API (V3), for the rest of this folder: nothing else imports `comfy_api`. Knows nothing of this pack's nodes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from comfy_api.latest import ComfyExtension, InputImpl, io

__all__ = ["ComfyExtension", "InputImpl", "io", "schema"]

_KNOWN = {f.name for f in fields(io.Schema)}


def schema(**parts: Any) -> io.Schema:
    """A node's schema in the category FLOAT, less the parts that this ComfyUI is too old for (search_aliases came with 0.10)."""
    return io.Schema(category="FLOAT", **{name: value for name, value in parts.items() if name in _KNOWN})

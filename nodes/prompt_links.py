"""Who takes what in a prompt, read from its links. Knows the form of ComfyUI's prompts; imports no ComfyUI.

A link is the value of an input: [id of the node it comes from, index of its output].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def takes_output(parts: Iterable[Mapping[str, Any]], source: str, output: int) -> bool:
    """Whether one of these nodes of a prompt has an input that comes from that output of the node `source`."""
    return any(_is_link_to(value, source, output) for part in parts for value in part.get("inputs", {}).values())


def _is_link_to(value: object, source: str, output: int) -> bool:
    if not isinstance(value, (list, tuple)) or len(value) != 2 or isinstance(value[1], bool):
        return False
    return str(value[0]) == source and isinstance(value[1], (int, float)) and int(value[1]) == output

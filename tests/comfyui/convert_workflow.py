"""A saved workflow as the prompt that the browser would send. Knows the file format and /object_info; no subgraphs, no muted nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

NOTES = ("Note", "MarkdownNote")
WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
DYNAMIC = "COMFY_DYNAMICCOMBO_V3"
Json = dict[str, Any]


def to_prompt(workflow: Json, object_info: Json) -> Json:
    """The API prompt of a workflow."""
    sources = {link[0]: [str(link[1]), link[2]] for link in workflow["links"]}
    prompt: Json = {}
    for node in workflow["nodes"]:
        if node["type"] in NOTES:
            continue
        inputs = dict(_widget_values(object_info[node["type"]]["input"], list(node.get("widgets_values", []))))
        inputs |= {slot["name"]: sources[slot["link"]] for slot in node.get("inputs", []) if slot.get("link") is not None}
        prompt[str(node["id"])] = {"class_type": node["type"], "inputs": inputs}
    return prompt


def _widget_values(spec: Json, values: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values of the widgets, in the order in which the browser shows and saves them. Uses `values` up; optional widgets
    beyond its end are left out."""
    required = spec.get("required", {})
    for name, (kind, *rest) in [*required.items(), *spec.get("optional", {}).items()]:
        options = rest[0] if rest else {}
        if not (isinstance(kind, list) or kind in WIDGETS or kind == DYNAMIC) or options.get("forceInput"):
            continue
        if not values:
            assert name not in required, f"the workflow has no value for {prefix}{name}"
            continue
        value = values.pop(0)
        yield prefix + name, value
        if kind == DYNAMIC:
            chosen = next(option for option in options["options"] if option["key"] == value)
            yield from _widget_values(chosen["inputs"], values, f"{prefix}{name}.")
        elif options.get("control_after_generate"):
            values.pop(0)  # "fixed", "randomize", ...: the browser's own

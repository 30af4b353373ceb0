"""ComfyUI's node API (V3), for the rest of this folder: nothing else imports `comfy_api`. Every node of this pack is a `FloatNode`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, ClassVar

from comfy_api.latest import ComfyExtension, InputImpl, io

from ..float_core import FloatError
from . import host_bridge
from .messages import advised, told_warnings

__all__ = ["ComfyExtension", "FloatNode", "InputImpl", "io"]

_KNOWN = {f.name for f in fields(io.Schema)}


class FloatNode(io.ComfyNode):
    """A node of this pack: its class's name is its id, the class's docstring what the artist reads about it."""

    node_id: ClassVar[str]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "node_id" not in vars(cls):  # ComfyUI clones the class for every run, with all that it has
            cls.node_id = cls.__name__
            cls.execute = classmethod(_told_well(cls.execute.__func__))

    @classmethod
    def schema(cls, display_name: str, inputs: Sequence[Any], outputs: Sequence[Any], **more: Any) -> io.Schema:
        """The node's schema, less the parts that this ComfyUI is too old for (search_aliases came with 0.10). An input without a display
        name of its own shows its id, with spaces."""
        for given in inputs:
            given.display_name = given.display_name or given.id.replace("_", " ")
        return io.Schema(
            node_id=cls.node_id,
            display_name=display_name,
            category="FLOAT",
            description=" ".join((cls.__doc__ or "").split()),
            inputs=list(inputs),
            outputs=list(outputs),
            **{name: value for name, value in more.items() if name in _KNOWN},
        )


def _told_well(execute: Callable[..., io.NodeOutput]) -> Callable[..., io.NodeOutput]:
    """The same, but the artist reads what float_core warns of, and with its errors what to do."""

    @functools.wraps(execute)
    def run(cls: type[FloatNode], **inputs: Any) -> io.NodeOutput:
        try:
            with told_warnings(host_bridge.tell_user):
                return execute(cls, **inputs)
        except FloatError as error:
            error.args = (host_bridge.for_the_page(advised(error)),)
            raise

    return run

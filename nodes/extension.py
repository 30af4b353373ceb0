"""The pack's entry point: which nodes there are, and what ComfyUI is told when it starts."""

from __future__ import annotations

from pathlib import Path

from . import (  # each of these modules has some nodes
    audio_nodes,  # noqa: F401
    edit_nodes,  # noqa: F401
    file_nodes,  # noqa: F401
    generation_nodes,  # noqa: F401
    host_bridge,
    live_routes,
    mix_nodes,  # noqa: F401
    plot_nodes,  # noqa: F401
    source_nodes,  # noqa: F401
    timing_nodes,  # noqa: F401
)
from .comfy_api_v3 import ComfyExtension, FloatNode

_ASSETS = Path(__file__).resolve().parent.parent / "assets"
SAMPLES = {  # the templates name these
    "float_portrait.jpg": _ASSETS / "portrait.jpg",
    "float_drawn_face.jpg": _ASSETS / "drawn_face.jpg",
    "float_voice.wav": _ASSETS / "voice.wav",
}


class FloatPortraitExtension(ComfyExtension):
    """This pack."""

    async def get_node_list(self) -> list[type[FloatNode]]:
        """All nodes, without the clones of them that ComfyUI makes for every run."""
        return [kind for kind in FloatNode.__subclasses__() if kind.__name__ == kind.node_id]


async def comfy_entrypoint() -> FloatPortraitExtension:
    """Called once by ComfyUI. Registers the model folder, puts the samples where the templates can load them, and adds the routes of the
    live preview; here and not in `on_load`, which ComfyUI 0.8.0 does not call."""
    host_bridge.register_model_folder()
    host_bridge.offer_samples(SAMPLES)
    live_routes.register()
    return FloatPortraitExtension()

"""The pack as ComfyUI sees it: the folder of its help pages and, where ComfyUI is running, the entry point to its nodes.

Importable without ComfyUI, so that test runners can collect this folder. Everything else is in `nodes` and `float_core`.
"""

from importlib.util import find_spec

WEB_DIRECTORY = "./web"
__all__ = ["WEB_DIRECTORY"]

if find_spec("comfy_api") is not None:
    from .nodes.extension import comfy_entrypoint as comfy_entrypoint

    __all__ += ["comfy_entrypoint"]

"""ComfyUI nodes: each unpacks its inputs, calls float_core once, and packs the result. No maths here.

`comfy_api_v3` alone imports ComfyUI's node API, `host_bridge` alone the rest of ComfyUI.
"""

"""The IMAGE of all frames of a clip: whether there is room for it, and its making. Knows sizes and words; knows no ComfyUI."""

from __future__ import annotations

import torch
from torch import Tensor

from ..float_core import OptionError
from .memory_estimates import image_memory

GB = 2**30
TIGHT = 0.6  # of what is free: nodes that work on the images mostly make a second batch
ADVICE = (
    "Leave `images` unconnected and use `video`, which needs no more memory for a longer clip; or make the clip shorter, or its fps lower"
)


def check_room(needed: int, free: int, limit: float) -> str | None:
    """A warning where `needed` bytes are much of the `free` ones, or None. Raises OptionError above `limit` GB (0 = what is free)."""
    found = f"all frames as images take {needed / GB:.2f} GB, and {free / GB:.2f} GB of memory are free"
    if needed > (limit * GB if limit else free):
        allowed = f"image_memory_limit allows {limit:g} GB" if limit else "no more than what is free is allowed"
        raise OptionError(
            f"{found}; {allowed}. {ADVICE}; or allow it with image_memory_limit = {needed / GB + 0.05:.1f}"
            + ("." if needed <= free else ", if this machine can swap.")
        )
    if needed > free:
        return f"{found}: this machine will swap, or end ComfyUI. {ADVICE}."
    return f"{found}: it gets tight. {ADVICE}." if needed > TIGHT * free else None


def new_batch(frames: int, size: int, device: torch.device) -> Tensor:
    """An IMAGE (frames, size, size, 3) to be filled, never copied. Raises OptionError when the device does not give that much."""
    try:
        return torch.empty(frames, size, size, 3, device=device)
    except RuntimeError as error:
        needed = image_memory(frames, size) / GB
        raise OptionError(f"all frames as images take {needed:.2f} GB, which {device} does not give ({error}). {ADVICE}.") from error

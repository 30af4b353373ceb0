"""Memory as it is here: what a container still has, which ComfyUI does not see, and whether all frames of a video fit as an IMAGE.

Knows the files of Linux's control groups, versions 1 and 2.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ..float_core import OptionError

GB = 2**30
GROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
NO_LIMIT = 2**60  # version 1 writes a number about as large where there is none
TIGHT = 0.6  # of what is free: nodes that work on the images mostly make a second batch
ADVICE = (
    "Leave `images` unconnected and use `video`, which needs no more memory for a longer video; or use shorter audio, or a lower frame rate"
)


def container_room(groups: Path = GROUPS, own: Path = OWN) -> int | None:
    """Bytes that may still be taken under the tightest limit, counting files that are only kept in memory as free; None without a limit."""
    rooms = [room for folder in _folders(groups, own) if (room := _room(folder)) is not None]
    return min(rooms, default=None)


def _folders(groups: Path, own: Path) -> list[Path]:
    """The group of this process and all above it (version 2), and the memory group (version 1)."""
    lines = _text(own).splitlines()
    inside = next((line[3:].strip("/") for line in lines if line.startswith("0::")), "")
    group = groups / inside
    above = [folder for folder in group.parents if folder.is_relative_to(groups)]
    return [group, *above, groups / "memory"]


def _room(folder: Path) -> int | None:
    for limit_name, used_name, kept_name in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit, used = _text(folder / limit_name), _text(folder / used_name)
        if limit.isdecimal() and used.isdecimal() and int(limit) < NO_LIMIT:
            kept = [line.split()[1] for line in _text(folder / "memory.stat").splitlines() if line.startswith(kept_name + " ")]
            return max(0, int(limit) - int(used) + int(kept[0] if kept else 0))
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


def image_memory(frames: int, size: int) -> int:
    """Bytes of an IMAGE (frames, size, size, 3), which is float32."""
    return frames * size * size * 3 * 4


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

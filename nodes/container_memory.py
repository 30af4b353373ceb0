"""How much memory a container still has, where there is one: the machine's own figure, which ComfyUI reads, does not know of its limit.

Knows the files of Linux's control groups, versions 1 and 2; knows no ComfyUI.
"""

from __future__ import annotations

from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
NO_LIMIT = 2**60  # version 1 writes a number about as large where there is none


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

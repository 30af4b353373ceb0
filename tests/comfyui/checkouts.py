"""Which ComfyUI checkouts the tests run against. Knows folders and versions; standard library only, as the installer uses it too."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CACHE = Path.home() / ".cache" / "float-portrait"
NOT_NEEDED = ("torch", "torchvision", "torchaudio", "comfyui-workflow-templates", "comfyui-embedded-docs")  # the last two are large


@dataclass(frozen=True)
class Checkout:
    """A ComfyUI source tree."""

    folder: Path
    version: str

    @property
    def order(self) -> tuple[int, ...]:
        """For sorting by version."""
        return tuple(int(part) for part in re.findall(r"\d+", self.version))

    def requirements(self) -> dict[str, str]:
        """Its requirements by name, without those that the tests bring themselves or do not need."""
        lines = (line.strip() for line in (self.folder / "requirements.txt").read_text().splitlines())
        named = {re.split(r"[<>=~!;\[ ]", line)[0].lower(): line for line in lines if line and not line.startswith("#")}
        return {name: line for name, line in named.items() if name not in NOT_NEEDED}


def find_checkouts(named: Sequence[str] = ()) -> list[Checkout]:
    """Those named here, or by COMFYUI_DIR (several are separated as in PATH), or else every comfyui-* in the cache; oldest first."""
    names = [name for name in named or os.environ.get("COMFYUI_DIR", "").split(os.pathsep) if name]
    folders = [Path(name).expanduser() for name in names] or sorted(CACHE.glob("comfyui-*"))
    found = [Checkout(folder.resolve(), version) for folder in folders if (version := _version(folder))]
    return sorted(found, key=lambda checkout: checkout.order)


def _version(folder: Path) -> str:
    file = folder / "comfyui_version.py"
    match = re.search(r'__version__\s*=\s*"([^"]+)"', file.read_text()) if file.is_file() else None
    return match.group(1) if match else ""


def common_requirements(checkouts: list[Checkout]) -> list[str]:
    """Requirements that serve all of them: where they differ, the newest one's."""
    merged: dict[str, str] = {}
    for checkout in sorted(checkouts, key=lambda checkout: checkout.order):
        merged |= checkout.requirements()
    return sorted(merged.values())

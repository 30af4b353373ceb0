"""What the figures were measured on: machine, versions, settings of the environment that change speed. Measures nothing."""

from __future__ import annotations

import os
import platform
import sys
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from float_core.config import VERSION

_LIBRARIES = ("numpy", "transformers", "safetensors", "imageio-ffmpeg", "soxr")
_VARIABLES = ("OMP_", "MKL_", "MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD", "CUDA_VISIBLE_DEVICES", "PYTORCH_", "TORCH_")


def machine_facts() -> dict[str, Any]:
    """Facts that a reader needs to compare figures with others. What the system does not say is None."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "cores_of_machine": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "ram_bytes": ram_bytes(),
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "os": platform.platform(),
        "python": platform.python_version(),
        "float_core": VERSION,
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "environment": {name: value for name, value in sorted(os.environ.items()) if name.startswith(_VARIABLES)},
    }


def cpu_name() -> str | None:
    """As the system spells it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.lower().startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or None


def usable_cores() -> int | None:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def ram_bytes() -> int | None:
    """Of the machine."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows, and systems that lack the name
        return None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

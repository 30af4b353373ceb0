"""The machine that is measured on: what it is, how much memory this process has held, and when a GPU has done its work."""

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

_LIBRARIES = ("numpy", "transformers", "safetensors", "av", "soxr")
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


def peak_resident_bytes() -> int | None:
    """Peak resident size of this process since it was started; None where the system does not say it. Programs that it started (ffmpeg)
    are not in it."""
    status = Path("/proc/self/status")
    if status.is_file():
        # getrusage would not do here: a process that was forked begins with its parent's peak
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def peak_device_bytes() -> int | None:
    """Most bytes in tensors on the current GPU since the start or `reset_device_peak`; None if no GPU is in use."""
    return torch.cuda.max_memory_allocated() if torch.cuda.is_initialized() else None


def reset_device_peak() -> None:
    """Counts a GPU's peak from now on."""
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def synchronize(device: torch.device) -> None:
    """Waits until a GPU has done what it was given: only then does a clock say anything."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()

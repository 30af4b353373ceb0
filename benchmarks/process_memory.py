"""The most memory that this process has held: resident, and on a GPU. Knows nothing of what it was for."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

_STATUS = Path("/proc/self/status")


def peak_resident_bytes() -> int | None:
    """Peak resident size of this process since it was started; None where the system does not say it. Programs that it started (ffmpeg)
    are not in it."""
    if _STATUS.is_file():
        # getrusage would not do here: a process that was forked begins with its parent's peak
        for line in _STATUS.read_text().splitlines():
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

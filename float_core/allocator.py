"""Tells the allocator of the C library to keep large buffers for the next frame, instead of giving them back to the system.

The feature maps of a frame are tens of megabytes. By default glibc maps each of them again and unmaps it after use, and the page faults
then cost as much as the arithmetic.
"""

from __future__ import annotations

import ctypes
import os
import sys

# Parameters of mallopt (malloc.h), and the environment variables for the same settings: the user's choice wins.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_VARIABLES = ("MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")
_KEPT_BYTES = 2**31 - 1  # mallopt takes an int


def keep_freed_memory() -> bool:
    """Keeps freed memory in the whole process from now on; returns whether it worked. It needs Linux with glibc, and does nothing if an
    environment variable already controls the allocator. MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=2147483647 have the same effect."""
    if not sys.platform.startswith("linux") or any(name in os.environ for name in _VARIABLES):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or getattr(ctypes.CDLL(None), "gnu_get_libc_version", None) is None:  # musl has neither
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, _KEPT_BYTES))

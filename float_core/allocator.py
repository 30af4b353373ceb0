"""The C library's allocator, told to keep large buffers for the next frame instead of handing them back to the system.

A frame's feature maps are tens of megabytes. glibc maps each of them anew and unmaps it after use, and the page faults then cost as much
as the arithmetic. Knows nothing of tensors.
"""

from __future__ import annotations

import ctypes
import os
import sys

# mallopt's parameters (malloc.h), and the environment variables that set the same: what the user has chosen wins.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_VARIABLES = ("MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")
_KEPT_BYTES = 2**31 - 1  # mallopt takes an int


def keep_freed_memory() -> bool:
    """Keeps freed memory in the process, for all of it and from now on; returns whether it did. Only on Linux with glibc, and not where
    an environment variable already speaks to its allocator. The same from outside: MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=2147483647."""
    if not sys.platform.startswith("linux") or any(name in os.environ for name in _VARIABLES):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or getattr(ctypes.CDLL(None), "gnu_get_libc_version", None) is None:  # musl has neither
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, _KEPT_BYTES))

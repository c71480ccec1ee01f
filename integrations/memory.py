"""Memory of processes that handle pages of many megabytes, again and again."""

from __future__ import annotations

import ctypes

# Names of glibc, see mallopt(3).
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
LARGE_BYTES = 128 * 1024


def give_large_blocks_back() -> None:
    """Let every large block go back to the system as soon as it is free.

    Left alone, glibc raises its idea of "large" to the largest block it has seen, and keeps gaps of that size. Where
    the C library is another one, nothing is done.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(MMAP_THRESHOLD, LARGE_BYTES)
        set_option(TRIM_THRESHOLD, LARGE_BYTES)

"""Who holds a lease: a name that tells, on the same machine, whether the holder is still alive."""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from pathlib import Path


def current_holder() -> str:
    """Return the name of this process: ``host:pid:start``. ``start`` tells a re-used pid apart."""
    return _holder(os.getpid())


@lru_cache(maxsize=1)
def _holder(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}:{_start_of(pid)}"


def is_dead(holder: str) -> bool:
    """Return True only when ``holder`` was a process of this machine and has certainly ended."""
    host, _, rest = holder.rpartition(":")[0].rpartition(":")
    pid_text, start = rest, holder.rpartition(":")[2]
    if host != socket.gethostname() or not pid_text.isdigit():
        return False
    pid = int(pid_text)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return start != _start_of(pid)


def _start_of(pid: int) -> str:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        # A killed process keeps its pid until its parent takes note, which some containers' first process never does.
        return "ended" if fields[0] in "ZX" else fields[19]  # field 22 of stat: clock ticks since boot
    except (OSError, IndexError):
        return "0"

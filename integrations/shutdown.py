"""Being asked to stop (SIGTERM): end what is under way, start nothing new, hand back what was claimed.

The flag lies in memory that the workers of a cluster share with the process that gets the signal. It has no lock: a
worker that is killed can leave none behind.
"""

from __future__ import annotations

import ctypes
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import RawValue
from types import FrameType

from .errors import Stopping
from .sentences import gettext as _

STOPPING_CODE = "stopping"
_asked = RawValue(ctypes.c_bool, False)


def ask() -> None:
    """Ask this process, and those that it has forked, to stop."""
    _asked.value = True


def asked() -> bool:
    """Return whether this process should come to its end."""
    return bool(_asked.value)


def refuse_when_asked(vendor: str, operation: str) -> None:
    """Raise Stopping when this process should come to its end: nothing leaves any more."""
    if _asked.value:
        text = _(
            "OrderBridge was asked to stop; what it had not sent yet was handed back and goes with the next start."
        )
        raise Stopping(text, vendor=vendor, operation=operation, code=STOPPING_CODE)


@contextmanager
def stopping_on_sigterm() -> Iterator[None]:
    """Let SIGTERM ask this process to stop, in the block (main thread only)."""

    def told(_number: int, _frame: FrameType | None) -> None:
        ask()

    before = signal.signal(signal.SIGTERM, told)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def not_asked() -> Iterator[None]:
    """Forget the question at the end of the block: for whoever goes on afterwards."""
    try:
        yield
    finally:
        _asked.value = False

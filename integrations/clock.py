"""The clock of our own work: how long something takes, and waiting for it.

What time it is says ``django.utils.timezone.now()``. A simulation puts its own clock here (``use_clock``), in which
days pass in a moment; everything else leaves the machine's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from django.db import connections


class Clock(Protocol):
    """Measures and waits."""

    def monotonic(self) -> float:
        """Return seconds since some moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        ...

    def repeating(self, seconds: float, act: Callable[[], None], name: str) -> AbstractContextManager[None]:
        """Call ``act`` every ``seconds`` while the block runs, beside it. ``act`` handles its own errors."""
        ...


class MachineClock:
    """The machine's time; what repeats does so in a thread of its own."""

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let the thread sleep."""
        time.sleep(seconds)

    @contextmanager
    def repeating(self, seconds: float, act: Callable[[], None], name: str) -> Iterator[None]:
        """Run a daemon thread during the block; its database connections are closed at the end."""
        stop = threading.Event()

        def work() -> None:
            try:
                while not stop.wait(seconds):
                    act()
            finally:
                connections.close_all()

        thread = threading.Thread(target=work, daemon=True, name=name)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


_clock: Clock = MachineClock()


def use_clock(clock: Clock) -> Clock:
    """Let everything go by ``clock`` from now on, in the whole process; return the one before."""
    global _clock
    before, _clock = _clock, clock
    return before


def monotonic() -> float:
    """Return seconds since some moment; never goes back."""
    return _clock.monotonic()


def sleep(seconds: float) -> None:
    """Wait ``seconds``."""
    _clock.sleep(seconds)


def repeating(seconds: float, act: Callable[[], None], name: str) -> AbstractContextManager[None]:
    """Call ``act`` every ``seconds`` while the block runs, beside it. ``act`` handles its own errors."""
    return _clock.repeating(seconds, act, name)

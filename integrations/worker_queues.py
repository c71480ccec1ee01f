"""What the processes of a cluster share, made so that one that is killed takes nothing of it along.

django-q2 hands tasks to its workers, and results to its monitor, through ``multiprocessing`` queues with a lock at
each end and a semaphore for their places, watches each worker through a value with a lock, and says through an event
with a lock when to stop. A process that is killed (kill -9, out of memory) while it holds one of them leaves it taken
for ever: the whole cluster stands still and looks alive. Here the kernel keeps what is under way, and there is
nothing to hold.
"""

from __future__ import annotations

import fcntl
import select
import socket
import struct
import time
import weakref
from contextlib import AbstractContextManager, nullcontext
from multiprocessing.reduction import ForkingPickler
from multiprocessing.sharedctypes import RawValue
from queue import Empty, Full
from typing import Any

import django_q.cluster

LOOK_SECONDS = 0.02
OUTGOING_BYTES = 0x5411  # SIOCOUTQ, see unix(7): what was sent and nobody has read yet
LARGEST_BYTES = 4 * 1024 * 1024  # the kernel doubles what it is asked for, or allows less


class KillSafeQueue:
    """A queue between forked processes: each thing is one packet of a socket, which the kernel gives to one reader.

    Readers and writers may be killed at any moment; what a killed reader had taken is lost with it, as in every
    queue (the broker gives such a task out again). Linux only.
    """

    def __init__(self, maxsize: int = 0) -> None:
        """Make a queue in which one thing waits at a time; with ``maxsize`` 0 as many as the kernel keeps.

        Raises:
            ValueError: another size, which django-q2's ``queue_limit`` here never asks for.
        """
        if maxsize not in (0, 1):
            raise ValueError("One place, or as many as there are.")
        self._reader, self._writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._reader.setblocking(False)
        self._writer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGEST_BYTES // 2)
        for end in (self._reader, self._writer):
            weakref.finalize(self, end.close)
        self._one_place = maxsize == 1

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Return the next thing; wait ``timeout`` seconds for it, or without one as long as it takes.

        Raises:
            queue.Empty: nothing came in time.
        """
        until = None if timeout is None else time.monotonic() + timeout
        waiting = select.poll()
        waiting.register(self._reader, select.POLLIN)
        while True:
            seconds = None if until is None else max(until - time.monotonic(), 0)
            waiting.poll((None if seconds is None else seconds * 1000) if block else 0)
            try:
                return ForkingPickler.loads(self._reader.recv(LARGEST_BYTES))
            except BlockingIOError:  # nothing came, or another one was faster
                if not block or (until is not None and time.monotonic() >= until):
                    raise Empty from None

    def put(self, thing: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put a thing in; wait ``timeout`` seconds for a place, or without one as long as it takes.

        Raises:
            queue.Full: no place became free in time.
            OSError: the thing is larger than a packet may be (200 kB with the kernel's defaults).
        """
        until = None if timeout is None else time.monotonic() + timeout
        while self._one_place and not self.empty():
            if not block or (until is not None and time.monotonic() >= until):
                raise Full
            time.sleep(LOOK_SECONDS)
        self._writer.send(ForkingPickler.dumps(thing))

    def qsize(self) -> int:
        """Return 1 when something waits to be read, else 0: the kernel counts bytes, and nobody asks for more."""
        [unread] = struct.unpack("i", fcntl.ioctl(self._writer, OUTGOING_BYTES, bytes(4)))
        return int(unread > 0)

    def empty(self) -> bool:
        """Return whether nothing waits to be read."""
        return not self.qsize()

    def close(self) -> None:
        """Put nothing more in; what is on its way is still read by the others."""

    def join_thread(self) -> None:
        """Return at once: what was put in is with the kernel, no thread has to write it first."""


class KillSafeTimer:
    """The seconds a worker has left for its task, shared with the guard. One float: read and written whole, no lock."""

    def __init__(self, typecode: str, seconds: float) -> None:
        self._seconds = RawValue(typecode, seconds)

    @property
    def value(self) -> float:
        """The seconds left; -1 without a task, 0 when they are over, -2 when the worker makes way for a new one."""
        return float(self._seconds.value)

    @value.setter
    def value(self, seconds: float) -> None:
        self._seconds.value = seconds

    def get_lock(self) -> AbstractContextManager[None]:
        """Return a lock that never waits."""
        return nullcontext()


class KillSafeEvent:
    """Something has happened, or not yet, for all processes of a cluster: one byte, no lock."""

    def __init__(self) -> None:
        self._happened = RawValue("b", 0)

    def is_set(self) -> bool:
        """Return whether it has happened."""
        return bool(self._happened.value)

    def set(self) -> None:
        """Let it have happened."""
        self._happened.value = 1

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it happens, at most ``timeout`` seconds; return whether it has."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = LOOK_SECONDS if until is None else until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, LOOK_SECONDS))
        return True


def use_kill_safe_queues() -> None:
    """Let clusters of this process use them; django-q2 has no setting for it."""
    django_q.cluster.Event = KillSafeEvent
    django_q.cluster.Queue = KillSafeQueue
    django_q.cluster.Value = KillSafeTimer

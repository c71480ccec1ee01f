"""The queues inside a cluster of workers, made so that a process that is killed takes nothing of them along.

django-q2 hands tasks to its workers, and results to its monitor, through a ``multiprocessing.Queue``. A process that
is killed (kill -9, out of memory) can leave it unusable for ever, while the whole cluster looks alive:

* whoever waits for work waits *inside* the queue's lock, which stays taken when he is killed there;
* whoever puts work in takes a place of the bounded queue before it is in the pipe, and the place comes back only
  after somebody has read it: kill the one, or the other in between, and the place is gone.
"""

from __future__ import annotations

import time
from contextlib import suppress
from multiprocessing.reduction import ForkingPickler
from queue import Empty, Full
from typing import Any

import django_q.cluster
from django_q.queues import Queue

LOOK_SECONDS = 1.0


class KillSafeQueue(Queue):  # type: ignore[misc]
    """Waits outside the lock, holds it only while it reads, and notices places that nobody will give back."""

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Return the next thing; wait ``timeout`` seconds for it, or without one as long as it takes.

        Raises:
            queue.Empty: nothing came in time.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            wait = LOOK_SECONDS if until is None else max(min(until - time.monotonic(), LOOK_SECONDS), 0)
            if self._reader.poll(wait if block else 0) and self._rlock.acquire(timeout=LOOK_SECONDS):
                try:
                    if self._reader.poll():  # nobody else was faster
                        return ForkingPickler.loads(self._read())
                finally:
                    self._rlock.release()
            if not block or (until is not None and time.monotonic() >= until):
                raise Empty

    def _read(self) -> bytes:
        content: bytes = self._recv_bytes()
        with suppress(ValueError):  # it had been taken for lost meanwhile
            self._sem.release()
        self.size.increment(-1)
        return content

    def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put a thing in; without a time-out wait for a free place as long as it takes.

        Raises:
            queue.Full: no place became free in time.
        """
        if not block or timeout is not None:
            super().put(obj, block, timeout)
            return
        while True:
            try:
                super().put(obj, True, LOOK_SECONDS)
            except Full:
                if not self._buffer and not self._reader.poll():
                    # Nothing waits to be read, so the places are held by processes that were killed.
                    with suppress(ValueError):
                        self._sem.release()
            else:
                return


def use_kill_safe_queues() -> None:
    """Let clusters of this process use them; django-q2 has no setting for it."""
    django_q.cluster.Queue = KillSafeQueue

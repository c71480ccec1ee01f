"""The queues inside a cluster of workers, made so that a process that is killed takes no lock along.

django-q2 hands tasks to its workers, and results to its monitor, through a ``multiprocessing.Queue``. Whoever waits
there waits *inside* the queue's lock: a worker or the monitor that is killed while it has nothing to do (kill -9, out
of memory) leaves the lock taken for ever, and the whole cluster stands still while it looks alive.
"""

from __future__ import annotations

from queue import Empty
from typing import Any

import django_q.cluster
from django_q.queues import Queue

LOOK_SECONDS = 1.0


class KillSafeQueue(Queue):  # type: ignore[misc]
    """Waits for the next thing outside the lock, and takes the lock only for as long as reading it takes."""

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Return the next thing; without a time-out wait for it as long as it takes."""
        if not block or timeout is not None:
            return super().get(block, timeout)
        while True:
            if self._reader.poll(LOOK_SECONDS):
                try:
                    return super().get(False)
                except Empty:  # another one was faster
                    continue


def use_kill_safe_queues() -> None:
    """Let clusters of this process use them; django-q2 has no setting for it."""
    django_q.cluster.Queue = KillSafeQueue

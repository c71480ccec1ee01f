"""Work side by side on real connections: what waits, and what is raised, is seen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection, connections, transaction

PATIENCE_SECONDS = 30.0


class Beside:
    """Work in a thread of its own, with its own connection."""

    def __init__(self, work: Callable[[], object], barrier: threading.Barrier | None = None) -> None:
        self._work, self._barrier = work, barrier
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            if self._barrier:
                self._barrier.wait(PATIENCE_SECONDS)
            self._work()
        except BaseException as error:  # told to the test, which raises it
            self.error = error
        finally:
            connections.close_all()

    def join(self) -> None:
        """Wait for the end; raise what went wrong."""
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "it still waits"
        if self.error:
            raise self.error


def together(*works: Callable[[], object]) -> None:
    """Run these side by side; raise what went wrong in any of them."""
    barrier = threading.Barrier(len(works))
    for one in [Beside(work, barrier) for work in works]:
        one.join()


@contextmanager
def waiting_for_us(work: Callable[[], object], lock: Callable[[], object]) -> Iterator[None]:
    """Take a lock, begin ``work``, and go on when it waits for us; at the end (the lock is gone) it ends too.

    PostgreSQL only. A deadlock is raised: where the other one held what the block asks for.
    """
    with transaction.atomic():
        lock()
        other = Beside(work)
        until = time.monotonic() + PATIENCE_SECONDS
        while not _somebody_waits():
            assert time.monotonic() < until, "nobody waits for the lock"
            time.sleep(0.01)
        yield
    other.join()


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])

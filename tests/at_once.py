"""Work side by side on real connections: what waits, and what is raised, is seen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections, transaction

from integrations.sandbox.dispatch import StandIn, Steps
from integrations.sandbox.sandbox import Sandbox

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
        # PostgreSQL remembers who was connected at a transaction's first look; the other one may connect after that.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


class Gate:
    """Holds up one operation of a stand-in, so that others act while the call is under way.

    The request has arrived; with ``done`` the vendor has carried it out, and only its reply is held up.
    """

    def __init__(self, sandbox: Sandbox, vendor: str, operation: str, *, done: bool = False) -> None:
        self._wanted = (vendor, operation)
        self._done = done
        self._arrived, self._opened = threading.Event(), threading.Event()
        self._answer = sandbox.dispatcher._struck
        sandbox.dispatcher._struck = self._held_up  # type: ignore[method-assign]

    def _held_up(self, stand_in: StandIn, operation: str, *rest: Any) -> Steps:
        if (stand_in.name, operation) != self._wanted or self._opened.is_set():
            return (yield from self._answer(stand_in, operation, *rest))
        answer = (yield from self._answer(stand_in, operation, *rest)) if self._done else None
        self._arrived.set()
        self._opened.wait(PATIENCE_SECONDS)
        return answer or (yield from self._answer(stand_in, operation, *rest))

    @contextmanager
    def while_under_way(self, work: Callable[[], object]) -> Iterator[None]:
        """Begin ``work`` and go on when its call has arrived; at the end of the block the vendor answers."""
        other = Beside(work)
        try:
            assert self._arrived.wait(PATIENCE_SECONDS), "no call has arrived"
            yield
        finally:
            self._opened.set()
            other.join()

"""Threads that make the HTTP calls of one flow run."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextvars import copy_context
from types import TracebackType
from typing import Self, TypeVar

from django.db import connections

T = TypeVar("T")
R = TypeVar("R")


class CallPool:
    """Runs calls in ``threads`` threads (0: at once, in the caller's thread).

    Unlike concurrent.futures' pool it closes each thread's database connections at the end.
    """

    def __init__(self, threads: int) -> None:
        self._size = threads
        self._threads: list[threading.Thread] = []
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()

    @property
    def size(self) -> int:
        """How many calls can be under way at once."""
        return max(self._size, 1)

    def submit(self, call: Callable[[], R]) -> Future[R]:
        """Run ``call`` soon; the future carries its result or exception."""
        future: Future[R] = Future()
        context = copy_context()

        def job() -> None:
            try:
                future.set_result(context.run(call))
            except BaseException as error:
                future.set_exception(error)

        if not self._size:
            job()
            return future
        self._jobs.put(job)
        if len(self._threads) < self._size:
            thread = threading.Thread(target=self._work, daemon=True, name=f"vendor-call-{len(self._threads)}")
            self._threads.append(thread)
            thread.start()
        return future

    def map(self, call: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Run ``call`` on every item; return the results in order, raise the first error after all have ended."""
        futures = [self.submit(lambda item=item: call(item)) for item in items]  # type: ignore[misc]
        errors = [error for future in futures if (error := future.exception())]
        if errors:
            raise errors[0]
        return [future.result() for future in futures]

    def _work(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                job()
        finally:
            connections.close_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _thread in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

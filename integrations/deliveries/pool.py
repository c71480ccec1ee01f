"""Threads that make the HTTP calls of one flow run, and the turns in which the run's own work is done meanwhile."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from types import TracebackType
from typing import Any, Self, TypeVar

from django.db import connections

T = TypeVar("T")
R = TypeVar("R")
# So many portions are worked on at most: one works, the others wait for a vendor.
MOST_AT_ONCE = 3


class CallPool:
    """Runs calls in ``threads`` threads (0: at once, in the caller's thread).

    Unlike concurrent.futures' pool it closes each thread's database connections at the end.
    """

    def __init__(self, threads: int) -> None:
        self._size = threads
        self._threads: list[threading.Thread] = []
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._turns: _Turns | None = None

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
        with self.others_turn():
            errors = [error for future in futures if (error := future.exception())]
        if errors:
            raise errors[0]
        return [future.result() for future in futures]

    def read_ahead(self, pages: Iterator[T]) -> Iterator[T]:
        """Give out what ``pages`` reads; while one page is worked on, the next one is read in a thread."""
        if not self._size:
            yield from pages
            return
        end: list[Any] = []
        ahead = self.submit(lambda: next(pages, end))
        while (page := ahead.result()) is not end:
            ahead = self.submit(lambda: next(pages, end))
            yield page  # type: ignore[misc]

    def in_turns(self, portions: Iterator[T], work: Callable[[T], None]) -> None:
        """Do ``work`` for every portion; while one portion waits for its calls, another one is worked on.

        There is one turn: whoever has it works and asks for the next portion, whoever waits for calls (``map``) gives
        it away. So nothing of ours runs side by side, and only the waiting overlaps. After an error no portion is
        begun; the first error is raised when those under way have ended.
        """
        if not self._size:
            for portion in portions:
                work(portion)
            return
        self._turns = turns = _Turns(portions, work)
        try:
            turns.run()
        finally:
            self._turns = None

    @contextmanager
    def others_turn(self) -> Iterator[None]:
        """Let another portion of ``in_turns`` be worked on during the block; the block itself only waits."""
        if self._turns is None:
            yield
        else:
            with self._turns.others():
                yield

    def _work(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                job()
                del job  # and with it what it returned: a page can have megabytes
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


class _Turns:
    """The turn of ``CallPool.in_turns``. A helper is started when somebody waits and there is one more portion."""

    def __init__(self, portions: Iterator[Any], work: Callable[[Any], None]) -> None:
        self._portions = portions
        self._work = work
        self._turn = threading.Lock()
        self._mine = threading.local()
        self._helpers: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    def run(self) -> None:
        """Work on all portions, in this thread and in those of the helpers."""
        self._go_on()
        for helper in self._helpers:
            helper.join()
        if self._errors:
            raise self._errors[0]

    @contextmanager
    def others(self) -> Iterator[None]:
        """Give the turn away during the block."""
        if not getattr(self._mine, "turn", False):
            yield
            return
        if len(self._helpers) < MOST_AT_ONCE - 1:
            self._start_helper()
        self._mine.turn = False
        self._turn.release()
        try:
            yield
        finally:
            self._turn.acquire()
            self._mine.turn = True

    def _start_helper(self) -> None:
        if (portion := self._next()) is None:
            return
        context = copy_context()

        def help_out() -> None:
            try:
                context.run(self._go_on, portion)
            finally:
                connections.close_all()

        helper = threading.Thread(target=help_out, daemon=True, name=f"portion-{len(self._helpers) + 1}")
        self._helpers.append(helper)
        helper.start()

    def _go_on(self, portion: Any = None) -> None:
        with self._turn:
            self._mine.turn = True
            try:
                while (portion := portion or self._next()) is not None:
                    self._work(portion)
                    portion = None
            except BaseException as error:
                self._errors.append(error)
            finally:
                self._mine.turn = False

    def _next(self) -> Any:
        return None if self._errors else next(self._portions, None)

"""Our process dies, or falls asleep, when a test says so (with HTTP_THREADS = 0, so that calls count too)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import requests
from django.db import connection


class Died(BaseException):
    """Our process ends here: nothing of it runs any more."""


WRITES = ("/order/v2/create", "/acknowledge", "/singleShipment", "/batch/small", "/invoice", "/cancel", "cancelOrder")


@contextmanager
def sudden_death(after_steps: int, *, after_the_step: bool, only_writes: bool = False) -> Iterator[None]:
    """Let the n-th database statement or HTTP call of this thread be the last thing that the process does.

    after_the_step: it is still carried out, but nobody learns of it. Whatever comes later, clean-up included,
    does not happen; an open transaction is lost. only_writes: only the vendors' writing operations are counted.
    """
    steps = 0

    def step(carry_out: Callable[[], Any], *, counts: bool) -> Any:
        nonlocal steps
        if steps >= after_steps:
            raise Died
        steps += counts
        if steps < after_steps:
            return carry_out()
        if after_the_step:
            carry_out()
        raise Died

    def statement(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        return step(lambda: execute(sql, params, many, context), counts=not only_writes)

    request = requests.Session.request

    def http_call(session: requests.Session, *arguments: Any, **options: Any) -> Any:
        method, url = arguments
        writes = method == "POST" and url.endswith(WRITES)
        return step(lambda: request(session, *arguments, **options), counts=writes or not only_writes)

    requests.Session.request = http_call  # type: ignore[method-assign]
    try:
        with connection.execute_wrapper(statement):
            yield
    finally:
        requests.Session.request = request  # type: ignore[method-assign]
        lose_connection()


def lose_connection() -> None:
    """End the database connection as a dead process does: what it had not committed is gone."""
    if connection.vendor != "sqlite" or not connection.is_in_memory_db():
        connection.close()
        return
    # Closing it would empty the database: take back the open transaction, and what Django thought of it.
    if connection.connection is not None:
        connection.connection.rollback()
        connection.connection.isolation_level = None
    connection.in_atomic_block = connection.needs_rollback = connection.closed_in_transaction = False
    connection.autocommit, connection.commit_on_exit = True, True
    connection.savepoint_ids, connection.atomic_blocks, connection.run_on_commit = [], [], []


@contextmanager
def interruption(
    after_calls: int,
    meanwhile: Callable[[], None],
    unnoticed: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Iterator[None]:
    """Let ``meanwhile`` happen between the n-th HTTP call of this thread and the moment when its reply is read.

    unnoticed: what the process that is interrupted does not notice of it (its heart does not beat).
    """
    calls = 0
    request = requests.Session.request

    def http_call(session: requests.Session, *arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        this = calls
        try:
            return request(session, *arguments, **options)
        finally:
            if this == after_calls:
                with unnoticed():
                    meanwhile()

    requests.Session.request = http_call  # type: ignore[method-assign]
    try:
        yield
    finally:
        requests.Session.request = request  # type: ignore[method-assign]

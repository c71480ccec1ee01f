"""The tests' database is emptied quickly, and kept tidy where nobody else does it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management.commands import flush
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection, transaction
from django.db.backends.postgresql.creation import DatabaseCreation
from django.test import TransactionTestCase

Rows = list[tuple[Any, ...]]
# After so many tests, tables with more dead rows than this are vacuumed.
LOOK_EVERY = 10
DEAD_ROWS = 400


class Reference:
    """What ``post_migrate`` leaves in an empty database (content types, permissions, roles), as rows.

    Its handlers, asked anew after every transactional test, took a quarter of the suite's time.
    """

    def __init__(self) -> None:
        self._tables: list[str] = []
        self._rows: dict[str, Rows] = {}
        self._columns: dict[str, list[str]] = {}

    def restore(self, **options: Any) -> None:
        """Leave in the database what ``flush`` leaves, touching only what differs from that."""
        if not self._tables:
            self._tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
        keep = {} if options.get("inhibit_post_migrate") else self._rows
        # Foreign keys are checked at the end of the transaction, so the order of the tables does not matter.
        with transaction.atomic():
            filled = self._filled()
            untouched = {table for table in filled if table in keep and self._read(table) == keep[table]}
            with connection.cursor() as cursor:
                for table in filled:
                    if table not in untouched:
                        cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
            for table in keep.keys() - untouched:
                self._write(table, keep[table])
        if not self._rows and not options.get("inhibit_post_migrate"):
            emit_post_migrate_signal(options.get("verbosity", 0), False, connection.alias)
            self._rows = {table: self._read(table) for table in self._filled()}

    def _filled(self) -> list[str]:
        """Return the tables that have rows: one statement finds out."""
        looks = " UNION ALL ".join(
            f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {connection.ops.quote_name(table)})"
            for table in self._tables
        )
        with connection.cursor() as cursor:
            cursor.execute(looks)
            return [table for (table,) in cursor.fetchall()]

    def _read(self, table: str) -> Rows:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            self._columns[table] = [column[0] for column in cursor.description]
            return list(cursor.fetchall())

    def _write(self, table: str, rows: Rows) -> None:
        quoted = connection.ops.quote_name
        names = ", ".join(quoted(column) for column in self._columns[table])
        places = ", ".join(["%s"] * len(self._columns[table]))
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {quoted(table)} ({names}) VALUES ({places})", rows)


def _drop(creation: Any, name: str, _verbosity: int) -> None:
    """Drop PostgreSQL's database of the tests, also while the connection of an ended thread is still closing."""
    with creation._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {creation.connection.ops.quote_name(name)} WITH (FORCE)")


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """After a transactional test only tables with rows are emptied: most tests fill ten of eighty.

    Nor is the connection opened anew, as Django does: what a session of PostgreSQL has looked up once would be lost.
    """
    reference = Reference()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush.Command, "handle", lambda _command, **options: reference.restore(**options))
        patch.setattr(TransactionTestCase, "_should_reload_connections", lambda _case: False)
        patch.setattr(DatabaseCreation, "_destroy_test_db", _drop)
        yield


@pytest.fixture(scope="session")
def tests_since_the_last_look() -> Iterator[int]:
    """Counts tests, from 1 to ``LOOK_EVERY`` and again."""
    return itertools.cycle(range(1, LOOK_EVERY + 1))


@pytest.fixture(autouse=True)
def tidy(django_db_blocker: Any, tests_since_the_last_look: Iterator[int]) -> Iterator[None]:
    """Vacuum what tests left behind, also by rolling back: without autovacuum every later test reads through it."""
    yield
    if next(tests_since_the_last_look) < LOOK_EVERY or connection.vendor != "postgresql" or connection.in_atomic_block:
        return
    with django_db_blocker.unblock():
        _vacuum()


def _vacuum() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relid::regclass::text FROM pg_stat_user_tables WHERE n_dead_tup > %s", [DEAD_ROWS])
        tables = ", ".join(name for (name,) in cursor.fetchall())
        if tables:
            cursor.execute(f"VACUUM {tables}")

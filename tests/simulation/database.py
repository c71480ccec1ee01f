"""The database of one process of the simulation: built once, as good as new before each seed."""

from __future__ import annotations

import os
from functools import cache

from django.core.management import call_command
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations

from .deaths import lose_connection
from .world import lay_foundations


def build() -> None:
    """Make the tables and lay the foundations; on PostgreSQL in a test database of this process's own."""
    if connection.vendor == "postgresql":
        connection.settings_dict["TEST"]["NAME"] = f"test_simulation_{os.getpid()}"
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        return
    call_command("migrate", verbosity=0)
    lay_foundations()
    _keep_foundations()


def clear() -> None:
    """Make the database as it was built."""
    lose_connection()
    if connection.vendor == "postgresql":
        _empty_postgresql()
        lay_foundations()
        return
    connection.ensure_connection()
    connection.connection.executescript(_as_it_was())


# What ``clear`` restores: a copy of every table's rows in a second database of the same connection. Rows, not pages: a
# new schema would make SQLite compile every statement of the product anew for every seed.
KEPT = "foundations"


def _tables() -> list[str]:
    found = connection.connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table' ORDER BY name")
    return [name for (name,) in found]


def _keep_foundations() -> None:
    connection.connection.execute(f"ATTACH ':memory:' AS {KEPT}")
    for name in _tables():
        connection.connection.execute(f'CREATE TABLE {KEPT}."kept_{name}" AS SELECT * FROM main."{name}"')


@cache
def _as_it_was() -> str:
    tables = [f'"{name}"' for name in _tables()]
    kept = {name: f'{KEPT}."kept_{name[1:-1]}"' for name in tables}
    filled = [name for name in tables if connection.connection.execute(f"SELECT 1 FROM {kept[name]}").fetchone()]
    steps = [f"DELETE FROM main.{name};" for name in tables]
    steps += [f"INSERT INTO main.{name} SELECT * FROM {kept[name]};" for name in filled]
    return "\n".join(["PRAGMA foreign_keys = OFF; BEGIN;", *steps, "COMMIT; PRAGMA foreign_keys = ON;"])


def _empty_postgresql() -> None:
    """DELETE, not TRUNCATE: sixty files take far longer than a few rows. Foreign keys are deferred."""
    tables = [name for name in connection.introspection.table_names() if name != "django_migrations"]
    with connection.cursor() as cursor:
        for name in tables:
            cursor.execute(f"DELETE FROM {DatabaseOperations(connection).quote_name(name)}")

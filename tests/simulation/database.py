"""The database of one process of the simulation: built once, as good as new before each seed."""

from __future__ import annotations

import os
import sqlite3

from django.core.management import call_command
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations

from .deaths import lose_connection
from .world import lay_foundations

_template = sqlite3.connect(":memory:", check_same_thread=False)


def build() -> None:
    """Make the tables and lay the foundations; on PostgreSQL in a test database of this process's own."""
    if connection.vendor == "postgresql":
        connection.settings_dict["TEST"]["NAME"] = f"test_simulation_{os.getpid()}"
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        return
    call_command("migrate", verbosity=0)
    lay_foundations()
    connection.connection.backup(_template)


def clear() -> None:
    """Make the database as it was built."""
    lose_connection()
    if connection.vendor == "postgresql":
        _empty_postgresql()
        lay_foundations()
        return
    connection.ensure_connection()
    _template.backup(connection.connection)


def _empty_postgresql() -> None:
    """DELETE, not TRUNCATE: sixty files take far longer than a few rows. Foreign keys are deferred."""
    tables = [name for name in connection.introspection.table_names() if name != "django_migrations"]
    with connection.cursor() as cursor:
        for name in tables:
            cursor.execute(f"DELETE FROM {DatabaseOperations(connection).quote_name(name)}")

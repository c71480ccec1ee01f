"""Whether the database answers, is of a version that fits, has all migrations and runs in the modes that we rely on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from config.database_words import first_line
from integrations.sealing import number_unopened

from .findings import Finding, note, ok, stops, warning

if TYPE_CHECKING:
    from .examination import Examination

# PostgreSQL setting → (value that we rely on, what is lost otherwise).
WANTED_POSTGRESQL = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "default_transaction_isolation": "read committed",
    "server_encoding": "UTF8",
}
SQLITE_JOURNAL, SQLITE_SYNCHRONOUS = "wal", (1, 2, 3)


def look(examination: Examination) -> Iterator[Finding]:
    """Connect, and look at version, migrations and modes; what stops here keeps everything else from being read."""
    try:
        connection.ensure_connection()
        version = ".".join(str(part) for part in connection.get_database_version())
        unapplied = _unapplied()
    except DatabaseError as problem:
        yield stops(
            _("The database cannot be used: %(words)s") % {"words": first_line(problem)},
            _("Check DATABASE_URL, and whether the database server runs and lets this machine in."),
        )
        return
    yield ok(_("%(database)s %(version)s answers.") % {"database": connection.display_name, "version": version})
    if unapplied:
        yield stops(
            _("%(number)d migrations are not applied, the first is %(name)s.")
            % {"number": len(unapplied), "name": unapplied[0]},
            _("Stop the workers, make a backup, run manage.py migrate, start the workers again."),
        )
        return
    yield ok(_("All migrations are applied."))
    yield from _sqlite() if connection.vendor == "sqlite" else _postgresql()
    yield from _seals()


def _unapplied() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def _sqlite() -> Iterator[Finding]:
    journal, synchronous = str(_ask("PRAGMA journal_mode")).lower(), int(_ask("PRAGMA synchronous"))
    if journal != SQLITE_JOURNAL:
        yield warning(
            _("The SQLite file is not in WAL mode (%(mode)s): pages and workers wait for each other.")
            % {"mode": journal},
            _("Put the file on a local disk: network file systems cannot do WAL."),
        )
    if synchronous not in SQLITE_SYNCHRONOUS:
        yield warning(
            _("SQLite does not wait for the disk: a power cut can destroy the file."),
            _("Leave the connection's settings as OrderBridge makes them."),
        )
    if journal == SQLITE_JOURNAL and synchronous in SQLITE_SYNCHRONOUS:
        yield ok(_("SQLite runs in WAL mode and waits for the disk."))
    yield note(
        _("SQLite is for one machine and moderate numbers of orders."),
        _("For production with several machines or many staff use PostgreSQL (docs/deployment.md)."),
    )


def _postgresql() -> Iterator[Finding]:
    good = True
    for name, wanted in WANTED_POSTGRESQL.items():
        value = str(_ask(f"SHOW {name}"))
        if value.lower() != wanted.lower():
            good = False
            yield warning(
                _("PostgreSQL's %(name)s is “%(value)s”; OrderBridge relies on “%(wanted)s”.")
                % {"name": name, "value": value, "wanted": wanted},
                _("Ask the database's administrator to set it: else records can be lost, or tables grow ever slower."),
            )
    if good:
        yield ok(_("PostgreSQL keeps what was committed, and cleans up after itself."))


def _seals() -> Iterator[Finding]:
    unopened = number_unopened()
    if unopened:
        yield warning(
            _("%(number)d secrets in the database (tokens, webhooks, second factors) open with none of the keys.")
            % {"number": unopened},
            _(
                "Put the former key into DATABASE_SEAL_KEYS_FORMER and run manage.py reseal; without it tokens are"
                " fetched anew, but webhooks and second factors must be entered again."
            ),
        )


def _ask(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    return row[0] if row else ""

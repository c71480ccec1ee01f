"""What an error of the database means, for whoever started a command: one sentence in place of a traceback."""

from __future__ import annotations

from django.db import DatabaseError, connection

from integrations.redaction import redact_text

# PostgreSQL's SQLSTATE; SQLite only has words.
NO_SUCH_TABLE, NO_SUCH_COLUMN, DISK_FULL, READ_ONLY = "42P01", "42703", "53100", "25006"
NO_ACCESS = ("08", "28", "3D", "57P")
SQLITE_OLD_TABLES = ("no such table", "no such column", "has no column")
SQLITE_NO_ACCESS = (
    "unable to open database file",
    "file is not a database",
    "readonly database",
    "disk is full",
    "disk I/O error",
)
CHECK_FILE = "Check DATABASE_URL: the file, its directory, who may write there, how much room is left."
CONNECT = "Check DATABASE_URL, and whether the database server runs and lets this machine in."


def explained(problem: DatabaseError) -> str | None:
    """Return what is wrong with the database and what to do; None for an error that is the program's own."""
    words = first_line(problem)
    if connection.vendor == "postgresql":
        return _of_postgresql(getattr(problem.__cause__, "sqlstate", None), words)
    if any(text in words for text in SQLITE_OLD_TABLES):
        return _old_tables(words)
    if any(text in words for text in SQLITE_NO_ACCESS):
        return f"The database cannot be used: {words}. {CHECK_FILE}"
    return None


def first_line(problem: Exception) -> str:
    """Return the first line of an error's words, without secrets."""
    lines = redact_text(str(problem)).strip().splitlines()
    return lines[0] if lines else type(problem).__name__


def _of_postgresql(state: str | None, words: str) -> str | None:
    """The first characters of a SQLSTATE are its class; without one the server was not reached, or has gone."""
    if state in (NO_SUCH_TABLE, NO_SUCH_COLUMN):
        return _old_tables(words)
    if state == DISK_FULL:
        return f"The database's disk is full: {words}. Make room on the database server; then start this again."
    if state == READ_ONLY:
        return f"The database is read only: {words}. DATABASE_URL must name the primary server."
    if state is None or state.startswith(NO_ACCESS):
        return f"The database cannot be used: {words}. {CONNECT}"
    return None


def _old_tables(words: str) -> str:
    return (
        f"The database does not have the tables of this release: {words}. Stop the workers, make a backup, run"
        " manage.py migrate."
    )

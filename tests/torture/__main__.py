"""``make torture``: real processes are killed, stopped and starved while orders travel; then the books are compared.

Two ``qcluster``s on PostgreSQL (one on SQLite) work on one database against the sandbox in this process. PostgreSQL
is taken from --server; a database of this run's own is made there and dropped. Exit 1 when it did not converge within
--patience seconds of the last fault, or when an effect happened twice or not at all.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The vendors' limits, at the sandbox and on our side.
SCALE = "50"


def main() -> int:
    """Torment, wait, compare."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=60.0, help="seconds to converge after the last fault")
    parser.add_argument("--sqlite", action="store_true", help="SQLite and one cluster")
    parser.add_argument("--server", default="postgres://postgres@127.0.0.1:5432", help="a PostgreSQL server")
    parser.add_argument("--redis", action="store_true", help="a Redis broker of its own, which is lost in the middle")
    parser.add_argument(
        "--restart-postgresql", default="", metavar="COMMAND",
        help="run this in the middle (pg_ctlcluster … restart -m immediate); nobody else may be using the server",
    )  # fmt: skip
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="orderbridge-torture-") as directory, database(options, directory) as url:
        os.environ.update(environment(url))
        import django

        django.setup()
        from .torment import Torment

        return Torment(options, Path(directory)).run()


@contextmanager
def database(options: argparse.Namespace, directory: str) -> Iterator[str]:
    """Yield the address of an empty database of this run's own."""
    if options.sqlite:
        yield f"sqlite:///{directory}/torture.sqlite3"
        return
    import psycopg

    server = f"{options.server}/postgres".replace("postgres://", "postgresql://")
    name = f"torture_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield f"{options.server}/{name}"
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def environment(url: str) -> dict[str, str]:
    """Return the settings of this process and of the clusters: waits are short, the logic is that of production."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ORDERBRIDGE_ENV_FILE": "",
        "DJANGO_SECRET_KEY": secrets.token_hex(32),
        "DATABASE_URL": url,
        "FLOW_INTERVAL_SECONDS": "2",
        "RETRY_BACKOFF_SCALE": "0.02",
        "VERIFY_DELAY_SECONDS": "1",
        "HTTP_TIMEOUT_SECONDS": "3",
        "RATE_LIMIT_SCALE": SCALE,
        "WORKERS": "2",
        "HTTP_THREADS": "8",
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT": "json",
    }


if __name__ == "__main__":
    sys.exit(main())

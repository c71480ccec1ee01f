"""From an SQLite run: what only a second kind of database can show, run there too where a server is found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests.requirements import require

ROOT = Path(__file__).resolve().parent.parent.parent
URL = os.environ.get("ORDERBRIDGE_POSTGRESQL_URL", "postgres://postgres@127.0.0.1:5432/postgres")


def server_answers() -> bool:
    try:
        psycopg.connect(URL.replace("postgres://", "postgresql://", 1), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.postgresql
@pytest.mark.xdist_group("processes")
def test_engine_and_killed_processes_keep_their_promises_on_postgresql():
    if connection.vendor == "postgresql":
        pytest.skip("the whole suite runs on PostgreSQL already")
    if os.environ.get("ORDERBRIDGE_POSTGRESQL_SUITE") == "done":
        pytest.skip("the whole suite has run on PostgreSQL just before (.ci/run)")
    require("postgresql", server_answers(), f"no server answers at {URL}")
    ours = ("PYTEST_", "ORDERBRIDGE_TEST")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-n", "0", "-p", "no:cacheprovider",
         "--create-db", "tests/engine", "tests/end_to_end/test_processes.py"],
        cwd=ROOT, env={**environment, "DATABASE_URL": f"{URL}_side"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]

"""The drill of docs/recovery.md, as it is written there: dump, restore into an empty database, the books are equal."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from integrations.models import VendorToken
from tests.admin.seed import seed
from tests.requirements import require

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def run() -> Iterator[Any]:
    """Run one of PostgreSQL's programs against the server of the tests; what it made is removed afterwards."""
    if connection.vendor != "postgresql":
        pytest.skip("runs with the suite on PostgreSQL")
    require("postgresql", shutil.which("pg_dump") is not None, "no pg_dump")
    where = connection.settings_dict
    environment = {
        "PGHOST": where["HOST"] or "127.0.0.1", "PGPORT": str(where["PORT"] or 5432), "PGUSER": where["USER"],
        "PGPASSWORD": where["PASSWORD"], "PATH": os.environ["PATH"],
    }  # fmt: skip
    made: list[str] = []

    def program(*command: str) -> None:
        if command[0] == "createdb":
            made.append(command[-1])
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)

    yield program
    for name in made:
        subprocess.run(["dropdb", "--if-exists", name], env=environment, check=True, capture_output=True, timeout=60)


def contents(database: str) -> dict[str, tuple[int, str]]:
    """How many rows each table has, and a digest of them."""
    import psycopg

    where = connection.settings_dict
    found = {}
    with psycopg.connect(
        host=where["HOST"], port=where["PORT"] or 5432, user=where["USER"], password=where["PASSWORD"], dbname=database
    ) as link:
        tables = link.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
        for (table,) in tables:
            rows = sorted(str(row) for row in link.execute(f'SELECT * FROM "{table}"').fetchall())
            found[table] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
    return found


def test_a_dump_that_is_restored_is_equal_in_every_table_and_opens_with_the_same_key(run: Any, tmp_path: Path) -> None:
    with transaction.atomic():
        seed(12)
    source, target = str(connection.settings_dict["NAME"]), f"restored_{uuid.uuid4().hex[:12]}"
    dump = str(tmp_path / "orderbridge.dump")
    run("pg_dump", "--format=custom", "--compress=0", f"--file={dump}", source)
    run("createdb", target)
    run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={target}", dump)
    before, after = contents(source), contents(target)
    assert after == before
    assert before["orders_order"][0] == 12
    assert b"SECRET-ACCESS-TOKEN" not in Path(dump).read_bytes()
    assert VendorToken.objects.get().access_token == "SECRET-ACCESS-TOKEN"

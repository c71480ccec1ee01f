"""Times as PostgreSQL writes them are read as Django reads them."""

from __future__ import annotations

from datetime import UTC

import psycopg
import pytest
from django.db import connection
from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from psycopg.postgres import types

from integrations.quick_times import QuickTimeLoader

OID = types["timestamptz"].oid


class DjangosLoader(BaseTzLoader):
    timezone = UTC


@pytest.mark.parametrize(
    "written",
    ["2026-11-22 02:47:19+00", "2026-11-22 02:47:19.1+00", "2026-11-22 02:47:19.123456+00", "0999-01-01 00:00:00+00",
     "2026-11-22 10:47:19.5+08", "2026-11-22 08:17:19-05:30"],
)  # fmt: skip
def test_a_time_is_read_as_django_reads_it(written):
    ours, djangos = (loader(OID).load(written.encode()) for loader in (QuickTimeLoader, DjangosLoader))
    assert (ours, ours.tzinfo, ours.microsecond) == (djangos, UTC, djangos.microsecond)


@pytest.mark.parametrize("written", ["infinity", "0044-03-15 12:00:00+00 BC"])
def test_what_is_no_time_of_python_is_told_as_before(written):
    with pytest.raises(psycopg.DataError):
        QuickTimeLoader(OID).load(written.encode())


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no times")
def test_every_connection_reads_its_times_so():
    with connection.cursor() as cursor:
        cursor.execute("SELECT '2026-11-22 10:47:19.25+08'::timestamptz")
        (moment,) = cursor.fetchone()
        loader = cursor.connection.adapters.get_loader(OID, psycopg.pq.Format.TEXT)
    assert moment.isoformat() == "2026-11-22T02:47:19.250000+00:00"
    assert loader is QuickTimeLoader

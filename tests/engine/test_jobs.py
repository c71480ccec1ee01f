"""Handing jobs to the workers: with what the caller stored, and never at its cost."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import transaction
from django_q.models import OrmQ

from integrations import jobs

ROOT = Path(__file__).resolve().parent.parent.parent
HAND_OVER = "from integrations import jobs; jobs.start_released('push_orders')"


def with_redis_away(*arguments: str, database: Path) -> subprocess.CompletedProcess[str]:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings", "ORDERBRIDGE_ENV_FILE": "", "DJANGO_SECRET_KEY": "x" * 50,
            "DATABASE_URL": f"sqlite:///{database}", "REDIS_URL": f"redis://127.0.0.1:{nobody.getsockname()[1]}/0",
        }  # fmt: skip
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments], env=environment, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_in_the_table_a_job_is_part_of_the_transaction():
    with transaction.atomic():
        jobs.start_for_orders("push_orders", "anna", ["7000001"])
        transaction.set_rollback(True)
    assert not OrmQ.objects.exists()
    jobs.start_for_orders("push_orders", "anna", ["7000001"])
    assert OrmQ.objects.get().name() == "anna: push_orders"


def test_a_redis_that_is_away_costs_a_line_in_the_log_and_nothing_else(tmp_path):
    done = with_redis_away("shell", "-c", HAND_OVER, database=tmp_path / "empty.sqlite3")
    assert done.returncode == 0, done.stderr
    assert "job_not_queued" in done.stderr
    assert "Traceback" not in done.stderr


def test_workers_do_not_start_without_their_redis_and_say_so(tmp_path):
    database = tmp_path / "new.sqlite3"
    assert with_redis_away("migrate", "-v", "0", database=database).returncode == 0
    done = with_redis_away("qcluster", database=database)
    assert done.returncode == 1
    assert "Start it, or leave REDIS_URL out" in done.stderr
    assert "Traceback" not in done.stderr

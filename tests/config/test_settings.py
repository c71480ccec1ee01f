"""Settings are read and checked at start: a wrong one stops every command with one line that names it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def run_check(*arguments, **variables):
    environment = {"PATH": os.environ["PATH"], "ORDERBRIDGE_ENV_FILE": "", "DJANGO_SECRET_KEY": "s" * 60, **variables}
    environment = {name: value for name, value in environment.items() if value is not None}
    return subprocess.run(
        [sys.executable, "manage.py", *(arguments or ["check"])],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DJANGO_SECRET_KEY", None),
        ("DATABASE_URL", "mysql://somewhere/else"),
        ("DATABASE_URL", "postgre://orderbridge:hidden-word@db/orderbridge"),
        ("REDIS_URL", "127.0.0.1:6379"),
        ("EMAIL_URL", "mail://orderbridge:hidden-word@db:25"),
        ("DSCO_BASE_URL", "api.dsco.io"),
        ("DSCO_ORDER_URL", "https://portal.example.com/orders/"),
        ("LINGXING_ORDER_URL", "erp.example.com/{id}"),
        ("VERIFY_DELAY_SECONDS", "two minutes"),
        ("VERIFY_DELAY_SECONDS", "-1"),
        ("SESSION_HOURS", "inf"),
        ("LOGIN_LOCK_MINUTES", "1e300"),
        ("RETENTION_HISTORY_DAYS", "1000000"),
        ("VERIFY_DELAY_SECONDS", "nan"),
        ("ACK_ORDER_STATUSES", "5;6"),
        ("ACK_ORDER_STATUSES", "5²"),
        ("PUBLIC_URL", "http://[::1"),
        ("REDIS_URL", "redis://[hidden-word"),
        ("DSCO_BASE_URL", "ftp://orderbridge:hidden-word@db"),
        ("ORDERBRIDGE_ENV_FILE", "/nowhere/orderbridge.env"),
        ("LINGXING_TIME_ZONE", "Asia/Shanghigh"),
        ("LINGXING_ORDER_NUMBER_FIELD", "order_id"),
        ("DJANGO_DEBUG", "perhaps"),
        ("DJANGO_CSRF_TRUSTED_ORIGINS", "orders.example.com"),
        ("STOCK_DROP_LIMIT_PERCENT", "101"),
        ("RATE_LIMIT_SCALE", "0"),
        ("FLOW_INTERVAL_SECONDS", "0"),
    ],
)
def test_a_missing_or_malformed_setting_stops_with_one_line_that_names_it(name, value):
    done = run_check(**{name: value})
    assert done.returncode == 2
    assert name in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert "hidden-word" not in done.stderr


def test_a_settings_file_that_is_no_text_stops_with_one_line(tmp_path):
    (tmp_path / "settings.env").write_bytes(b"DSCO_CLIENT_ID=\xff\xfe")
    done = run_check(ORDERBRIDGE_ENV_FILE=str(tmp_path / "settings.env"))
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1)
    assert "settings.env cannot be read: it must be text in UTF-8" in done.stderr


def test_several_wrong_settings_are_named_together():
    done = run_check(RETRY_BACKOFF_SCALE="x", HTTP_THREADS="0")
    assert "RETRY_BACKOFF_SCALE" in done.stderr
    assert "HTTP_THREADS" in done.stderr


def test_a_missing_credential_stops_runflow_and_changes_nothing(tmp_path):
    done = run_check("runflow", "--all", DATABASE_URL=f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    assert done.returncode == 2
    assert "DSCO_CLIENT_ID" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_who_has_seen_enough_ends_a_command_without_a_traceback():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run(
            [sys.executable, "manage.py", "doctor", "--offline"], cwd=ROOT, stdout=closed, stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "ORDERBRIDGE_ENV_FILE": "", "DJANGO_SECRET_KEY": "s" * 60}, text=True,
            check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_production_settings_pass_djangos_deployment_check():
    done = run_check(
        "check", "--deploy", "--fail-level", "WARNING",
        DJANGO_SECRET_KEY="k9" * 30 + "!x#QW", DJANGO_ALLOWED_HOSTS="orders.example.com", DSCO_CLIENT_ID="a",
        DSCO_CLIENT_SECRET="b", LINGXING_APP_ID="c" * 16, LINGXING_APP_SECRET="d",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_setting_stands_in_the_example_file():
    source = (ROOT / "config/settings.py").read_text()
    names = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source))
    example = (ROOT / ".env.example").read_text()
    assert {name for name in names if f"{name}=" not in example} == set()

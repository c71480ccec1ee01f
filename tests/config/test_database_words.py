"""A command whose database cannot be used says so in one line, and what to do; it does not pretend to have worked."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
COMMANDS = ("orderstatus 1", "retry --kind invoice", "vendorstop dsco", "tellalerts", "apitoken list", "qcluster")


def run(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DSCO_", "LINGXING_"))}
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=environment | {
            "DJANGO_SETTINGS_MODULE": "config.settings", "ORDERBRIDGE_ENV_FILE": "", "DJANGO_SECRET_KEY": "x" * 50,
            "DATABASE_URL": url, "LOG_LEVEL": "ERROR",
        },
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def only_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if not line.startswith("{")]  # the log is JSON
    assert "Traceback" not in done.stderr
    return line


@pytest.mark.parametrize("command", COMMANDS)
def test_a_database_without_tables_is_named_with_what_makes_them(tmp_path, command):
    assert "run manage.py migrate" in only_line(run(f"sqlite:///{tmp_path}/new.sqlite3", *command.split()))


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    line = only_line(run(f"sqlite:///{tmp_path}/nowhere/x.sqlite3", "migrate"))
    assert "unable to open database file" in line
    assert "DATABASE_URL" in line


def test_a_server_that_does_not_answer_is_named_without_the_password():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        line = only_line(run(f"postgres://orderbridge:hidden-word@127.0.0.1:{port}/orderbridge", "qcluster"))
    assert "whether the database server runs" in line
    assert "hidden-word" not in line


def test_a_full_disk_is_named_and_not_a_fault_of_the_program(tmp_path):
    database = tmp_path / "full.sqlite3"
    assert run(f"sqlite:///{database}", "migrate", "-v", "0").returncode == 0
    done = subprocess.run(
        ["/bin/sh", "-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh", sys.executable,
         str(ROOT / "manage.py"), "vendorstop", "dsco", "--reason", "x"],
        env=os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings", "ORDERBRIDGE_ENV_FILE": "", "DJANGO_SECRET_KEY": "x" * 50,
            "DATABASE_URL": f"sqlite:///{database}", "LOG_LEVEL": "ERROR",
        },
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "how much room is left" in only_line(done)

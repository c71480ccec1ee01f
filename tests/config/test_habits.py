"""Habits that are kept by themselves: a closed network, warnings that fail, commands that start quickly."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError

ROOT = Path(__file__).resolve().parents[2]
# What takes long to load and no command needs to start.
HEAVY = ("openpyxl", "tablib", "unfold.admin", "drf_spectacular.generators", "orders.admin.pages", "config.urls")
LOADED = """
import sys, django
django.setup()
from django.core.management import load_command_class
for app, name in (("integrations", "runflow"), ("orders", "orderstatus"), ("orders", "retry")):
    load_command_class(app, name)
from integrations.admin.words import reason
assert reason("unmapped_sku") != "unmapped_sku", "alerts and documents would show codes in place of words"
print(*(name for name in sys.argv[1:] if name in sys.modules))
"""

STARTED = """
import contextlib, gc, io, runpy, sys
searches = []
gc.callbacks.append(lambda phase, facts: searches.append(phase))
sys.argv = ["manage.py", "runflow", "--help"]
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    runpy.run_path("manage.py", run_name="__main__")
assert gc.isenabled(), "a worker would never give anything back"
print(len(searches) // 2)
"""
ENVIRONMENT = {
    "PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings", "DJANGO_SECRET_KEY": "s" * 60,
    "ORDERBRIDGE_ENV_FILE": "",
}  # fmt: skip


def test_tests_reach_loopback_only():
    # The block warns before it raises, and a warning is an error here.
    with socket.socket() as outside, pytest.raises((SocketConnectBlockedError, UserWarning), match=r"192\.0\.2\.1"):
        outside.connect(("192.0.2.1", 443))


def test_a_warning_fails_a_test():
    with pytest.raises(DeprecationWarning):
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)


def run_python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_commands_start_without_what_only_pages_need():
    assert run_python(LOADED, *HEAVY).split() == []


def test_commands_start_without_looking_for_garbage_in_what_they_load():
    assert int(run_python(STARTED)) < 100  # most while Django itself is loaded; without that 250

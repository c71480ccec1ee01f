"""``manage.py demo``: sandbox, workers and admin on this machine, with orders that travel by themselves."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.demo_environment import DEMO_DIRECTORY, DEMO_PASSWORD, DEMO_USER
from config.supervisor import MANAGE, AddressRefused, Supervisor, require_free
from integrations.management.arguments import port_number
from integrations.sandbox.demo import demo_mappings
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.sandbox import Sandbox

PREFERRED_PORT = 8000


class Command(BaseCommand):
    """Everything at once, on loopback only. Each start begins with a fresh database under ``var/``."""

    help = "Starts both vendors' stand-ins, the workers and the admin on this machine, with travelling orders."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own form

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the port of the web server."""
        parser.add_argument(
            "--port", type=port_number, default=0, help=f"web port; otherwise {PREFERRED_PORT} or a free one"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until Ctrl-C; exit 2 when a demo of this directory runs already."""
        with only_one_demo():
            port = options["port"] or free_port(PREFERRED_PORT)
            try:
                require_free(f"127.0.0.1:{port}")
            except AddressRefused as refusal:
                raise CommandError(str(refusal), returncode=2) from None
            supervisor = Supervisor()
            supervisor.stop_on_signals()
            sandbox_options = SandboxOptions(
                audit_after_seconds=3, ship_after_seconds=4, new_order_every_seconds=8, troubles=True
            )
            with Sandbox(sandbox_options) as sandbox:
                environment = sandbox.environment()
                self._prepare(environment)
                try:
                    supervisor.start_manage("workers", "qcluster", environment=environment)
                    supervisor.start_web(f"127.0.0.1:{port}", workers=1, threads=4, environment=environment)
                    wait_for_port(port, supervisor)
                    if not supervisor.asked_to_stop:
                        self._introduce(port, sandbox.url)
                    ended = supervisor.wait()
                finally:
                    self.stdout.write("Stopping …")
                    self.stdout.flush()
                    supervisor.stop()
            if ended:
                raise CommandError(f"The process {ended!r} ended by itself; see its messages above.", returncode=1)
            self.stdout.write("Stopped.")

    def _prepare(self, environment: dict[str, str]) -> None:
        for name in ("demo.sqlite3", "demo.sqlite3-wal", "demo.sqlite3-shm"):
            (DEMO_DIRECTORY / name).unlink(missing_ok=True)
        mappings = DEMO_DIRECTORY / "demo-mappings.json"
        mappings.write_text(json.dumps(demo_mappings(), indent=2) + "\n", encoding="utf-8")
        self.stdout.write("Preparing the demo's database …")
        self.stdout.flush()
        login = {"DJANGO_SUPERUSER_PASSWORD": DEMO_PASSWORD}
        run_manage("migrate", "--no-input", "-v", "0", environment=environment)
        run_manage(
            "createsuperuser", "--no-input", "-v", "0", "--username", DEMO_USER, "--email", "demo@example.com",
            environment=environment | login,
        )  # fmt: skip
        run_manage("loadmappings", str(mappings), environment=environment)

    def _introduce(self, port: int, sandbox_url: str) -> None:
        self.stdout.write(
            f"\nOrderBridge demo: http://127.0.0.1:{port}/admin/\n"
            f"    user {DEMO_USER}, password {DEMO_PASSWORD}\n"
            f"    vendors' stand-ins: {sandbox_url}/control/state\n"
            "Orders arrive, reach the ERP, are acknowledged, shipped and invoiced within a minute; some of them wait\n"
            "for you: several packages, a missing mapping, a refused invoice. Ctrl-C stops everything.\n"
        )
        self.stdout.flush()


def run_manage(*arguments: str, environment: dict[str, str]) -> None:
    """Run a ``manage.py`` command with the demo's environment; raises CommandError with its words."""
    done = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, MANAGE, *arguments], env={**os.environ, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise CommandError(f"{arguments[0]} failed: {(done.stderr or done.stdout).strip()}", returncode=1)


@contextmanager
def only_one_demo() -> Iterator[None]:
    """Hold the demo's lock; raises CommandError when another demo of this directory runs."""
    try:
        DEMO_DIRECTORY.mkdir(exist_ok=True)
        file = (DEMO_DIRECTORY / "demo.lock").open("w")
    except OSError as error:
        raise CommandError(f"{DEMO_DIRECTORY} cannot be written: {error.strerror}.", returncode=1) from None
    with file as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError("A demo of this directory is running already; stop it first.", returncode=2) from None
        yield


def free_port(preferred: int) -> int:
    """Return ``preferred`` if nothing listens there, else a free port of loopback."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise CommandError("No free port on 127.0.0.1.", returncode=1)


def wait_for_port(port: int, supervisor: Supervisor) -> None:
    """Wait until the web server answers, a child ends or somebody stops us."""
    for _attempt in range(200):
        with socket.socket() as probe:
            probe.settimeout(0.3)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if supervisor.wait_a_moment():
            return

"""Child processes of ``serve`` and ``demo``: started together, stopped together, never left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from integrations.management.arguments import HIGHEST_PORT

STOP_SECONDS = 25.0
MANAGE = str(Path(__file__).resolve().parent.parent / "manage.py")


class Supervisor:
    """Runs named child processes until one of them ends or somebody asks to stop.

    Only the child itself is signalled: django-q2's parent hangs when its whole group gets SIGTERM
    (its workers are told by their parent). What has not stopped in STOP_SECONDS is killed as a group.
    """

    def __init__(self) -> None:
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._stop = threading.Event()

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start a child in a process group of its own."""
        self._children[name] = subprocess.Popen(  # noqa: S603 - our own commands
            list(command), env={**os.environ, **(environment or {})}, start_new_session=True
        )

    def start_manage(self, name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a ``manage.py`` command."""
        self.start(name, [sys.executable, MANAGE, *arguments], environment)

    def start_web(
        self, address: str, *, workers: int, threads: int, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start gunicorn on ``address`` (host:port)."""
        command = [
            sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", address, "--workers", str(workers),
            "--threads", str(threads), "--log-level", "warning", "--no-control-socket",
        ]  # fmt: skip
        self.start("web", command, environment)

    def stop_on_signals(self) -> None:
        """Let SIGINT and SIGTERM end ``wait``."""

        def ask(_number: int, _frame: FrameType | None) -> None:
            self._stop.set()

        signal.signal(signal.SIGINT, ask)
        signal.signal(signal.SIGTERM, ask)

    @property
    def asked_to_stop(self) -> bool:
        """Whether a signal has come."""
        return self._stop.is_set()

    def wait(self) -> str | None:
        """Wait for a signal (returns None) or for the first child that ends by itself (returns its name)."""
        while not self._stop.wait(0.3):
            if ended := self._ended():
                return ended
        return None

    def wait_a_moment(self) -> bool:
        """Wait a fraction of a second; return whether there is nothing to wait for any more."""
        return self._stop.wait(0.2) or self._ended() is not None

    def _ended(self) -> str | None:
        return next((name for name, child in self._children.items() if child.poll() is not None), None)

    def stop(self) -> None:
        """Stop all children: ask each, wait, kill what is left."""
        for child in self._children.values():
            if child.poll() is None:
                child.terminate()
        for child in self._children.values():
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                pass
            finally:
                _kill_group(child.pid)
                child.wait()


class AddressRefused(Exception):
    """Nothing can be served at an address; the text says why and what to do."""


def require_free(address: str) -> None:
    """Raise AddressRefused unless a server can be opened at ``address`` (host:port), before anything is started."""
    host, _colon, port = address.rpartition(":")
    host = host.strip("[]")
    if not host or not (port.isascii() and port.isdecimal()) or not 0 < int(port) <= HIGHEST_PORT:
        raise AddressRefused(f"{address!r} is no address to serve at: write HOST:PORT, such as 127.0.0.1:8000.")
    try:
        family, kind, protocol, _name, place = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        raise AddressRefused(
            f"Nothing can be served at {address}: {error.strerror}. Stop what listens there, or choose another address."
        ) from None


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return

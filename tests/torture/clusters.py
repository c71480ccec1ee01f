"""Real ``qcluster`` processes that can be killed, told to stop, and started again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# What ends in good order does so within this time; the supervisor kills what has not.
STOP_SECONDS = 25.0


class ClusterProblem(Exception):
    """A cluster did what it should not."""


class ClusterProcess:
    """One ``qcluster`` with its workers, in a process group of its own."""

    def __init__(self, name: str, environment: dict[str, str], log: Path) -> None:
        self.name = name
        self.environment = environment
        self.log = log
        self.kills = 0
        self.ended = 0
        self.process = self._started(log)

    def kill(self) -> None:
        """kill -9 of all its processes at once, and a new start."""
        self.kills += 1
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = self._started(self.log)

    def kill_a_worker(self, chance: random.Random) -> None:
        """kill -9 of one of its processes; the others must notice."""
        self.kills += 1
        family = descendants(self.process.pid)
        if family:
            os.kill(chance.choice(family), signal.SIGKILL)

    def stop_in_good_order(self) -> float:
        """SIGTERM, and a new start; returns the seconds that the stop took."""
        seconds = self.stop_for_good()
        self.process = self._started(self.log)
        return seconds

    def stop_for_good(self) -> float:
        """SIGTERM, as systemd and the supervisor send it; returns the seconds that the stop took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise ClusterProblem(f"{self.name} did not stop within {STOP_SECONDS:.0f} s of SIGTERM") from None
        return time.monotonic() - started

    def fill_the_disk(self) -> None:
        """From now on every line of its log meets a full disk."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = self._started(Path("/dev/full"))

    def keep_alive(self) -> None:
        """Start it again when it has ended by itself, as a supervisor does: what is left of it is killed first."""
        if self.process.poll() is not None:
            self.ended += 1
            self._kill_group()
            self.process = self._started(self.log)

    def end(self) -> None:
        """Whatever is left of it."""
        self._kill_group()
        self.process.wait()

    def _kill_group(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def _started(self, log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as file:
            return subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "qcluster"], cwd=ROOT, env=self.environment, stdout=file,
                stderr=file, start_new_session=True,
            )  # fmt: skip


def children(pid: int) -> list[int]:
    """Return the processes that ``pid`` has started, from /proc."""
    return _families().get(pid, [])


def descendants(pid: int) -> list[int]:
    """Return the processes below ``pid``, from /proc."""
    families = _families()
    found, waiting = [], [pid]
    while waiting:
        below = families.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _families() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    return found

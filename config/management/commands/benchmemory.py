"""``manage.py benchmemory``: what a process that pulls very many large orders holds in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from config.supervisor import MANAGE
from integrations.management.arguments import at_least_one
from orders.models import Order

from .bench import sandbox_process
from .benchworkers import environment_of_workers

PROMISED_MEGABYTES = 200
LOOK_SECONDS = 0.05


class Command(BaseCommand):
    """Pull orders of one size with ``manage.py runflow`` and print its memory as the orders come in."""

    help = "Measures the memory of a process that pulls pages of large orders, in an empty database."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the number of orders and their size."""
        parser.add_argument("--orders", type=at_least_one, default=20_000)
        parser.add_argument("--bytes", type=at_least_one, default=20_000, help="size of an order as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuses a database that holds orders; ends with 1 when the process took more than is promised."""
        call_command("migrate", verbosity=0, interactive=False)
        if Order.objects.exists():
            raise CommandError("The database holds orders; give an empty one in DATABASE_URL.", returncode=2)
        count = options["orders"]
        self.stdout.write(f"{connection.vendor}; {count:,} orders of {options['bytes']:,} bytes, 1,000 a page")
        self.stdout.write(f"{'orders':>10}{'seconds':>9}{'memory MB':>11}{'most MB':>9}")
        with sandbox_process(count, ["--order-bytes", str(options["bytes"])]):
            command = [sys.executable, MANAGE, "runflow", "pull_orders"]
            with subprocess.Popen(command, env=environment_of_workers(), stdout=subprocess.PIPE) as process:  # noqa: S603
                most = self._watch(process, count)
        stored = Order.objects.count()
        if process.returncode or stored != count:
            raise CommandError(f"Exit code {process.returncode}, {stored:,} of {count:,} orders stored.", returncode=1)
        if most > PROMISED_MEGABYTES:
            raise CommandError(f"{most:.0f} MB at most; promised are {PROMISED_MEGABYTES}.", returncode=1)
        self.stdout.write(f"{most:.0f} MB at most; promised are {PROMISED_MEGABYTES}.")

    def _watch(self, process: subprocess.Popen[bytes], count: int) -> float:
        """Print a line whenever another tenth of the orders is stored; return the most memory that was seen, in MB."""
        started, told, most = time.monotonic(), 0, 0.0
        while process.poll() is None:
            now = resident_megabytes(process.pid)
            most = max(most, now)
            stored = Order.objects.count() if time.monotonic() - started > told / 2 else 0
            if stored >= (told + 1) * count / 10:
                told = stored * 10 // count
                self.stdout.write(f"{stored:>10,}{time.monotonic() - started:>9.0f}{now:>11.0f}{most:>9.0f}")
                self.stdout.flush()
            time.sleep(LOOK_SECONDS)
        return most


def resident_megabytes(pid: int) -> float:
    """Return what a process holds in memory now (Linux); 0 when it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000

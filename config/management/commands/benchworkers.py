"""``manage.py benchworkers``: what more worker processes on one database bring, up to the vendors' limits."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from config.supervisor import MANAGE
from integrations.flows import run_flow
from orders.models import Order, Stage

from .bench import ORDER_FLOWS, counts_of, sandbox_process
from .benchlimits import DSCO_SECONDS, LINGXING_SECONDS, SINGLE_SHIPMENTS, slow_down

LONGEST_SECONDS = 900.0
# One by one, so that DSCO's 300 shipments a minute are what all workers share.
ONE_BY_ONE = {"BATCH_FROM": "1000000", "PUSH_BATCH_SIZE": "1"}
PASSED_ON = ("DSCO_BASE_URL", "DSCO_CLIENT_ID", "DSCO_CLIENT_SECRET", "LINGXING_BASE_URL", "LINGXING_APP_ID",
             "LINGXING_APP_SECRET", "LINGXING_PLATFORM_CODE", "RATE_LIMIT_SCALE")  # fmt: skip


class Command(BaseCommand):
    """Let the same orders travel with different numbers of workers; print the ratios. Then with one killed midway."""

    help = "Measures several worker processes on one database against slow vendors that enforce their limits."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the numbers of workers and of orders; ``--work`` is what this command starts its workers with."""
        parser.add_argument("--workers", default="1,2,4", metavar="N,N,…")
        parser.add_argument("--orders", type=int, default=200)
        parser.add_argument("--work", action="store_true", help="be one of the workers, until terminated")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuses a database that holds orders; ends with 1 when a vendor refused a call or an order went twice."""
        if options["work"]:
            self._work()
        try:
            numbers = [int(number) for number in options["workers"].split(",")]
        except ValueError as error:
            raise CommandError("--workers takes numbers, for example 1,2,4.", returncode=2) from error
        call_command("migrate", verbosity=0, interactive=False)
        if Order.objects.exists():
            raise CommandError("The database holds orders; give an empty one in DATABASE_URL.", returncode=2)
        count = options["orders"]
        self.stdout.write(
            f"{connection.vendor}, {os.cpu_count()} cores; DSCO answers after {DSCO_SECONDS} s, LingXing after"
            f" {LINGXING_SECONDS} s; {count} orders one by one, so at most {SINGLE_SHIPMENTS} a minute\n\n"
            f"{'workers':<22}{'seconds':>9}{'orders/min':>12}{'ratio':>8}{'of the limit':>14}{'refused':>9}"
        )
        first = 0.0
        for workers, killed in [*((number, False) for number in numbers), (max(numbers), True)]:
            seconds, refused = self._journey(workers, count, killed=killed)
            rate = 60 * count / seconds
            first = first or rate
            self.stdout.write(
                f"{f'{workers}, one killed midway' if killed else workers:<22}{seconds:>9.1f}{rate:>12,.0f}"
                f"{rate / first:>8.2f}{rate / SINGLE_SHIPMENTS:>14.0%}{refused:>9}"
            )
            if refused:
                raise CommandError(f"The vendors refused {refused} calls for their rules.", returncode=1)

    def _journey(self, workers: int, count: int, *, killed: bool) -> tuple[float, int]:
        """Let ``count`` orders travel; return the seconds until all are invoiced, and the calls that were refused."""
        call_command("flush", verbosity=0, interactive=False)
        with sandbox_process(count, [], limits=True) as url:
            slow_down(url)
            started = time.monotonic()
            with _processes(workers) as processes:
                while (invoiced := Order.objects.filter(stage=Stage.INVOICED).count()) < count:
                    if time.monotonic() - started > LONGEST_SECONDS:
                        raise CommandError(f"Only {invoiced} of {count} orders were invoiced.", returncode=1)
                    shipped = Order.objects.filter(stage__in=[Stage.SHIPPED, Stage.INVOICED]).count()
                    if killed and shipped > count / 3:
                        processes.pop().kill()
                        killed = False
                    time.sleep(0.25)
            seconds, violations = time.monotonic() - started, counts_of(url)["violations"]
        if violations:
            self.stderr.write("\n".join(map(str, violations[:5])))
        return seconds, len(violations)

    def _work(self) -> None:
        """What workers do, without a clock: every flow, again and again."""
        while True:
            for name in ORDER_FLOWS:
                run_flow(name, trigger="bench")
            time.sleep(0.2)


def environment_of_workers() -> dict[str, str]:
    """Return the environment of processes that know the vendors which this process knows."""
    return os.environ | {name: str(getattr(settings, name)) for name in PASSED_ON}


@contextmanager
def _processes(number: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run workers that know the vendors that this process knows."""
    environment = environment_of_workers() | ONE_BY_ONE
    command = [sys.executable, MANAGE, "benchworkers", "--work"]
    processes = [subprocess.Popen(command, env=environment) for _ in range(number)]  # noqa: S603 - our own command
    everyone = list(processes)
    try:
        yield processes
    finally:
        for process in everyone:
            process.kill()
            process.wait()

"""``manage.py bench``: how fast orders travel, how many vendor requests and database queries each costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.backends.signals import connection_created

from config.demo_environment import DEMO_DIRECTORY
from config.supervisor import MANAGE
from integrations.flows import run_flow
from integrations.management.arguments import at_least_one
from integrations.models import FlowRun
from orders.models import Order, Stage
from orders.reconciling.facts import grace

ORDER_FLOWS = ("pull_orders", "push_orders", "acknowledge_orders", "report_shipments", "report_invoices")
TARGETS = {"orders/s": "at least 50", "requests/order": "at most 3", "queries/order and step": "at most 8"}


class Command(BaseCommand):
    """Run the journeys of the acceptance figures against a sandbox in a process of its own and print a table."""

    help = "Measures throughput, latency and cost of the order flows against the sandbox, in an empty database."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the number of orders of both runs."""
        parser.add_argument("--orders", type=at_least_one, default=1000)
        parser.add_argument("--latency-orders", type=at_least_one, default=50)

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuses a database that holds orders: the figures would not be the flows'."""
        call_command("migrate", verbosity=0, interactive=False)
        if Order.objects.exists():
            raise CommandError("The database holds orders; give an empty one in DATABASE_URL.", returncode=2)
        queries = count_queries()
        self.stdout.write(f"{connection.vendor}, {os.cpu_count()} cores, {settings.HTTP_THREADS} HTTP threads\n")
        self._journey(f"{options['orders']} orders, no latency, limits lifted", options["orders"], [], queries)
        latency = ["--latency", "0.2"]
        self._journey(f"{options['latency_orders']} orders, 200 ms a call", options["latency_orders"], latency, queries)

    def _journey(self, title: str, count: int, sandbox_options: list[str], queries: Counter[str]) -> None:
        call_command("flush", verbosity=0, interactive=False)
        with sandbox_process(count, sandbox_options) as url:
            rows = []
            requests_before = requests_made(url)
            for name in ORDER_FLOWS:
                queries.clear()
                before, started = requests_made(url), time.monotonic()
                result = run_flow(name, trigger="bench")
                seconds = time.monotonic() - started
                if result.error:
                    raise CommandError(f"{name}: {result.error}", returncode=1)
                requests = requests_made(url) - before
                rows.append((name, seconds, count / seconds, requests / count, queries.total() / count))
            total = sum(row[1] for row in rows)
            comparison = self._comparison(url, count, queries)
            per_order_in_all = (requests_made(url) - requests_before) / count
        invoiced = Order.objects.filter(stage=Stage.INVOICED).count()
        self.stdout.write(f"\n{title}: {invoiced} of {count} invoiced")
        self.stdout.write(f"{'flow':<20}{'seconds':>9}{'orders/s':>10}{'requests/order':>16}{'queries/order':>15}")
        for name, seconds, rate, per_order, query_rate in rows:
            self.stdout.write(f"{name:<20}{seconds:>9.2f}{rate:>10.0f}{per_order:>16.2f}{query_rate:>15.1f}")
        self.stdout.write(f"{'whole journey':<20}{total:>9.2f}{count / total:>10.0f}{per_order_in_all:>16.2f}")
        self.stdout.write(comparison)
        if invoiced != count:
            raise CommandError(f"Only {invoiced} of {count} orders were invoiced.", returncode=1)

    def _comparison(self, url: str, count: int, queries: Counter[str]) -> str:
        """Compare the whole day with both vendors, as every night; return its line.

        What is newer than the grace is not compared: it is made short and waited for.
        """
        settings.RETRY_BACKOFF_SCALE, settings.VERIFY_DELAY_SECONDS = 0.0, 0.0
        run_flow("pull_orders", trigger="bench")  # as every few minutes
        time.sleep(grace().total_seconds() + 1)
        queries.clear()
        before = requests_made(url)
        started, processor = time.monotonic(), time.process_time()
        result = run_flow("reconcile", trigger="bench")
        seconds, processor = time.monotonic() - started, time.process_time() - processor
        if result.error or result.counts.get("orders_compared", 0) < count:
            raise CommandError(f"reconcile: {result.error or result.counts}", returncode=1)
        per_order, query_rate = (requests_made(url) - before) / count, queries.total() / count
        line = f"{'reconcile':<20}{seconds:>9.2f}{count / seconds:>10.0f}{per_order:>16.3f}{query_rate:>15.2f}"
        return f"{line}   {1000 * processor / count:.2f} ms of one core an order"


def count_queries() -> Counter[str]:
    """Count every statement of every connection of this process from now on."""
    counter: Counter[str] = Counter()

    def count(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        counter[sql.split(None, 1)[0]] += 1
        return execute(sql, params, many, context)

    def watch(connection: Any, **_kwargs: Any) -> None:
        if count not in connection.execute_wrappers:
            connection.execute_wrappers.append(count)

    connection_created.connect(watch, weak=False)
    connection.execute_wrappers.append(count)
    return counter


@contextmanager
def sandbox_process(orders: int, options: list[str], *, limits: bool = False) -> Iterator[str]:
    """Run a sandbox with connected accounts in its own process; settings and mappings lead to it.

    ``limits``: it enforces the vendors' documented limits, and our side keeps them.
    """
    DEMO_DIRECTORY.mkdir(exist_ok=True)
    mappings = DEMO_DIRECTORY / "bench-mappings.json"
    command = [
        sys.executable, MANAGE, "sandbox", "--port", "0", "--orders", str(orders),
        "--audit-after", "0", "--ship-after", "0", "--mappings", str(mappings),
        *([] if limits else ["--no-limits"]), *options,
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
    try:
        environment = read_environment(process)
        for name, value in environment.items():
            setattr(settings, name, int(value) if value.isdigit() and name.endswith("PLATFORM_CODE") else value)
        if not limits:
            settings.RATE_LIMIT_SCALE = 1000.0
        call_command("loadmappings", str(mappings), stdout=open(os.devnull, "w"))  # noqa: SIM115
        FlowRun.objects.all().delete()
        yield environment["DSCO_BASE_URL"].split("/dsco/")[0]
    finally:
        process.terminate()
        process.wait(10)


def read_environment(process: subprocess.Popen[str]) -> dict[str, str]:
    """Read the ``export NAME=value`` lines that the sandbox prints first."""
    environment: dict[str, str] = {}
    assert process.stdout is not None  # noqa: S101 - opened as a pipe above
    for line in process.stdout:
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").strip().partition("=")
            environment[name] = value
        if "Ctrl-C" in line:
            return environment
    raise CommandError("The sandbox did not start.", returncode=1)


def requests_made(url: str) -> int:
    """Return how many vendor requests the sandbox has answered."""
    return int(counts_of(url)["requests"])


def counts_of(url: str) -> dict[str, Any]:
    """Return ``requests``, answered so far, and ``violations``: what the sandbox refused against its rules."""
    with urllib.request.urlopen(f"{url}/control/counts", timeout=60) as reply:  # noqa: S310 - loopback
        counts: dict[str, Any] = json.load(reply)
    return counts

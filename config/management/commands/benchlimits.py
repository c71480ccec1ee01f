"""``manage.py benchlimits``: how near each flow comes to what the vendors' documented limits allow at all."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone

from integrations.flows import FlowResult, run_flow
from integrations.models import ApiCall
from orders.models import Order, Stage

from .bench import counts_of, sandbox_process

DSCO_SECONDS, LINGXING_SECONDS = 0.15, 1.0
VISIBLE_AFTER = 12.0  # seconds: DSCO gives out changes that are ten seconds old
MOST_RUNS = 5
FEWEST_CALLS = 5  # fewer tell nothing
# What the documents allow, in calls: rows of a page, numbers of a list call, calls at the same time or in a minute.
PULL_PAGE, LIST_NUMBERS, LIST_CALLS, OUTBOUND_ROWS = 1000, 200, 10, 200
SINGLE_SHIPMENTS, SINGLE_INVOICES = 300, 900  # 15 invoices a second are fewer than 1,000 a minute


@dataclass(frozen=True, slots=True)
class Limit:
    """The most orders per minute that a flow can move, and why. ``call``: the scarce one, for so many ``orders``."""

    flow: str
    orders_per_minute: float
    why: str
    call: str
    orders: int = 1


def batch_limits() -> list[Limit]:
    """The limits when work goes in batches; what no document limits is measured against the single calls."""
    size = settings.PUSH_BATCH_SIZE
    return [
        Limit(
            "pull_orders", 60 * PULL_PAGE, f"one page of {PULL_PAGE:,} a second on one scroll", "order_pages", PULL_PAGE
        ),
        Limit(
            "push_orders",
            60 * LIST_CALLS * size / LINGXING_SECONDS,
            f"{LIST_CALLS} calls of {size} at the same time",
            "create_orders",
            size,
        ),
        Limit(
            "acknowledge_orders",
            60 * LIST_CALLS * LIST_NUMBERS / LINGXING_SECONDS,
            f"{LIST_CALLS} list calls of {LIST_NUMBERS} numbers at the same time",
            "orders_by_platform_numbers",
            LIST_NUMBERS,
        ),
        Limit(
            "report_shipments",
            60 * OUTBOUND_ROWS / LINGXING_SECONDS,
            f"one outbound list call of {OUTBOUND_ROWS} at a time",
            "outbound_orders",
            OUTBOUND_ROWS,
        ),
        Limit(
            "report_invoices", SINGLE_INVOICES, f"{SINGLE_INVOICES} single invoices a minute; batches have no limit", ""
        ),
    ]


class Command(BaseCommand):
    """Run the order flows against a sandbox that enforces the limits and answers slowly; print a table."""

    help = "Measures each flow against the vendors' documented limits, in an empty database."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the number of orders of both runs."""
        parser.add_argument("--orders", type=int, default=6000, help="orders that travel in batches")
        parser.add_argument("--single", type=int, default=600, help="orders that are reported one by one; 0: none")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuses a database that holds orders; ends with 1 when a vendor refused a call for its limits."""
        call_command("migrate", verbosity=0, interactive=False)
        if Order.objects.exists():
            raise CommandError("The database holds orders; give an empty one in DATABASE_URL.", returncode=2)
        self.stdout.write(
            f"{connection.vendor}, {os.cpu_count()} cores, {settings.HTTP_THREADS} HTTP threads; "
            f"DSCO answers after {DSCO_SECONDS} s, LingXing after {LINGXING_SECONDS} s"
        )
        refused = self._journey("in batches", options["orders"], batch_limits())
        if options["single"]:
            settings.BATCH_FROM = options["single"] + 1
            single = [
                Limit(
                    "report_shipments",
                    SINGLE_SHIPMENTS,
                    f"{SINGLE_SHIPMENTS} single shipments a minute",
                    "single_shipment",
                ),
                Limit("report_invoices", SINGLE_INVOICES, "15 single invoices a second", "create_invoice"),
            ]
            refused += self._journey("one by one", options["single"], single)
        if refused:
            raise CommandError(f"The vendors refused {refused} calls for their limits.", returncode=1)

    def _journey(self, title: str, count: int, limits: list[Limit]) -> int:
        """Let ``count`` orders travel; print the flows that ``limits`` names. Returns how many calls were refused."""
        call_command("flush", verbosity=0, interactive=False)
        by_flow = {limit.flow: limit for limit in limits}
        with sandbox_process(count, [], limits=True) as url:
            slow_down(url)
            self.stdout.write(
                f"\n{count:,} orders {title}\n"
                f"{'flow':<20}{'seconds':>9}{'orders/min':>12}{'of the limit':>14}{'calls alone':>13}"
                f"{'CPU ms/order':>14}{'requests/order':>16}{'memory MB':>11}  the limit"
            )
            cpu_in_all, in_all, done = 0.0, Counter[str](), list[str]()
            flows = [limit.flow for limit in batch_limits()]
            if limits != batch_limits():  # DSCO shows what was shipped singly at the next pull
                flows.insert(-1, "pull_orders")
            for name in flows:
                if name in done:
                    time.sleep(VISIBLE_AFTER)
                done.append(name)
                before, begun = calls_by_kind(url), timezone.now()
                cpu, started = time.process_time(), time.monotonic()
                result = run_until_confirmed(name)
                seconds, cpu = time.monotonic() - started, time.process_time() - cpu
                if result.error:
                    raise CommandError(f"{name}: {result.error}", returncode=1)
                cpu_in_all += cpu
                made = calls_by_kind(url) - before
                in_all += made
                limit = by_flow.get(name)
                rate = 60 * count / seconds
                self.stdout.write(
                    f"{name:<20}{seconds:>9.1f}{rate:>12,.0f}"
                    f"{f'{rate / limit.orders_per_minute:.0%}' if limit else '':>14}"
                    f"{share_of_calls(limit, begun) if limit else '':>13}{1000 * cpu / count:>14.2f}"
                    f"{made.total() / count:>16.3f}{memory_megabytes():>11.0f}"
                    f"  {f'{limit.orders_per_minute:,.0f}: {limit.why}' if limit else ''}".rstrip()
                )
            violations = counts_of(url)["violations"]
            kinds = ", ".join(f"{name} {number / count:.4f}" for name, number in in_all.most_common())
            self.stdout.write(f"{in_all.total() / count:.3f} requests an order: {kinds}")
            invoiced = Order.objects.filter(stage=Stage.INVOICED).count()
            self.stdout.write(
                f"{invoiced:,} of {count:,} invoiced; CPU {1000 * cpu_in_all / count:.1f} ms per order in all; "
                f"{len(violations)} calls refused {violations[:3] or ''}".rstrip()
            )
        if invoiced != count:
            raise CommandError(f"Only {invoiced} of {count} orders were invoiced.", returncode=1)
        return len(violations)


def run_until_confirmed(name: str) -> FlowResult:
    """Run a flow, and again while DSCO has not confirmed all that it took (a worker's next run would ask)."""
    for _time in range(MOST_RUNS):
        result = run_flow(name, trigger="bench")
        if result.error or not (result.counts.get("accepted") or result.counts.get("due")):
            break
        time.sleep(1)
    return result


def calls_by_kind(url: str) -> Counter[str]:
    """Return how many requests of each kind the vendors have answered."""
    return Counter(counts_of(url)["by_operation"])


def share_of_calls(limit: Limit, begun: datetime) -> str:
    """Return how near the scarce calls alone came to the limit: from the tenth to the ninetieth of a hundred of them.

    What a run does before the first and after the last of them (planning, handing in, asking for outcomes) is left out.
    """
    calls = ApiCall.objects.filter(operation=limit.call, started_at__gte=begun)
    starts = list(calls.order_by("started_at").values_list("started_at", flat=True))
    middle = starts[len(starts) // 10 : len(starts) - len(starts) // 10]
    if len(middle) < FEWEST_CALLS:
        return ""
    minutes = (middle[-1] - middle[0]).total_seconds() / 60
    return f"{(len(middle) - 1) * limit.orders / minutes / limit.orders_per_minute:.0%}"


def slow_down(url: str) -> None:
    """Let the sandbox answer as late as the vendors do."""
    body = {"dsco_latency_seconds": DSCO_SECONDS, "lingxing_latency_seconds": LINGXING_SECONDS}
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{url}/control/options", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - loopback
        pass


def memory_megabytes() -> float:
    """What this process holds in memory now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000

"""``manage.py benchintake``: how many new orders with their lines are stored in a second."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, connections, transaction
from django.utils import timezone

from integrations.dsco.pages import read_page
from integrations.management.arguments import at_least_one
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.sandbox import Sandbox
from orders.intake import store_page, upsert_orders
from orders.models import Order, OrderLine
from orders.order_rows import raw_order, read_order

PAGE = 1000
LINES = (1, 2, 3, 4)
Pages = Sequence[bytes]


class Command(BaseCommand):
    """Store invented pages as the pull does, in one process and in several; then only their orders and lines."""

    help = "Measures the intake of new orders (2.5 lines each on average), in an empty database."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the number of orders and of processes."""
        parser.add_argument("--orders", type=at_least_one, default=6 * PAGE)
        parser.add_argument("--processes", type=at_least_one, default=2, help="in the second measurement")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuses a database that holds orders."""
        call_command("migrate", verbosity=0, interactive=False)
        if Order.objects.exists():
            raise CommandError("The database holds orders; give an empty one in DATABASE_URL.", returncode=2)
        pages = invented_pages(options["orders"])
        size = sum(map(len, pages)) / options["orders"]
        self.stdout.write(f"{connection.vendor}, {os.cpu_count()} cores; orders of {size:,.0f} bytes, 2.5 lines each")
        self.stdout.write(f"{'':<52}{'seconds':>9}{'orders/s':>10}{'CPU ms/order':>14}")
        number = options["processes"]
        self._measure("all of it, one process", pages, lambda: store(pages))
        self._measure(f"all of it, {number} processes", pages, lambda: in_processes(pages, number))
        rows = [row for page in pages for row in map(raw_order, read_page(page, "orders")["orders"]) if row]
        ready = [read_order(row, timezone.now()) for row in rows]

        def upsert_all() -> None:
            for start in range(0, len(ready), PAGE):
                with transaction.atomic():
                    upsert_orders(ready[start : start + PAGE])

        self._measure("bulk upsert of orders and lines alone, new", pages, upsert_all)
        self._measure("bulk upsert of orders and lines alone, known", pages, upsert_all, empty=False)

    def _measure(self, title: str, pages: Pages, work: Callable[[], None], *, empty: bool = True) -> None:
        if empty:
            call_command("flush", verbosity=0, interactive=False)
            store(pages[:1])  # whatever happens once only
            call_command("flush", verbosity=0, interactive=False)
        started, processor = time.monotonic(), time.process_time()
        work()
        seconds, processor = time.monotonic() - started, time.process_time() - processor
        count = Order.objects.count()
        if not OrderLine.objects.filter(order__dsco_order_id=Order.objects.latest("pk").dsco_order_id).exists():
            raise CommandError("Orders came without lines.", returncode=1)
        self.stdout.write(f"{title:<52}{seconds:>9.2f}{count / seconds:>10,.0f}{1000 * processor / count:>14.2f}")


def invented_pages(count: int) -> Pages:
    """Return replies of DSCO with so many orders in all."""
    account = Sandbox(SandboxOptions()).dsco
    orders = [account.add_order(lines=LINES[number % len(LINES)]) for number in range(count)]
    pages = [orders[start : start + PAGE] for start in range(0, count, PAGE)]
    return [json.dumps({"orders": page}, ensure_ascii=False).encode() for page in pages]


def store(pages: Pages) -> None:
    """Read and store pages as the pull does."""
    for page in pages:
        for part in read_page(page, "orders")["orders"].portions():
            store_page(part, timezone.now())


def in_processes(pages: Pages, number: int) -> None:
    """Share the pages among processes."""
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=store, args=(pages[place::number],)) for place in range(number)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        if process.exitcode:
            raise CommandError(f"A process ended with {process.exitcode}.", returncode=1)

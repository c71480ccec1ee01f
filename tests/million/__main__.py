"""``make bench-million ORDERS=1000000``: pages, REST API and flows beside very many orders, against what is promised.

    DATABASE_URL=postgres://postgres@127.0.0.1/orderbridge_million python -m tests.million 1000000

Makes the database's tables and, when it is empty, its rows; ends with 1 when a page was slower than promised.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import time
from importlib import import_module

import django

NEW_ORDERS = 5000


def main(total: int) -> int:
    """Seed, measure, and say what was too slow."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    logging.disable()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection

    from orders.models import Order

    from .flows import measure_bulk_actions, measure_flows
    from .measuring import Measurements
    from .pages import measure_api, measure_pages
    from .rows import seed

    call_command("migrate", verbosity=0)
    if not Order.objects.exists():
        started = time.perf_counter()
        seed(total)
        print(f"seeded {total:,} orders in {time.perf_counter() - started:.0f} s")
    print(f"{connection.vendor}, {os.cpu_count()} cores, {Order.objects.count():,} orders")
    user, _made = User.objects.get_or_create(username="boss", defaults={"is_staff": True, "is_superuser": True})
    order = Order.objects.order_by("pk")[total // 2]
    import_module("config.urls")
    gc.freeze()  # as in the web process
    measurements = Measurements()
    measure_pages(measurements, user, order)
    measure_api(measurements, user, order)
    measure_flows(measurements, min(NEW_ORDERS, total // 2))
    measure_bulk_actions(user)
    print(
        "\n"
        + (
            "\n".join(["Slower than promised:", *measurements.too_slow])
            if measurements.too_slow
            else "All as promised."
        )
    )
    return 1 if measurements.too_slow else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))

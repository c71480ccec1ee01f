"""Fills a database with very many orders by plain SQL, and measures the order list on it.

    DATABASE_URL=postgres://postgres@127.0.0.1/orderbridge_million python -m tests.staff.lists.million 1000000

Makes the database's tables, seeds what is missing, prints the median milliseconds of each page in the server.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from typing import Any

ORDERS = """
INSERT INTO orders_order (dsco_order_id, po_number, consumer_order_number, retailer_id, retailer_name,
    supplier_order_number, order_type, currency, test_order, dsco_status, dsco_lifecycle, cancel_requested,
    cancel_requested_code, warehouse_code, service_level, ship_carrier, ship_method, acknowledge_by, ship_by,
    invoice_by, cancel_after, dsco_created_at, dsco_updated_at, reported_tracking_numbers, payload, payload_hash,
    problem, stage, held, hold_reason, held_by, first_seen_at, read_at)
SELECT {text}(1000000000 + n), 'PO-' || n, 'C-' || n, {text}(1000012345 + n % 7), 'Retailer ' || (n % 7),
    '', 'Dropship', 'USD', FALSE, 'shipped', 'completed', n % 997 = 3, '', 'EAST', 'FECG', '', '',
    {ago} + {days}(1), {ago} + {days}(3), {ago} + {days}(20), {ago} + {days}(9), {ago}, {ago}, '[]',
    '{{"dscoOrderId": "x", "lineItems": [{{"sku": "HP-LAMP-01", "quantity": 2}}]}}', '', '',
    CASE WHEN n > {total} - {total} / 200 THEN 'received' WHEN n > {total} - {total} / 100 THEN 'in_erp'
         WHEN n > {total} - {total} / 33 THEN 'acknowledged' WHEN n > {total} - {total} / 25 THEN 'shipped'
         WHEN n % 50 = 0 THEN 'cancelled' ELSE 'invoiced' END,
    n % 1999 = 7, '', '', {ago}, {ago}
FROM {series}
"""
# The kind's own columns, and how far an order must have come for it to be done.
DELIVERIES = {
    "erp_push": ("orders_erppush", "platform_order_no, store_id", "o.dsco_order_id, '110000000000000001'", "received"),
    "acknowledgement": ("orders_acknowledgement", "checked_at", "NULL", "received,in_erp"),
    "shipment": (
        "orders_shipment", "sequence, body, draft, edited_by, chosen_by, confirmed_at, checked_at",
        "1, '[]', '{{}}', '', '', NULL, NULL",
        "received,in_erp,acknowledged",
    ),
    "invoice": (
        "orders_invoice", "invoice_id, total, body", "'INV-' || o.po_number, 78.00, '{{}}'",
        "received,in_erp,acknowledged,shipped",
    ),
}  # fmt: skip
DELIVERY = """
INSERT INTO {table} (key, status, due_at, lease_token, lease_holder, attempts, failures, maybe_sent, solo, reason_code,
    last_error_kind, last_error_code, last_error, cause, remote_request_id, remote_reference, created_at, changed_at,
    finished_at, order_id, {columns})
SELECT '{kind}:' || o.dsco_order_id,
    CASE WHEN o.stage NOT IN ({not_done}) THEN 'succeeded' WHEN o.id % 400 = 1 THEN 'failed'
         WHEN o.id % 300 = 2 THEN 'needs_attention' ELSE 'waiting' END,
    NULL, '', '', 1, 0, FALSE, FALSE,
    CASE WHEN o.stage NOT IN ({not_done}) THEN '' WHEN o.id % 400 = 1 AND o.id % 800 = 1 THEN 'gave_up'
         WHEN o.id % 300 = 2 AND '{kind}' = 'shipment' THEN 'several_packages' ELSE '' END,
    '', '', '', '', '',
    CASE WHEN o.stage NOT IN ({not_done}) THEN '1Z' || o.id ELSE '' END, o.first_seen_at, o.first_seen_at,
    CASE WHEN o.stage NOT IN ({not_done}) THEN o.first_seen_at ELSE NULL END, o.id, {values}
FROM orders_order o
"""
PACKAGES = """
INSERT INTO orders_package (order_id, wo_number, global_order_no, tracking_number, shipped, wid, logistics_type_id,
    logistics_name, carrier_name, ignored, read_at)
SELECT o.id, 'WO' || o.id, '', '1Z' || o.id, TRUE, '50', '', 'Ground', 'UPS', '', o.first_seen_at FROM orders_order o
WHERE o.stage IN ('shipped', 'invoiced')
"""


def seed(total: int) -> None:
    """Make ``total`` orders with their deliveries and packages, three per cent of them open."""
    from django.db import connection

    postgresql = connection.vendor == "postgresql"
    words: dict[str, Any] = {
        "total": total,
        "ago": f"(now() - ({total} - n) * interval '20 seconds')" if postgresql
        else f"strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || (({total} - n) * 20) || ' seconds')",
        "series": f"generate_series(1, {total}) n" if postgresql else
        f"(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {total}) SELECT n FROM s)",
    }  # fmt: skip
    with connection.cursor() as cursor:
        sql = ORDERS
        if postgresql:
            sql = sql.replace("{text}(", "(").replace("(1000000000 + n)", "(1000000000 + n)::text")
            sql = sql.replace("(1000012345 + n % 7)", "(1000012345 + n % 7)::text")
            for days in (1, 3, 20, 9):
                sql = sql.replace(f"{{days}}({days})", f"interval '{days} days'")
        else:
            sql = sql.replace("{text}(1000000000 + n)", "CAST(1000000000 + n AS TEXT)")
            sql = sql.replace("{text}(1000012345 + n % 7)", "CAST(1000012345 + n % 7 AS TEXT)")
            for days in (1, 3, 20, 9):
                sql = sql.replace(f"{{ago}} + {{days}}({days})", f"datetime({{ago}}, '+{days} days')")
        cursor.execute(sql.format(**words))
        for kind, (table, columns, values, stages) in DELIVERIES.items():
            not_done = ", ".join(f"'{stage}'" for stage in stages.split(","))
            cursor.execute(
                DELIVERY.format(
                    table=table, kind=kind, columns=columns, values=values.replace("{{}}", "{}"), not_done=not_done
                )
            )
        cursor.execute(PACKAGES)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def measure(name: str, call: Any, times: int = 7) -> float:
    """Print and return the median milliseconds of a call that was made once before."""
    call()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        taken.append((time.perf_counter() - started) * 1000)
    median = statistics.median(taken)
    print(f"{name:<44} {median:8.1f} ms   (worst {max(taken):.1f})")
    return median


def main(total: int) -> None:
    """Seed and measure."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from django.contrib.auth.models import User
    from django.core.cache import cache
    from django.core.management import call_command
    from django.test import Client
    from django.urls import reverse

    from integrations.bulk import bulk_action, carry_out, prepare, preview
    from integrations.models import BulkRun
    from orders import worklists
    from orders.models import ErpPush, Order

    call_command("migrate", verbosity=0)
    if not Order.objects.exists():
        started = time.perf_counter()
        seed(total)
        print(f"seeded {total:,} orders in {time.perf_counter() - started:.0f} s")
    user, _made = User.objects.get_or_create(username="boss", defaults={"is_staff": True, "is_superuser": True})
    browser = Client()
    browser.force_login(user)
    page = reverse("admin:orders_order_changelist")

    def opened(**query: Any) -> Any:
        answer = browser.get(page, query)
        assert answer.status_code == 200
        return answer

    some = Order.objects.order_by("pk")[total // 2]
    measure("order list", opened)
    measure("exact id", lambda: opened(q=some.dsco_order_id))
    measure("exact PO number", lambda: opened(q=some.po_number))
    measure("exact tracking number", lambda: opened(q=f"1Z{some.pk}"))
    measure("a number that does not exist", lambda: opened(q="nothing-has-this"))
    many = " ".join(Order.objects.order_by("-pk").values_list("dsco_order_id", flat=True)[:500])
    measure("500 ids", lambda: opened(q=many))
    for worklist in worklists.WORKLISTS:
        measure(f"tab {worklist.name}", lambda name=worklist.name: opened(worklist=name))
    measure("counts of all tabs (uncached)", worklists.count_now)
    measure("order list, counts not cached", lambda: (cache.clear(), opened()))
    for query in ({"stage__exact": "invoiced"}, {"retailer": "1000012347"}, {"mark": "held"}, {"p": "150"}):
        measure(f"list with {query}", lambda query=query: opened(**query))
    measure("deliveries: ERP pushes", lambda: browser.get(reverse("admin:orders_erppush_changelist")))
    rows = Order.objects.filter(pk__lte=Order.objects.order_by("pk")[min(100_000, total) - 1].pk)
    action = bulk_action("hold")
    started = time.perf_counter()
    seen = preview(action, "order", rows, user)
    print(f"preview of {seen.total:,} rows: {time.perf_counter() - started:.2f} s")
    started = time.perf_counter()
    run = prepare("hold", "order", rows, {"reason": "Measured"}, user)
    print(f"prepare {run.total:,} rows: {time.perf_counter() - started:.2f} s")
    pushes = ErpPush.objects.filter(pk__lte=ErpPush.objects.order_by("pk")[min(20_000, total) - 1].pk)
    pushes.filter(status="succeeded").update(status="failed", due_at=None)
    run = prepare("retry", "erp_push", pushes, {}, user)
    started = time.perf_counter()
    carry_out(run.pk)
    run = BulkRun.objects.get(pk=run.pk)
    seconds = time.perf_counter() - started
    print(f"carry out {run.changed:,} retries: {seconds:.1f} s ({run.changed / seconds:,.0f} rows/s)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)

"""Very many orders by plain SQL: two and a half lines, four deliveries and ten attempts for each."""

from __future__ import annotations

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

# Two or three of each: two and a half million lines, ten million attempts, as many as an order's way makes.
LINES = """
INSERT INTO orders_orderline (position, line_number, dsco_item_id, sku, partner_sku, upc, ean, title, quantity,
    cancelled_quantity, cancel_requested, expected_cost, warehouse_code, erp_sku, order_id)
SELECT p.n, p.n + 1, '', 'SKU-' || (o.id % 5000), '', '', '', 'A lamp', 1 + p.n, 0, FALSE, 12.50, 'EAST', '', o.id
FROM orders_order o JOIN (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2) p ON p.n < 2 + o.id % 2
"""
ATTEMPTS = """
INSERT INTO integrations_attempt (kind, delivery_id, action, started_at, duration_ms, outcome, error_kind, error_code,
    message, vendor_request_id, actor)
SELECT '{kind}', d.id, 'send', d.created_at, 200, CASE WHEN p.n = 2 THEN 'failed' ELSE 'succeeded' END, '', '',
    '', '', ''
FROM {table} d JOIN (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2) p ON p.n < 2 + d.id % 2
"""
EVENTS = """
INSERT INTO orders_orderevent (kind, at, text, actor, order_id)
SELECT 'remote', o.first_seen_at, 'Seen at DSCO', '', o.id FROM orders_order o
"""


def seed(total: int) -> None:
    """Make ``total`` orders with lines, deliveries, attempts and packages, three per cent of them open."""
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
            cursor.execute(ATTEMPTS.format(table=table, kind=kind))
        for sql in (PACKAGES, LINES, EVENTS):
            cursor.execute(sql)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if postgresql and not connection.in_atomic_block else "ANALYZE")

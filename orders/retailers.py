"""Which retailers there are."""

from __future__ import annotations

from django.db import connection

from .models import RetailerPolicy

# One probe of the index for each retailer instead of DISTINCT over the table.
KNOWN_RETAILERS = """
    WITH RECURSIVE known(retailer_id) AS (
        SELECT min(retailer_id) FROM orders_order WHERE retailer_id > ''
        UNION ALL
        SELECT (SELECT min(retailer_id) FROM orders_order WHERE retailer_id > known.retailer_id)
        FROM known WHERE known.retailer_id IS NOT NULL
    )
    SELECT retailer_id, (
        SELECT retailer_name FROM orders_order WHERE orders_order.retailer_id = known.retailer_id
        ORDER BY first_seen_at DESC, id DESC LIMIT 1)
    FROM known WHERE retailer_id IS NOT NULL
"""


def known_retailers() -> dict[str, str]:
    """Return every retailer that has a policy or an order, with its name: two queries."""
    with connection.cursor() as cursor:
        cursor.execute(KNOWN_RETAILERS)
        names = {retailer_id: name or retailer_id for retailer_id, name in cursor.fetchall()}
    for retailer_id, name in RetailerPolicy.objects.values_list("retailer_id", "name"):
        names[retailer_id] = name or names.get(retailer_id, retailer_id)
    return dict(sorted(names.items(), key=lambda item: item[1].lower()))

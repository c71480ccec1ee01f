"""What DSCO changed about an order: every payload that differed is kept, with the JSON paths that differ.

Paths look like ``lineItems[0].cancelledQuantity``; a list that grew or shrank names the items that came or went.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F

from integrations.following_rows import insert_for_each

from .models import Order, OrderVersion

# A payload that was replaced as a whole would name hundreds of paths; nobody reads them.
MOST_PATHS = 200
MISSING = object()

Difference = tuple[str, Any, Any]


def stored_payloads(order_ids: Sequence[int]) -> dict[int, Any]:
    """Return the payloads that are stored for these orders (primary keys): what the next ones are compared with."""
    if not order_ids:
        return {}
    return dict(Order.objects.filter(pk__in=order_ids).values_list("pk", "payload"))


def keep_versions(orders: Sequence[Order], before: Mapping[int, Any], now: datetime) -> None:
    """Keep the payloads of stored orders as versions: one insert for the new ones, one for the others.

    before: the payloads that they replace, by the order's primary key; an order without one is new.
    A payload in which nothing differs (written in another way) is no version.
    """
    new = [order.pk for order in orders if order.pk not in before]
    if new:  # the payload is not sent twice
        first = {"order_id": F("pk"), "received_at": now, "payload": F("payload")}
        insert_for_each(Order.objects.filter(pk__in=new), OrderVersion, first)
    versions = []
    for order in orders:
        paths = changed_paths(before[order.pk], order.payload) if order.pk in before else []
        if paths:
            versions.append(OrderVersion(order=order, received_at=now, payload=order.payload, changed=paths))
    OrderVersion.objects.bulk_create(versions)


def changed_paths(before: Any, after: Any) -> list[str]:
    """Return the paths that differ between two JSON documents, members in alphabetical order, at most MOST_PATHS."""
    found = []
    for path, _old, _new in differences(before, after):
        found.append(path)
        if len(found) == MOST_PATHS:
            break
    return found


def differences(before: Any, after: Any) -> Iterator[Difference]:
    """Yield (path, old value, new value) for what differs; MISSING stands for a value that is not there."""
    return _walk("", before, after)


def _walk(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):  # PostgreSQL does not keep the order of the members
            here = f"{path}.{key}" if path else str(key)
            yield from _walk(here, before.get(key, MISSING), after.get(key, MISSING))
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            old = before[index] if index < len(before) else MISSING
            new = after[index] if index < len(after) else MISSING
            yield from _walk(f"{path}[{index}]", old, new)
    elif before is MISSING or after is MISSING or type(before) is not type(after) or before != after:
        yield path, before, after

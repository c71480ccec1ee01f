"""Finding many orders at once by any of their numbers, and telling which numbers were not found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from .lookups import RELATED
from .models import Order, Shipment

# A number that very many orders carry (a PO number used as a default …) must not flood the list.
MOST_PER_NUMBER = 20
AT_LEAST = 200


@dataclass(slots=True)
class Found:
    """Primary keys of orders, newest first, and the numbers that no order carries."""

    ids: list[int] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def find(numbers: Sequence[str]) -> Found:
    """Return the orders that carry one of these numbers exactly.

    Numbers: DSCO order id, PO number, numbers in LingXing (platform, system, outbound order), tracking number,
    invoice number; the consumer's order number and DSCO's words for a shipment only for what was not found before.
    Each index is asked by itself, for what is still missing.
    """
    wanted = dict.fromkeys(numbers)
    limit = max(AT_LEAST, MOST_PER_NUMBER * len(wanted))
    ids: set[int] = set()
    missing = set(wanted)
    probes: list[tuple[QuerySet[Any], str, str]] = [
        (Order.objects.all(), "dsco_order_id", "pk"), (Order.objects.all(), "po_number", "pk"),
        *((model._default_manager.all(), column, "order__pk") for model, column in RELATED),
    ]  # fmt: skip
    for rows, column, key in probes:
        _probe(rows, column, key, list(wanted), limit, ids, missing)
    if missing:
        _probe(Order.objects.all(), "consumer_order_number", "pk", list(missing), limit, ids, missing)
    if missing:
        _probe(Shipment.objects.all(), "remote_reference", "order__pk", list(missing), limit, ids, missing)
    return Found(sorted(ids, reverse=True), [number for number in wanted if number in missing])


def _probe(
    rows: QuerySet[Any], column: str, key: str, numbers: list[str], limit: int, ids: set[int], missing: set[str]
) -> None:
    for pk, number in rows.filter(**{f"{column}__in": numbers}).order_by().values_list(key, column)[:limit]:
        ids.add(pk)
        missing.discard(number)

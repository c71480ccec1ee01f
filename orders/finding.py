"""Finding orders by whatever numbers a person has at hand, and telling which numbers no order carries.

Every probe uses an index, also with a million orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from django.db import connection
from django.db.models import Model, QuerySet

from .models import ErpPush, Invoice, Order, OrderErpLink, Package, Shipment

# A number that very many orders carry (a PO number used as a default …) must not flood the list.
MOST_PER_NUMBER = 20
AT_LEAST = 200

# Table, column of the number, way to the order.
Probe = tuple[type[Model], str, str]
NUMBERS: tuple[Probe, ...] = (
    (Order, "dsco_order_id", "pk"),
    (Order, "po_number", "pk"),
    (OrderErpLink, "erp_order__global_order_no", "order__pk"),
    (Package, "tracking_number", "order__pk"),
    (Package, "wo_number", "order__pk"),
    (ErpPush, "platform_order_no", "order__pk"),
    (Invoice, "invoice_id", "order__pk"),
)
# Asked only for what was not found before: the consumer's order number, DSCO's word for a shipment.
SELDOM_ASKED: tuple[Probe, ...] = (
    (Order, "consumer_order_number", "pk"),
    (Shipment, "remote_reference", "order__pk"),
)


@dataclass(slots=True)
class Found:
    """Primary keys of orders, newest first, and the numbers that no order carries."""

    ids: list[int] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def find(numbers: Sequence[str]) -> Found:
    """Return the orders that carry one of these numbers exactly.

    Numbers: DSCO order id, PO number, numbers in LingXing (platform, system, outbound order), tracking number,
    invoice number; the consumer's order number and DSCO's words for a shipment only for what was not found before.
    """
    wanted = [number for number in dict.fromkeys(numbers) if number]
    limit = max(AT_LEAST, MOST_PER_NUMBER * len(wanted))
    ids: set[int] = set()
    missing = wanted
    for probes in (NUMBERS, SELDOM_ASKED):
        if missing:
            rows = list(_carriers(probes, missing, limit))
            ids.update(pk for pk, _number in rows)
            known = {number for _pk, number in rows}
            missing = [number for number in missing if number not in known]
    return Found(sorted(ids, reverse=True), missing)


def find_orders(number: str) -> QuerySet[Order]:
    """Return the orders that carry this number (blanks around it do not matter), newest first, without payloads."""
    return Order.objects.filter(pk__in=find([number.strip()]).ids).defer("payload")


def _carriers(probes: Iterable[Probe], numbers: list[str], limit: int) -> Iterable[tuple[int, str]]:
    """Return order and number of what each index has, at most ``limit`` of each: one query where that can be said."""
    parts = [
        model._default_manager.filter(**{f"{column}__in": numbers}).order_by().values_list(key, column)[:limit]
        for model, column, key in probes
    ]
    if connection.features.supports_slicing_ordering_in_compound:
        return parts[0].union(*parts[1:], all=True)
    return chain.from_iterable(parts)

"""What LingXing's own order rows hold of an order, line by line, as they were last read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from integrations.lingxing.schemas import ErpOrderRow

from .erp_state import live_orders
from .models import ErpOrder, OrderLine
from .packages import shared_out


@dataclass(slots=True)
class ErpUnits:
    """Units by the line's primary key, and by ERP SKU what is on no line. Splits are added up."""

    by_line: Counter[int] = field(default_factory=Counter)
    unmatched: Counter[str] = field(default_factory=Counter)


def items_of(row: ErpOrderRow) -> list[dict[str, str | int]]:
    """Return the items of a row as they are stored: ``sku``, ``units`` and ``number``, the platform order number.

    A bundle is one item, its components are no items. ``number`` is "" where a merged order does not say whose it is.
    """
    only = row.platform_order_nos[0] if len(row.platform_order_nos) == 1 else ""
    return [
        {"sku": item.local_sku, "units": item.quantity, "number": item.platform_order_no or only}
        for item in row.items
        if not item.is_deleted
    ]


def units_in_erp(lines: Sequence[OrderLine], platform_order_no: str, erp_orders: Iterable[ErpOrder]) -> ErpUnits | None:
    """Return what the ERP orders that are alive hold of an order; None while LingXing was not asked for their items."""
    known = list(erp_orders)
    if not known or any(erp_order.items is None for erp_order in known):
        return None
    found = ErpUnits()
    left = {line.pk: line.open_quantity for line in lines}
    totals: Counter[str] = Counter()
    for item in (item for erp_order in live_orders(known) for item in erp_order.items or ()):
        if item["number"] == platform_order_no:
            totals[item["sku"]] += item["units"]
    for sku, units in totals.items():
        for line_pk, part in shared_out(lines, left, sku, units):
            if line_pk is None:
                found.unmatched[sku] += part
            else:
                found.by_line[line_pk] += part
    return found

"""DSCO's stock compared with what it was last told.

DSCO has no list of stock either: its change log says which items somebody else changed, and a few items of the
catalogue are read in turn every time. DSCO lowers figures by itself when it sells; that is no difference.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Sum

from integrations.deliveries.states import FINISHED
from integrations.dsco import DscoClient
from integrations.dsco.schemas import LogEntry
from inventory.mappings import SkuBook
from inventory.models import StockItem, StockUpdate

from ..models import OrderLine, Source
from ..reading import Reads, read_each
from . import facts as our
from .findings import Compared, Difference
from .troubles import unread_of

SAMPLE = 100
MOST_READ = 300


def changed_by_others(entries: Sequence[LogEntry]) -> list[str]:
    """Return the SKUs that were changed otherwise than by us: another way in, or after our last word."""
    told = {
        str(entry.payload.get("sku") or ""): entry
        for entry in sorted(entries, key=lambda entry: (entry.processed_at is not None, entry.processed_at))
    }
    items = {item.dsco_sku: item for item in StockItem.objects.filter(dsco_sku__in=list(told))}
    return sorted(
        sku
        for sku, entry in told.items()
        if sku in items and (entry.method != "api" or _figures(entry.payload) != items[sku].confirmed)
    )


def next_sample(after: int) -> tuple[list[str], int]:
    """Return SKUs whose turn it is and the bookmark after them; it starts again at the end of the catalogue."""
    items = list(StockItem.objects.filter(pk__gt=after).order_by("pk").values_list("pk", "dsco_sku")[:SAMPLE])
    return [sku for _pk, sku in items], items[-1][0] if len(items) == SAMPLE else 0


def examine(reads: Reads, client: DscoClient, skus: Collection[str], now: datetime) -> Compared:
    """Read these items' stock and compare; what cannot be read is left out. Raises VendorError when nothing can.

    Items whose stock is not synchronised (any more) may be changed by anybody: nothing differs there.
    """
    compared = Compared(Source.DSCO_STOCK)
    book = SkuBook.load(skus)
    compared.subjects = {sku for sku in skus if not book.for_stock(sku)}
    ours = set(skus) - compared.subjects
    items = list(StockItem.objects.filter(dsco_sku__in=ours, confirmed_at__lt=now - our.grace()))
    unfinished = StockUpdate.objects.filter(item__in=[item.pk for item in items]).exclude(status__in=FINISHED)
    busy = set(unfinished.values_list("item_id", flat=True))
    items = [item for item in items if item.pk not in busy and item.confirmed][:MOST_READ]
    read, failed = read_each(reads, lambda item: client.get_inventory(item.dsco_sku), items)
    compared.unread = unread_of((item.dsco_sku, error) for item, error in failed)
    for item, raw in read:
        compared.subjects.add(item.dsco_sku)
        if not _is_told(item, _figures(raw or {})):
            theirs = {"units": _figures(raw)} if raw else {}
            compared.differences.append(
                Difference("stock_differs", item.dsco_sku, None, {"units": item.confirmed}, theirs)
            )
    return compared


def _is_told(item: StockItem, there: dict[str, int]) -> bool:
    """DSCO may leave out warehouses at zero, and may have lowered the figures by what was ordered since."""
    if {code: units for code, units in there.items() if units} == {c: u for c, u in item.confirmed.items() if u}:
        return True
    if any(units > item.confirmed.get(code, 0) for code, units in there.items()):
        return False
    sold = OrderLine.objects.filter(sku=item.dsco_sku, order__first_seen_at__gte=item.confirmed_at)
    units_sold = sold.aggregate(units=Sum("quantity"))["units"] or 0
    return bool(sum(there.values()) >= sum(item.confirmed.values()) - units_sold)


def _figures(raw: dict[str, Any]) -> dict[str, int]:
    found = {}
    for one in raw.get("warehouses") or []:
        if isinstance(one, dict) and str(one.get("quantity") or 0).isdigit():
            found[str(one.get("code") or "")] = int(one.get("quantity") or 0)
    return found

"""Stock that DSCO was told of and that nobody counts any more: the mapping of a warehouse or of a SKU was removed.

DSCO goes on selling what it was told last. So an item without any SKU mapping is told 0, and a warehouse that stock is
no longer reported for stays in its items' bodies as 0: DSCO wants all warehouses of an item every time. What DSCO
itself does not have any more is forgotten, for it refuses a body that names it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction

from integrations.deliveries.states import State
from integrations.dsco import DscoClient
from integrations.errors import VendorError

from .mappings import SkuBook, WarehouseBook
from .models import StockItem, StockUpdate

MOST_LOOKED_UP = 50


@dataclass(slots=True)
class Retired:
    """codes: DSCO warehouses, and skus: DSCO SKUs, that DSCO was told figures of; selling: those of them of which it
    may still have more than 0.
    """

    codes: set[str] = field(default_factory=set)
    skus: set[str] = field(default_factory=set)
    selling: set[str] = field(default_factory=set)


def retired(skus: SkuBook, warehouses: WarehouseBook) -> Retired:
    """Return what DSCO was told of without being mapped now: one query."""
    found = Retired()
    reported = set(warehouses.stock_codes())
    told = StockItem.objects.exclude(confirmed={}).values_list("dsco_sku", "confirmed", "confirmed_at")
    for sku, confirmed, confirmed_at in told.iterator():
        if not skus.knows(sku):
            found.skus.add(sku)
            found.selling |= {sku} if confirmed_at is None or any(confirmed.values()) else set()
        elif skus.for_stock(sku):
            gone = confirmed.keys() - reported
            found.codes |= gone
            found.selling |= {code for code in gone if confirmed_at is None or confirmed[code]}
    return found


def forget_what_dsco_lacks(client: DscoClient, found: Retired) -> None:
    """Take out of ``found``, and of what DSCO is held to have, what it does not know itself any more.

    Asked only where something is retired. A vendor that can't be asked, or names no warehouse at all, proves nothing.
    """
    try:
        listed = {str(row.get("code")) for page in client.warehouse_pages() for row in page} if found.codes else set()
        lost_skus = [sku for sku in _refused(found.skus) if client.get_inventory(sku) is None]
    except VendorError:
        return
    lost_codes = found.codes - listed if listed else set()
    _forget(lost_codes, lost_skus)
    found.codes -= lost_codes
    found.skus -= set(lost_skus)
    found.selling -= lost_codes | set(lost_skus)


def _refused(skus: set[str]) -> list[str]:
    """Return those SKUs whose zero DSCO refused: it may not have the item any more."""
    failed = StockUpdate.objects.filter(item__dsco_sku__in=skus, status=State.FAILED).order_by("pk")
    return list(failed.values_list("item__dsco_sku", flat=True)[:MOST_LOOKED_UP]) if skus else []


def _forget(codes: set[str], skus: Iterable[str]) -> None:
    with transaction.atomic():
        rows = StockItem.objects.order_by("pk").select_for_update(no_key=True)
        changed = list(rows.filter(confirmed__has_any_keys=sorted(codes))) if codes else []
        for item in changed:
            item.confirmed = {code: units for code, units in item.confirmed.items() if code not in codes}
        StockItem.objects.bulk_update(changed, ["confirmed"], batch_size=500)
        for item in rows.filter(dsco_sku__in=list(skus)):
            item.confirmed, item.confirmed_at = {}, None
            item.save(update_fields=["confirmed", "confirmed_at"])

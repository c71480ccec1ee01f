"""What becomes of DSCO's stock when a mapping is removed, or taken out of stock: said before it is done.

What then happens is in ``inventory/retired.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from django.utils.translation import gettext as _

from .mappings import SkuBook, WarehouseBook
from .models import SkuMapping, StockItem, WarehouseMapping

M = TypeVar("M", WarehouseMapping, SkuMapping)


def warehouse_consequences(removed: Sequence[int], changed: Sequence[WarehouseMapping] = ()) -> list[str]:
    """Return what DSCO is told when these rows (primary keys) are removed and others are stored as ``changed``."""
    before, after = _before_and_after(list(WarehouseMapping.objects.order_by("id")), removed, changed)
    sentences = []
    for code in sorted({*WarehouseBook(before).stock_codes()} - {*WarehouseBook(after).stock_codes()}):
        told = StockItem.objects.filter(confirmed__has_key=code).values_list("confirmed", flat=True)
        number = sum(1 for figures in told if figures[code])
        if number:
            text = _(
                "DSCO was told stock in warehouse %(code)s (items: %(count)d). With the next synchronisation it is told"
                " 0 there, until the warehouse is mapped for stock again."
            )
            sentences.append(text % {"count": number, "code": code})
    return sentences


def sku_consequences(removed: Sequence[int], changed: Sequence[SkuMapping] = ()) -> list[str]:
    """Return what DSCO is told, or goes on selling, when these rows are removed and others stored as ``changed``."""
    touched = [*removed, *(row.pk for row in changed)]
    skus = set(SkuMapping.objects.filter(pk__in=touched).values_list("dsco_sku", flat=True))
    rows = list(SkuMapping.objects.filter(dsco_sku__in=skus).order_by("id"))
    book, later = (SkuBook(side) for side in _before_and_after(rows, removed, changed))
    told = StockItem.objects.filter(dsco_sku__in=skus).values_list("dsco_sku", "confirmed")
    selling = {sku for sku, confirmed in told if any(confirmed.values())}
    unmapped = sum(1 for sku in selling if not later.knows(sku))
    left = sum(1 for sku in selling if later.knows(sku) and book.for_stock(sku) and not later.for_stock(sku))
    sentences = []
    if unmapped:
        text = _(
            "DSCO was told stock of SKUs that have no mapping then (items: %(count)d). With the next synchronisation it"
            " is told 0: no order for them could be pushed."
        )
        sentences.append(text % {"count": unmapped})
    if left:
        text = _(
            "DSCO was told stock (items: %(count)d) and goes on selling the last figure, whatever becomes of the stock:"
            " somebody else must keep it. To have nothing sold, leave the tick and set the upper limit to 0."
        )
        sentences.append(text % {"count": left})
    return sentences


def _before_and_after(rows: list[M], removed: Sequence[int], changed: Sequence[M]) -> tuple[list[M], list[M]]:
    new = {row.pk: row for row in changed}
    return rows, [new.get(row.pk, row) for row in rows if row.pk not in set(removed)]

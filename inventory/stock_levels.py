"""Stock as LingXing shows it: rows added up per warehouse and SKU, and kept as last read in full."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from integrations.lingxing.schemas import InventoryRow

from .models import StockLevel
from .targets import Level, Levels

CHUNK = 2000
FIGURES = ["available", "locked", "total", "third_party_sellable"]


def add_up(rows: Iterable[InventoryRow]) -> dict[tuple[str, str], Level]:
    """Add up the rows of each warehouse and SKU (LingXing lists one per owner and label), comparing SKUs exactly.

    The third party's figure is unknown as soon as one row does not have it.
    """
    levels: dict[tuple[str, str], Level] = {}
    for row in rows:
        before = levels.get((row.wid, row.sku), Level(third_party_sellable=0))
        known = before.third_party_sellable is not None and row.third_party_sellable is not None
        sellable = (before.third_party_sellable or 0) + (row.third_party_sellable or 0)
        levels[row.wid, row.sku] = Level(
            available=before.available + row.product_valid_num,
            locked=before.locked + (row.product_lock_num or 0),
            total=before.total + (row.product_total or 0),
            third_party_sellable=sellable if known else None,
        )
    return levels


def stored(wids: Iterable[str], erp_skus: Iterable[str]) -> dict[tuple[str, str], Level]:
    """Return the figures of these SKUs in these warehouses as last read in full."""
    rows = StockLevel.objects.filter(wid__in=set(wids), erp_sku__in=set(erp_skus))
    return {(row.wid, row.erp_sku): Level(**{name: getattr(row, name) for name in FIGURES}) for row in rows}


def keep(levels: Levels, read_at: datetime) -> None:
    """Make the stored stock levels those of a complete read: only differences are written, vanished rows go.

    A product whose SKU does not fit the column can't be mapped either, and stops nothing.
    """
    longest = StockLevel._meta.get_field("erp_sku").max_length or 0
    levels = {key: level for key, level in levels.items() if len(key[1]) <= longest}
    with transaction.atomic():
        stored = {(row.wid, row.erp_sku): row for row in StockLevel.objects.all()}
        changed = [
            StockLevel(wid=key[0], erp_sku=key[1], read_at=read_at, **_figures(level))
            for key, level in levels.items()
            if key not in stored or _figures(stored[key]) != _figures(level)
        ]
        gone = [row.pk for key, row in stored.items() if key not in levels]
        for start in range(0, len(gone), CHUNK):
            StockLevel.objects.filter(pk__in=gone[start : start + CHUNK]).delete()
        StockLevel.objects.bulk_create(
            changed, batch_size=CHUNK,
            update_conflicts=True, unique_fields=["wid", "erp_sku"], update_fields=[*FIGURES, "read_at"],
        )  # fmt: skip
        StockLevel.objects.update(read_at=read_at)


def _figures(level: Level | StockLevel) -> dict[str, int | None]:
    return {name: getattr(level, name) for name in FIGURES}

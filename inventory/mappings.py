"""The one place where a DSCO SKU and a DSCO warehouse code are resolved to LingXing's.

Both books are loaded with one query and answer from memory, however many lines they are asked about.
Codes are compared exactly: ``ab-1`` and ``AB-1`` are different items in LingXing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Self

from django.db.models import QuerySet

from .models import SkuMapping, WarehouseMapping


class SkuBook:
    """Which ERP SKUs a DSCO SKU means: one for orders, one or several for stock."""

    def __init__(self, mappings: Iterable[SkuMapping]) -> None:
        self._for_order: dict[str, str] = {}
        self._for_stock: dict[str, list[SkuMapping]] = defaultdict(list)
        self._dsco_skus: set[str] = set()
        self._erp_skus: set[str] = set()
        for mapping in mappings:
            self._dsco_skus.add(mapping.dsco_sku)
            self._erp_skus.add(mapping.erp_sku)
            if mapping.for_orders:
                self._for_order[mapping.dsco_sku] = mapping.erp_sku
            if mapping.sync_stock:
                self._for_stock[mapping.dsco_sku].append(mapping)

    @classmethod
    def load(cls, dsco_skus: Iterable[str] | None = None) -> Self:
        """Read the mappings of these DSCO SKUs, or all of them."""
        rows = SkuMapping.objects.order_by("id")
        return cls(rows if dsco_skus is None else rows.filter(dsco_sku__in=set(dsco_skus)))

    @staticmethod
    def mapped_for_orders() -> QuerySet[SkuMapping]:
        """Return the rows whose DSCO SKU ``for_order`` knows, for questions that the database answers."""
        return SkuMapping.objects.filter(for_orders=True)

    def for_order(self, dsco_sku: str) -> str | None:
        """Return the ERP SKU that an order line with this DSCO SKU is created with, or None."""
        return self._for_order.get(dsco_sku)

    def for_stock(self, dsco_sku: str) -> list[SkuMapping]:
        """Return the mappings whose stock adds up to this DSCO SKU's; none when it is not synchronised."""
        return self._for_stock.get(dsco_sku, [])

    def stock_skus(self) -> list[str]:
        """Return the DSCO SKUs whose stock is synchronised."""
        return list(self._for_stock)

    def knows(self, dsco_sku: str) -> bool:
        """Return whether some loaded mapping, synchronised or not, names this DSCO SKU."""
        return dsco_sku in self._dsco_skus

    def knows_erp_sku(self, erp_sku: str) -> bool:
        """Return whether some loaded mapping, synchronised or not, names this ERP SKU."""
        return erp_sku in self._erp_skus


class WarehouseBook:
    """Which LingXing warehouses a DSCO warehouse code means: one for orders, one or several for stock."""

    def __init__(self, mappings: Iterable[WarehouseMapping]) -> None:
        self._for_order: dict[str, str] = {}
        self._for_stock: dict[str, list[WarehouseMapping]] = {}
        self._codes_of: dict[str, list[str]] = {}
        self.counted_elsewhere: list[WarehouseMapping] = []
        counted: set[str] = set()
        for mapping in mappings:
            self._for_order.setdefault(mapping.dsco_code, mapping.wid)
            self._codes_of.setdefault(mapping.wid, []).append(mapping.dsco_code)
            if not mapping.sync_stock:
                continue
            rows = self._for_stock.setdefault(mapping.dsco_code, [])
            if mapping.wid in counted:
                # The same shelf under a second code: counted once, else DSCO's total would be sold twice.
                self.counted_elsewhere.append(mapping)
            else:
                counted.add(mapping.wid)
                rows.append(mapping)

    @classmethod
    def load(cls) -> Self:
        """Read all warehouse mappings."""
        return cls(WarehouseMapping.objects.order_by("id"))

    def for_order(self, code: str) -> str | None:
        """Return the id (``wid``) of the LingXing warehouse that orders for this code go to, or None."""
        return self._for_order.get(code)

    def for_stock(self, code: str) -> list[WarehouseMapping]:
        """Return the mappings whose stock adds up to this code's, oldest first.

        A LingXing warehouse that several codes name is counted for the first of them only; the others
        stand in ``counted_elsewhere``.
        """
        return self._for_stock.get(code, [])

    def codes(self) -> list[str]:
        """Return all mapped DSCO warehouse codes."""
        return list(self._for_order)

    def stock_codes(self) -> list[str]:
        """Return the DSCO warehouse codes that stock is reported for."""
        return list(self._for_stock)

    def stock_wids(self) -> list[str]:
        """Return the ids of the LingXing warehouses that are read for stock, each once."""
        return [mapping.wid for rows in self._for_stock.values() for mapping in rows]

    def dsco_code_of(self, wid: str) -> str | None:
        """Return the DSCO code of a LingXing warehouse where exactly one names it, else None."""
        codes = self._codes_of.get(wid, [])
        return codes[0] if len(codes) == 1 else None

    def place_of(self, code: str) -> str:
        """Return the stock code whose figure holds the units of orders for ``code``, or "" when none does."""
        if self._for_stock.get(code):
            return code
        wid = self._for_order.get(code)
        return next(
            (place for place, rows in self._for_stock.items() for mapping in rows if mapping.wid == wid),
            "",
        )

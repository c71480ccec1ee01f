"""Stock per warehouse and SKU: several rows are possible, and orders lock and take quantities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]


class Stock:
    """Stock rows by (wid, sku). The counts of a row are whole numbers; `product_total` always is their sum."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], list[Row]] = {}
        self._locks: dict[str, list[tuple[Row, int]]] = {}

    def set_level(
        self,
        wid: str,
        sku: str,
        product_id: int,
        available: int,
        seller_id: str = "0",
        bad: int = 0,
        in_inspection: int = 0,
        third_party: Mapping[str, int] | None = None,
    ) -> Row:
        """Sets the row of this seller; what is locked stays locked. `third_party`: the overseas warehouse's figures."""
        rows = self.rows.setdefault((wid, sku), [])
        row = next((row for row in rows if row["seller_id"] == seller_id), None)
        if row is None:
            row = {"wid": wid, "product_id": product_id, "sku": sku, "seller_id": seller_id, "fnsku": ""}
            row["product_lock_num"] = 0
            rows.append(row)
        row.update(product_valid_num=available, product_bad_num=bad, product_qc_num=in_inspection)
        row["third_inventory"] = dict(third_party) if third_party is not None else row.get("third_inventory")
        _add_up(row)
        return row

    def lock(self, order: str, wid: str, needs: Mapping[str, int]) -> dict[str, int]:
        """Locks stock for an order and returns what could not be locked (sku → units)."""
        short: dict[str, int] = {}
        for sku, wanted in needs.items():
            left = wanted
            for row in self.rows.get((wid, sku), []):
                units = min(left, row["product_valid_num"])
                if units > 0:
                    _move(row, valid=-units, locked=units)
                    self._locks.setdefault(order, []).append((row, units))
                    left -= units
            if left:
                short[sku] = left
        return short

    def release(self, order: str) -> None:
        """Gives back everything the order had locked."""
        for row, units in self._locks.pop(order, []):
            _move(row, valid=units, locked=-units)

    def take(self, order: str, wid: str, needs: Mapping[str, int]) -> None:
        """Ships: takes units out of the order's locks, and what was not locked out of the free stock."""
        left = dict(needs)
        kept: list[tuple[Row, int]] = []
        for row, units in self._locks.pop(order, []):
            taken = min(units, left.get(row["sku"], 0))
            if taken:
                _move(row, valid=0, locked=-taken)
                left[row["sku"]] -= taken
            if units > taken:
                kept.append((row, units - taken))
        if kept:
            self._locks[order] = kept
        for sku, units in left.items():
            rest = units
            for row in self.rows.get((wid, sku), []):
                taken = min(rest, row["product_valid_num"])
                _move(row, valid=-taken, locked=0)
                rest -= taken

    def listed(self, wids: set[str], sku: str) -> list[Row]:
        """The rows of these warehouses (all when empty) whose SKU contains the text, whatever its case."""
        wanted = sku.casefold()
        return [
            row
            for (wid, name), rows in self.rows.items()
            if (not wids or wid in wids) and wanted in name.casefold()
            for row in rows
        ]


def _move(row: Row, valid: int, locked: int) -> None:
    row["product_valid_num"] += valid
    row["product_lock_num"] += locked
    third = row["third_inventory"]
    if third is not None:
        third["qty_sellable"] = max(0, third.get("qty_sellable", 0) + valid)
        third["qty_reserved"] = max(0, third.get("qty_reserved", 0) + locked)
    _add_up(row)


def _add_up(row: Row) -> None:
    counts = ("product_valid_num", "product_bad_num", "product_qc_num", "product_lock_num")
    row["product_total"] = sum(row[name] for name in counts)

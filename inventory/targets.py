"""What DSCO should be told: pure functions from stock figures to quantities, no database and no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .mappings import SkuBook, WarehouseBook
from .models import SkuMapping, StockSource
from .reservations import Reservations

Quantities = dict[str, int]


@dataclass(frozen=True, slots=True)
class Level:
    """The figures of one ERP SKU in one ERP warehouse; ``third_party_sellable`` None is unknown."""

    available: int = 0
    locked: int = 0
    total: int = 0
    third_party_sellable: int | None = None


Levels = Mapping[tuple[str, str], Level]  # (wid, ERP SKU)
NOTHING_THERE = Level(third_party_sellable=0)


def item_target(
    available: Mapping[str, int], reserved: Mapping[str, int], *, buffer: int = 0, cap: int | None = None
) -> Quantities:
    """Return what may be sold of an item, by DSCO warehouse code; never below 0.

    Units that are reserved in a warehouse come from that one only (``available`` decides which exist);
    units reserved without a known warehouse, and the safety buffer (once per item), come from the fullest
    warehouse, then from the next. ``cap`` limits the sum; what is above it goes from the emptiest first.
    """
    quantities = {code: max(0, units - max(0, reserved.get(code, 0))) for code, units in available.items()}
    unplaced = sum(units for code, units in reserved.items() if code not in available)
    fullest_first = sorted(quantities, key=lambda code: (-quantities[code], code))
    _take(quantities, max(0, unplaced) + buffer, fullest_first)
    if cap is not None:
        emptiest_first = sorted(quantities, key=lambda code: (quantities[code], code))
        _take(quantities, sum(quantities.values()) - cap, emptiest_first)
    return quantities


def _take(quantities: Quantities, units: int, order: Sequence[str]) -> None:
    for code in order:
        taken = max(0, min(quantities[code], units))
        quantities[code] -= taken
        units -= taken


def whole_target(computed: Mapping[str, int] | None, told: Iterable[str]) -> Quantities:
    """Return what DSCO is to be told: what was computed, and 0 for every other warehouse that it was told of.

    None (a figure is unknown, or nobody wants the item told) stays nothing at all: {}.
    """
    return {} if computed is None else {**dict.fromkeys(told, 0), **computed}


def available_units(mappings: Sequence[SkuMapping], warehouses: WarehouseBook, levels: Levels) -> Quantities | None:
    """Add up an item's stock by DSCO warehouse code; None when a figure that belongs to it is unknown.

    Every warehouse was read in full, so a SKU that it does not list is not there: 0, not unknown.
    """
    quantities = dict.fromkeys(warehouses.stock_codes(), 0)
    for code in quantities:
        for warehouse in warehouses.for_stock(code):
            for erp_sku in {mapping.erp_sku for mapping in mappings}:
                level = levels.get((warehouse.wid, erp_sku), NOTHING_THERE)
                third_party = warehouse.stock_source == StockSource.THIRD_PARTY
                units = level.third_party_sellable if third_party else level.available
                if units is None:
                    return None
                quantities[code] += units
    return quantities


def targets(
    skus: SkuBook, warehouses: WarehouseBook, levels: Levels, reservations: Reservations
) -> dict[str, Quantities | None]:
    """Return the target of every synchronised DSCO SKU; None where a figure is unknown.

    The buffers of several mappings of one DSCO SKU add up, of their upper limits the smallest counts.
    """
    found: dict[str, Quantities | None] = {}
    for dsco_sku in skus.stock_skus():
        mappings = skus.for_stock(dsco_sku)
        available = available_units(mappings, warehouses, levels)
        caps = [mapping.stock_cap for mapping in mappings if mapping.stock_cap is not None]
        found[dsco_sku] = available if available is None else item_target(
            available, reservations.of_item(dsco_sku),
            buffer=sum(mapping.stock_buffer for mapping in mappings), cap=min(caps, default=None),
        )  # fmt: skip
    return found

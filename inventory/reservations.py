"""Units that are sold at DSCO but not in the ERP yet, so that LingXing's figures still contain them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from .mappings import SkuBook, WarehouseBook

# (DSCO SKU, DSCO warehouse code or ""): units
Units = Mapping[tuple[str, str], int]
_providers: list[Callable[[], Units]] = []


def register_reservations(provider: Callable[[], Units]) -> Callable[[], Units]:
    """Announce a function that knows reserved units: ``{(dsco_sku, dsco_warehouse_code or ""): units}``.

    The layers above announce theirs, so that stock need not know what an order is.
    """
    if provider not in _providers:
        _providers.append(provider)
    return provider


def reserved_units() -> dict[tuple[str, str], int]:
    """Return what all providers reserve, added up."""
    units: Counter[tuple[str, str]] = Counter()
    for provider in _providers:
        units.update(provider())
    return dict(units)


def larger_of(earlier: Units, later: Units) -> dict[tuple[str, str], int]:
    """Return the larger figure of two moments.

    Stock is read between them: an order that enters the ERP meanwhile may be missing in the figures read,
    one that arrives meanwhile is known only afterwards. Counting too much for one pass oversells nothing.
    """
    return {key: max(earlier.get(key, 0), later.get(key, 0)) for key in {*earlier, *later}}


class Reservations:
    """Reserved units, as they reduce the stock of each DSCO item.

    Two DSCO SKUs may sell the same ERP SKU: an order for one of them takes from both.
    """

    def __init__(self, units: Units, skus: SkuBook, warehouses: WarehouseBook) -> None:
        self._skus = skus
        self._by_erp_sku: dict[str, Counter[str]] = {}
        self._unmapped: dict[str, Counter[str]] = {}
        for (dsco_sku, code), number in units.items():
            erp_sku = skus.for_order(dsco_sku)
            book, key = (self._unmapped, dsco_sku) if erp_sku is None else (self._by_erp_sku, erp_sku)
            book.setdefault(key, Counter())[warehouses.place_of(code)] += number

    def of_item(self, dsco_sku: str) -> dict[str, int]:
        """Return the units that are not for sale any more, by DSCO warehouse code ("": no known warehouse)."""
        erp_skus = {mapping.erp_sku for mapping in self._skus.for_stock(dsco_sku)}
        erp_skus |= {own} if (own := self._skus.for_order(dsco_sku)) else set()
        total: Counter[str] = Counter(self._unmapped.get(dsco_sku, {}))
        for erp_sku in erp_skus:
            total.update(self._by_erp_sku.get(erp_sku, {}))
        return dict(total)

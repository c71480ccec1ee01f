"""Where DSCO's codes of an order become LingXing's ids. Nothing else resolves a mapping."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from integrations.sentences import Sentence, joined
from integrations.sentences import gettext as _
from inventory.mappings import SkuBook, WarehouseBook

from .models import Order, OrderLine, ShippingMapping, StoreMapping

ANY = "*"


@dataclass(frozen=True, slots=True)
class UnmappedCode:
    """A code without a mapping: what kind, which code, and what staff should do."""

    code: str
    value: str
    message: str


class UnmappedCodes(Exception):
    """One or more codes of an order have no mapping."""

    def __init__(self, missing: list[UnmappedCode]) -> None:
        self.missing = missing
        super().__init__(joined(item.message for item in missing))

    @property
    def code(self) -> str:
        """The reason code of the delivery that is parked: that of the first missing mapping."""
        return self.missing[0].code


@dataclass(slots=True)
class Resolved:
    """An order's LingXing side: ``wid`` and ``logistics_type_id`` are both given or both empty."""

    store_id: str
    wid: str = ""
    logistics_type_id: str = ""
    erp_skus: dict[int, str] = field(default_factory=dict)


class MappingBook:
    """The mappings that a set of orders needs, read at once."""

    def __init__(
        self,
        stores: dict[str, str],
        skus: SkuBook,
        warehouses: WarehouseBook,
        shipping: dict[tuple[str, str], ShippingMapping],
    ) -> None:
        self._stores = stores
        self._skus = skus
        self._warehouses = warehouses
        self._shipping = shipping

    @classmethod
    def load(cls, orders: Sequence[Order]) -> MappingBook:
        """Read what these orders (with ``lines`` prefetched) can need."""
        return cls.load_for(
            {order.retailer_id for order in orders}, {line.sku for order in orders for line in order.lines.all()}
        )

    @classmethod
    def load_for(cls, retailer_ids: Iterable[str], skus: Iterable[str] | None) -> MappingBook:
        """Read the mappings of these retailers and DSCO SKUs (None: of all SKUs), and all other mappings."""
        stores = StoreMapping.objects.filter(retailer_id__in=set(retailer_ids))
        return cls(
            dict(stores.values_list("retailer_id", "store__store_id")),
            SkuBook.load(skus),
            WarehouseBook.load(),
            {(row.warehouse_code, row.service_level): row for row in ShippingMapping.objects.all()},
        )

    def resolve(self, order: Order, lines: Iterable[OrderLine]) -> Resolved:
        """Return the order's LingXing side, or raise UnmappedCodes with everything that is missing."""
        missing: list[UnmappedCode] = []
        resolved = Resolved(self._stores.get(order.retailer_id, ""))
        if not resolved.store_id:
            missing.append(_missing("unmapped_store", order.retailer_id, _("Retailer {} has no store mapping.")))
        for line in lines:
            erp_sku = self._skus.for_order(line.sku) if line.sku else None
            if erp_sku:
                resolved.erp_skus[line.position] = erp_sku
            else:
                missing.append(_missing("unmapped_sku", line.sku or line.partner_sku, _("SKU {} has no SKU mapping.")))
        missing += self._resolve_shipping(order, resolved)
        if missing:
            raise UnmappedCodes(missing)
        return resolved

    def erp_sku_of(self, line: OrderLine) -> str:
        """Return the ERP SKU that the line would be pushed with, or "" without a mapping."""
        return (self._skus.for_order(line.sku) or "") if line.sku else ""

    def shipping_for(self, logistics_type_id: str) -> ShippingMapping | None:
        """Return the one shipping mapping that means this LingXing method, or None when there is none or several."""
        rows = [row for row in self._shipping.values() if row.logistics_type_id == logistics_type_id]
        levels = {
            (row.report_carrier, row.report_method, row.report_service_level or row.service_level) for row in rows
        }
        return rows[0] if len(levels) == 1 else None

    def dsco_warehouse(self, wid: str) -> str | None:
        """Return the DSCO code of a LingXing warehouse, where exactly one means it."""
        return self._warehouses.dsco_code_of(wid)

    def knows_retailer(self, retailer_id: str) -> bool:
        """Return whether the retailer has a store."""
        return bool(self._stores.get(retailer_id))

    def knows_sku(self, sku: str) -> bool:
        """Return whether an order line with this DSCO SKU can be created."""
        return bool(sku and self._skus.for_order(sku))

    def shipping_of(self, warehouse: str, level: str, *, named: bool = True) -> tuple[str, str] | UnmappedCode:
        """Return (wid, logistics_type_id) for a warehouse code and ``service_level_of`` an order, or what is missing.

        Both are empty where LingXing chooses. named: the order itself names a service level.
        """
        if not warehouse:
            return "", ""  # the retailer leaves the warehouse to us: LingXing's own rules choose it
        wid = self._warehouses.for_order(warehouse)
        if not wid:
            return _missing("unmapped_warehouse", warehouse, _("Warehouse {} has no warehouse mapping."))
        exact = ((warehouse, level), (ANY, level)) if level else ()
        for key in (*exact, (warehouse, ANY), (ANY, ANY)):
            if key in self._shipping:
                return wid, self._shipping[key].logistics_type_id
        if not self._shipping or not named:
            return "", ""  # no code that could be mapped, or no mapping at all: LingXing chooses both at review
        sentence = _("Warehouse {} with service level {} has no shipping mapping.")
        return _missing("unmapped_shipping", f"{warehouse}|{level}", sentence, warehouse, level)

    def _resolve_shipping(self, order: Order, resolved: Resolved) -> list[UnmappedCode]:
        found = self.shipping_of(warehouse_of(order), service_level_of(order), named=bool(order.service_level))
        if isinstance(found, UnmappedCode):
            return [found]
        resolved.wid, resolved.logistics_type_id = found
        return []


def fill_erp_skus(orders: Sequence[Order]) -> None:
    """Store, on lines (prefetched) that no push of ours has given one, the ERP SKU that they would be pushed with.

    Orders that people made in LingXing: their packages are matched by it. One that is there stays, whatever the mapping
    says by now.
    """
    bare = [line for order in orders for line in order.lines.all() if not line.erp_sku]
    if not bare:
        return
    book = MappingBook.load(orders)
    for line in bare:
        line.erp_sku = book.erp_sku_of(line)
    OrderLine.objects.bulk_update([line for line in bare if line.erp_sku], ["erp_sku"], batch_size=500)


def warehouse_of(order: Order) -> str:
    """Return the DSCO warehouse code of an order (with ``lines`` prefetched): its own, else the one all lines name."""
    codes = {line.warehouse_code for line in order.lines.all()}
    return order.warehouse_code or (codes.pop() if len(codes) == 1 else "")


def service_level_of(order: Order) -> str:
    """Return the code under which an order's shipping is mapped: its service level, else carrier and method."""
    return order.service_level or f"{order.ship_carrier} {order.ship_method}".strip()


def _missing(code: str, value: str, sentence: Sentence, *named: str) -> UnmappedCode:
    advice = _("Add it under Mappings; the order then goes by itself.")
    shown = (each or _("(empty)") for each in named or (value,))
    return UnmappedCode(code, value, joined([sentence.format(*shown), advice]))

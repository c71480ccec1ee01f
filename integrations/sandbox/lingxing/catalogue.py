"""The master data of the stand-in: stores, warehouses, logistics methods, products, pairs of store and local SKUs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .stock import Stock


@dataclass
class Store:
    """A store of one platform. `sid` is "" for custom platforms; outbound orders show `warehouse_sid`."""

    store_id: str
    sid: str
    name: str
    platform_code: int
    currency: str
    warehouse_sid: int


@dataclass
class Warehouse:
    """A warehouse; `type` in the numbering of the warehouse list (1 local, 3 overseas, 4 Amazon, 6 AWD)."""

    wid: str
    type: int
    name: str
    deleted: bool = False


@dataclass
class LogisticsType:
    """A logistics method; overseas methods belong to one warehouse."""

    type_id: str
    name: str
    provider_type: int
    wid: str
    provider_id: str
    provider_name: str


@dataclass
class Product:
    """A local product; a bundle names its components (sku → units per bundle)."""

    sku: str
    product_id: int
    name: str
    components: dict[str, int] = field(default_factory=dict)


@dataclass
class Pair:
    """A store SKU and the local SKU behind it."""

    store_id: str
    msku: str
    sku: str
    modified_at: float


class Catalogue:
    """All master data, by id."""

    def __init__(self) -> None:
        self.stores: dict[str, Store] = {}
        self.warehouses: dict[str, Warehouse] = {}
        self.logistics_types: dict[str, LogisticsType] = {}
        self.products: dict[str, Product] = {}
        self.pairs: dict[tuple[str, str], Pair] = {}
        self.stock = Stock()

    def add_store(self, store_id: str, sid: str, name: str, platform_code: int, currency: str) -> Store:
        """Adds or replaces a store."""
        number = int(sid) if sid.isdigit() else 101 + len(self.stores)
        self.stores[store_id] = Store(store_id, sid, name or f"DSCO store {number}", platform_code, currency, number)
        return self.stores[store_id]

    def add_warehouse(self, wid: str, kind: int, name: str, deleted: bool = False) -> Warehouse:
        """Adds or replaces a warehouse."""
        self.warehouses[wid] = Warehouse(wid, kind, name or f"示例仓 {wid}", deleted)
        return self.warehouses[wid]

    def add_logistics_type(self, type_id: str, name: str, provider_type: int, wid: str, carrier: str) -> LogisticsType:
        """Adds or replaces a logistics method."""
        provider_id = str(6 + len(self.logistics_types))
        method = LogisticsType(type_id, name or f"Method {type_id}", provider_type, wid, provider_id, carrier)
        self.logistics_types[type_id] = method
        return method

    def add_product(self, sku: str, name: str, components: Mapping[str, int]) -> Product:
        """Adds or replaces a local product."""
        number = self.products[sku].product_id if sku in self.products else 22162 + len(self.products)
        self.products[sku] = Product(sku, number, name or f"示例商品 {sku}", dict(components))
        return self.products[sku]

    def pair(self, store_id: str, msku: str, sku: str, at: float) -> None:
        """Pairs a store SKU with a local SKU."""
        self.pairs[store_id, msku] = Pair(store_id, msku, sku, at)

    def local_sku(self, store_id: str, msku: str) -> str:
        """The local SKU behind a store SKU, "" when it is not paired."""
        pair = self.pairs.get((store_id, msku))
        return pair.sku if pair else ""

    def needs(self, lines: Mapping[str, int]) -> dict[str, int]:
        """What leaves the shelf for these lines: bundles are replaced by their components."""
        needs: dict[str, int] = {}
        for sku, units in lines.items():
            product = self.products.get(sku)
            parts = product.components if product and product.components else {sku: 1}
            for part, per_unit in parts.items():
                needs[part] = needs.get(part, 0) + units * per_unit
        return needs

    def default_warehouse(self) -> str:
        """The warehouse of an order that named none: the first live one."""
        return next((warehouse.wid for warehouse in self.warehouses.values() if not warehouse.deleted), "0")

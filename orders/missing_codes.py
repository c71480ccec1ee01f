"""Which codes the parked pushes of a cause lack a mapping for, with the number of orders that wait for each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.db.models import Model, QuerySet

from integrations.admin.records import list_address
from inventory.models import SkuMapping, WarehouseMapping

from .mappings import MappingBook, UnmappedCodes
from .models import ErpPush, ShippingMapping, StoreMapping

# Enough to find every code that many orders share; a page must stay fast with ten thousand parked orders.
MOST_LOOKED_AT = 500
# The table of each kind of mapping, and the columns that the missing code fills in.
TABLES: Final[dict[str, tuple[type[Model], tuple[str, ...]]]] = {
    "unmapped_sku": (SkuMapping, ("dsco_sku",)),
    "unmapped_store": (StoreMapping, ("retailer_id",)),
    "unmapped_warehouse": (WarehouseMapping, ("dsco_code",)),
    "unmapped_shipping": (ShippingMapping, ("warehouse_code", "service_level")),
    "no_carrier": (ShippingMapping, ()),
    "no_warehouse_code": (WarehouseMapping, ()),
}


@dataclass(frozen=True, slots=True)
class MissingCode:
    """A code without mapping: the reason code says of which kind; how many of the orders looked at lack it."""

    code: str
    value: str
    orders: int

    @property
    def model(self) -> type[Model]:
        """The table in which it is missing."""
        return TABLES[self.code][0]

    def add_address(self, come_back_to: str) -> str:
        """Return the page that adds the mapping, with the code filled in."""
        return add_address(self.code, self.value, come_back_to)


def add_address(code: str, value: str, come_back_to: str) -> str:
    """Return the page that adds a mapping; after saving it leads back to ``come_back_to`` (an address of ours)."""
    model, columns = TABLES[code]
    values = value.split("|", 1) if len(columns) > 1 else [value]
    filled = {column: text for column, text in zip(columns, values, strict=False) if text}
    return f"{list_address(model)}add/?{urlencode({**filled, 'next': come_back_to})}"


def missing_codes(pushes: QuerySet[ErpPush]) -> list[MissingCode]:
    """Return the codes that these pushes lack, most wanted first; at most MOST_LOOKED_AT pushes are looked at."""
    wanted = pushes.select_related("order").defer("order__payload").prefetch_related("order__lines")
    rows = list(wanted[:MOST_LOOKED_AT])
    book = MappingBook.load([push.order for push in rows])
    found: Counter[tuple[str, str]] = Counter()
    for push in rows:
        try:
            book.resolve(push.order, [line for line in push.order.lines.all() if line.open_quantity])
        except UnmappedCodes as problem:
            found.update({(item.code, item.value) for item in problem.missing})
    return [MissingCode(code, value, number) for (code, value), number in found.most_common()]

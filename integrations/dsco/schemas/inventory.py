"""Body of a stock update: the absolute quantities of one item in all of its warehouses."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt

from .outbound import Outbound

StockStatus = Literal["in-stock", "out-of-stock", "discontinued", "hidden"]


class InventoryWarehouse(Outbound):
    """The quantity in one of our warehouses; ``code`` as DSCO's warehouse list gives it."""

    code: str = Field(min_length=1)
    quantity: NonNegativeInt


class InventoryItem(Outbound):
    """One item. ``quantity_available``, where given, must be the exact sum of the warehouses."""

    sku: str = Field(min_length=1)
    status: StockStatus
    warehouses: list[InventoryWarehouse]
    quantity_available: NonNegativeInt | None = None

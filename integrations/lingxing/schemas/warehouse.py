"""Rows of the warehouse side: outbound orders (packages), inventory, and the master data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import AliasPath, Field, ValidationError, model_validator

from ...errors import TransientError
from ...sentences import gettext as _
from .fields import (
    ChosenIdentifier,
    Flag,
    Identifier,
    KeptChosenIdentifier,
    KeyIdentifier,
    KeyNumber,
    Moment,
    OptionalWhole,
    Quantity,
    RequiredIdentifier,
    Row,
    RowWithRaw,
    Status,
    Text,
    Texts,
    Whole,
)


class OutboundProduct(Row):
    """One product of a package. ``bundle_type`` 1 is a bundle, 2 its components: count one level only."""

    sku: Text = ""
    seller_sku: Text = ""
    count: Quantity
    bundle_type: OptionalWhole = None
    bundle_wod_id: ChosenIdentifier = ""
    wod_id: Identifier = ""
    platform_order_no: Text = ""
    global_item_no: Identifier = ""


class OutboundOrderRow(RowWithRaw):
    """One outbound order = one package. ``order_number`` is the system order's global_order_no.

    Deleted rows (status 4) are included: whoever counts packages leaves them out.
    """

    wo_number: KeyNumber
    order_number: KeyIdentifier
    platform_order_nos: Texts = Field(default_factory=list, validation_alias="platform_order_no")
    status: Status = None
    logistics_status: OptionalWhole = None
    tracking_no: Text = ""
    waybill_no: Text = ""
    wid: KeptChosenIdentifier = ""
    warehouse_type: OptionalWhole = None
    logistics_type_id: KeptChosenIdentifier = ""
    logistics_type_name: Text = ""
    logistics_provider_name: Text = ""
    actual_carrier: Text = ""
    order_from: Text = ""
    delivered_at: Moment = None
    stock_delivered_at: Moment = None
    create_at: Moment = None
    update_at: Moment = None
    products: list[OutboundProduct] = Field(default_factory=list, validation_alias="product_info")

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {"raw": value} | {key: item for key, item in value.items() if item not in (None, {})}


class InventoryRow(Row):
    """Stock of one SKU in one warehouse for one owner; several rows per warehouse and SKU add up.

    An absent available quantity makes the row unreadable: unknown is not zero.
    """

    wid: RequiredIdentifier
    sku: RequiredIdentifier
    product_valid_num: Whole
    product_total: OptionalWhole = None
    product_lock_num: OptionalWhole = None
    seller_id: Identifier = ""
    fnsku: Text = ""
    third_party_sellable: OptionalWhole = Field(
        default=None, validation_alias=AliasPath("third_inventory", "qty_sellable")
    )


@dataclass(frozen=True, slots=True)
class InventoryPage:
    """One page of stock; ``total`` is the number of rows of the whole read, where LingXing says it."""

    rows: list[InventoryRow]
    total: int | None


class WarehouseRow(Row):
    """A warehouse. ``type``: 1 local, 3 overseas, 4 Amazon, 6 AWD."""

    wid: RequiredIdentifier
    name: Text = ""
    type: OptionalWhole = None
    is_deleted: Flag = Field(default=False, validation_alias="is_delete")
    country_code: Text = ""
    wp_id: ChosenIdentifier = ""
    wp_name: Text = ""
    t_warehouse_code: Text = ""
    t_warehouse_name: Text = ""


class StoreRow(Row):
    """A store. ``sid`` is "" for stores of custom platforms."""

    store_id: RequiredIdentifier
    sid: ChosenIdentifier = ""
    store_name: Text = ""
    platform_code: OptionalWhole = None
    platform_name: Text = ""
    currency: Text = ""
    is_sync: Flag = False
    status: OptionalWhole = None


class PairRow(Row):
    """The pairing of a store's MSKU with a local SKU."""

    store_id: Identifier = ""
    store_name: Text = ""
    platform_code: OptionalWhole = None
    msku: Text = ""
    sku: Text = ""
    local_name: Text = ""


class LogisticsTypeRow(Row):
    """A logistics method; ``type_id`` is the ``logistics_type_id`` of an order. ``type`` is its provider type."""

    type_id: RequiredIdentifier
    name: Text = ""
    code: Text = ""
    is_used: Flag = False
    type: OptionalWhole = None
    logistics_provider_id: ChosenIdentifier = ""
    logistics_provider_name: Text = ""
    wid: ChosenIdentifier = ""


class TokenData(Row):
    """The answer of the two token calls. ``expires_in`` is in seconds."""

    access_token: RequiredIdentifier = Field(repr=False)
    refresh_token: Text = Field(default="", repr=False)
    expires_in: Whole

    @classmethod
    def read(cls, data: Any, operation: str) -> TokenData:
        """Return the token data, or raise TransientError when the reply holds none. Its text is never shown."""
        try:
            return cls.model_validate(data)
        except ValidationError:
            raise TransientError(
                _("The token reply holds no token."), vendor="lingxing", operation=operation, code="unreadable_reply"
            ) from None

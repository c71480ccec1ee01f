"""Rows of the order list: one per system order, of which a platform order may have several."""

from __future__ import annotations

from typing import Any

from pydantic import AliasPath, Field, model_validator

from .fields import (
    Flag,
    Identifier,
    KeptChosenIdentifier,
    KeptIdentifier,
    KeyIdentifier,
    Moment,
    OptionalWhole,
    Row,
    RowWithRaw,
    Status,
    Text,
    Texts,
    Whole,
    rows_of,
)

TAG_LISTS = ("order_tag", "exception_order_tag", "pending_order_tag")


class ErpOrderItem(Row):
    """One line of a system order. ``local_sku`` is "" while the line is not paired with a product."""

    platform_order_no: Text = ""
    order_item_no: Text = ""
    global_item_no: Identifier = ""
    msku: Text = ""
    local_sku: Text = ""
    quantity: Whole
    is_bundled: Flag = False
    is_deleted: Flag = Field(default=False, validation_alias="is_delete")


class ErpAddress(Row):
    """The receiver as the ERP keeps it; LingXing drops members that the account has not been granted."""

    receiver_name: Text = ""
    receiver_mobile: Text = ""
    receiver_tel: Text = ""
    receiver_country_code: Text = ""
    city: Text = ""
    state_or_region: Text = ""
    postal_code: Text = ""
    district: Text = ""
    address_line1: Text = ""
    address_line2: Text = ""
    address_line3: Text = ""
    doorplate_no: Text = ""
    company_name: Text = ""


class ErpOrderRow(RowWithRaw):
    """One system order. ``status`` is None when unreadable; times are aware UTC or None.

    ``platform_order_nos`` are our numbers (several on a merged order); ``original_global_order_nos``
    is filled on a resend order only.
    """

    global_order_no: KeyIdentifier
    store_id: KeptIdentifier = ""
    status: Status = None
    status_sub: OptionalWhole = None
    split_type: Status = None
    is_deleted: Flag = Field(default=False, validation_alias="is_delete")
    platform_order_nos: Texts = Field(default_factory=list)
    original_global_order_nos: Texts = Field(default_factory=list, validation_alias="original_global_order_no")
    tracking_no: Text = Field(default="", validation_alias=AliasPath("logistics_info", "tracking_no"))
    waybill_no: Text = Field(default="", validation_alias=AliasPath("logistics_info", "waybill_no"))
    logistics_status: OptionalWhole = Field(default=None, validation_alias=AliasPath("logistics_info", "status"))
    logistics_type_id: KeptChosenIdentifier = Field(
        default="", validation_alias=AliasPath("logistics_info", "logistics_type_id")
    )
    logistics_provider_name: Text = Field(
        default="", validation_alias=AliasPath("logistics_info", "logistics_provider_name")
    )
    actual_carrier: Text = Field(default="", validation_alias=AliasPath("logistics_info", "actual_carrier"))
    wid: KeptChosenIdentifier = ""
    update_time: Moment = None
    global_delivery_time: Moment = None
    global_cancel_time: Moment = None
    buyer_email: Text = Field(default="", validation_alias=AliasPath("buyers_info", "buyer_email"), repr=False)
    address: ErpAddress = Field(default_factory=ErpAddress, validation_alias="address_info", repr=False)
    items: list[ErpOrderItem] = Field(default_factory=list, validation_alias="item_info")
    tag_numbers: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: Any) -> Any:
        """Bring the members that stand in nested lists to the top; null, [] and {} stand for nothing."""
        if not isinstance(value, dict):
            return value
        row = {key: item for key, item in value.items() if item not in (None, [], {})}
        row.setdefault("platform_order_nos", platform_order_numbers(value))
        tags = [tag for name in TAG_LISTS for tag in rows_of(row.get(name)) if isinstance(tag, dict)]
        row.setdefault("tag_numbers", list(dict.fromkeys(str(tag["tag_no"]) for tag in tags if tag.get("tag_no"))))
        row.setdefault("raw", value)
        return row


def platform_order_numbers(row: dict[str, Any]) -> list[str]:
    """Return our numbers that a row of the order list names, at its head or else on its lines."""
    for member in ("platform_info", "item_info"):
        entries = [entry for entry in rows_of(row.get(member)) if isinstance(entry, dict)]
        numbers = [str(entry["platform_order_no"]).strip() for entry in entries if entry.get("platform_order_no")]
        if numbers:
            return list(dict.fromkeys(numbers))
    return []

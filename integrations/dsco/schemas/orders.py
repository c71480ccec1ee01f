"""The order as DSCO sends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field, ValidationError, model_validator

from ...sentences import gettext as _
from .inbound import (
    Flag,
    Inbound,
    Lines,
    Moment,
    Money,
    OptionalQuantity,
    Quantity,
    QuantityOrZero,
    Text,
    Whole,
    as_list,
    objects_only,
)


class UnreadableOrder(ValueError):
    """An order that lacks what cannot be done without; the message says what and where, for staff."""


class DscoAddress(Inbound):
    """Where the parcel goes. Everything can be absent, the country included: nothing is filled in."""

    name: Text = None
    first_name: Text = None
    last_name: Text = None
    attention: Text = None
    company: Text = None
    address: Lines = Field(default_factory=list)
    address1: Text = None
    address2: Text = None
    city: Text = None
    region: Text = None
    state: Text = None
    postal: Text = None
    country: Text = None
    phone: Text = None
    email: Text = None
    address_type: Text = None
    store_number: Text = None

    @property
    def full_name(self) -> str:
        """The consignee: ``name``, else the older first and last name; "" when there is none."""
        parts = [self.first_name, self.last_name]
        return (self.name or " ".join(part.strip() for part in parts if part)).strip()

    @property
    def address_lines(self) -> list[str]:
        """The street lines: ``address``, else the older ``address1`` and ``address2``."""
        return self.address or [line.strip() for line in (self.address1, self.address2) if line]

    @property
    def region_or_state(self) -> str:
        """The region, else the older ``state``; "" when there is none."""
        return (self.region or self.state or "").strip()


class DscoOrderLine(Inbound):
    """One line of an order. ``line_number`` tells two lines with the same item apart."""

    line_number: Whole = None
    quantity: Quantity
    dsco_item_id: Text = None
    sku: Text = None
    partner_sku: Text = None
    upc: Text = None
    ean: Text = None
    title: Text = None
    expected_cost: Money = None
    consumer_price: Money = None
    retail_price: Money = None
    status: Text = None
    dsco_lifecycle: Text = None
    accepted_quantity: QuantityOrZero = 0
    cancelled_quantity: QuantityOrZero = 0
    rejected_quantity: QuantityOrZero = 0
    shipped_quantity: OptionalQuantity = None
    remaining_quantity: OptionalQuantity = None
    cancel_requested: Flag = False
    cancel_requested_code: Text = None
    cancel_code: Text = None
    warehouse_code: Text = None
    acknowledge_by_date: Moment = None
    ship_by_date: Moment = None
    invoice_by_date: Moment = None
    cancel_after_date: Moment = None


class DscoPackageLine(Inbound):
    """What one package holds of one line."""

    line_number: Whole = None
    quantity: QuantityOrZero = 0
    dsco_item_id: Text = None
    sku: Text = None
    partner_sku: Text = None
    upc: Text = None
    ean: Text = None
    package_span_flag: Flag = False


class DscoPackage(Inbound):
    """A shipment that DSCO knows of. ``returned_flag``: it came back undeliverable."""

    tracking_number: Text = None
    ship_date: Moment = None
    ship_carrier: Text = None
    ship_method: Text = None
    shipping_service_level_code: Text = None
    warehouse_code: Text = None
    untracked: Flag = False
    returned_flag: Flag = False
    line_items: Annotated[list[DscoPackageLine], BeforeValidator(objects_only)] = Field(
        default_factory=list, validation_alias=AliasChoices("items", "lineItems")
    )


class DscoOrder(Inbound):
    """An order. ``dsco_order_id`` is its key; ``po_number`` is unique for one retailer only."""

    dsco_order_id: str
    po_number: Text = None
    consumer_order_number: Text = None
    supplier_order_number: Text = None
    dsco_retailer_id: Text = None
    dsco_supplier_id: Text = None
    dsco_supplier_name: Text = None
    dsco_trading_partner_id: Text = None
    dsco_trading_partner_name: Text = None
    channel: Text = None
    test_flag: Flag = False
    order_type: Text = None
    currency_code: Text = None
    dsco_status: Text = None
    dsco_lifecycle: Text = None
    dsco_create_date: Moment = None
    dsco_last_update: Moment = None
    retailer_create_date: Moment = None
    cancel_requested: Flag = False
    cancel_requested_code: Text = None
    ship_carrier: Text = None
    ship_method: Text = None
    shipping_service_level_code: Text = None
    requested_ship_carrier: Text = None
    requested_ship_method: Text = None
    requested_shipping_service_level_code: Text = None
    requested_warehouse_code: Text = None
    dsco_warehouse_code: Text = None
    ship_warehouse_code: Text = None
    acknowledge_by_date: Moment = None
    ship_by_date: Moment = None
    invoice_by_date: Moment = None
    cancel_after_date: Moment = None
    expected_delivery_date: Moment = None
    required_delivery_date: Moment = None
    order_total_amount: Money = None
    extended_expected_cost_total: Money = None
    shipping: DscoAddress = Field(default_factory=DscoAddress)
    packages: Annotated[list[DscoPackage], BeforeValidator(objects_only)] = Field(default_factory=list)
    line_items: Annotated[list[DscoOrderLine], BeforeValidator(as_list)] = Field(default_factory=list)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> DscoOrder:
        """Read a raw order; numbers may be numbers or text.

        Raises UnreadableOrder when it has no dscoOrderId, or a quantity that is no whole number.
        """
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            order_id = raw.get("dscoOrderId") if isinstance(raw, Mapping) else None
            raise UnreadableOrder(_unreadable_message(order_id, error)) from None

    @model_validator(mode="before")
    @classmethod
    def _drop_what_is_no_address(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and "shipping" in data and not isinstance(data["shipping"], Mapping | DscoAddress):
            return {key: value for key, value in data.items() if key != "shipping"}
        return data

    @model_validator(mode="before")
    @classmethod
    def _id_as_text(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or "dscoOrderId" not in data:
            return data
        value = data["dscoOrderId"]
        is_id = isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip()
        return {**data, "dscoOrderId": str(value).strip() if is_id else None}


def _unreadable_message(order_id: Any, error: ValidationError) -> str:
    """Say which members cannot be read, in DSCO's own names, for example ``lineItems[0].quantity``."""
    found = "; ".join(f"{_path(item['loc'])} = {item['input']!r:.60}" for item in error.errors()[:5])
    if isinstance(order_id, str | int) and str(order_id).strip():
        return _("DSCO order %(order)s cannot be read: %(members)s. Ask DSCO support to correct it.") % {
            "order": order_id,
            "members": found,
        }
    return _("An order came from DSCO without dscoOrderId, so it cannot be stored. Ask DSCO support about it.")


def _path(location: tuple[int | str, ...]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return text.lstrip(".") or "order"

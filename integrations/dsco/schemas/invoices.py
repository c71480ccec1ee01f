"""Body of an invoice. Amounts are Decimal, sent to the cent."""

from __future__ import annotations

from decimal import Decimal

from pydantic import AwareDatetime, Field, PositiveInt

from .outbound import ItemIdentity, Outbound


class InvoiceShip(Outbound):
    """How the goods went; left out when it says nothing. The tracking number belongs here, never at the top."""

    date: AwareDatetime | None = None
    tracking_number: str | None = None
    carrier: str | None = None
    method: str | None = None
    service_level_code: str | None = None
    warehouse_code: str | None = None


class InvoiceLine(ItemIdentity):
    """One invoiced line. ``unit_price`` is the order line's expectedCost."""

    quantity: PositiveInt
    unit_price: Decimal
    extended_amount: Decimal | None = None
    subtotal: Decimal | None = None
    tracking_number: str | None = None


class InvoiceBody(Outbound):
    """An invoice for one order; ``invoice_id`` is our own number."""

    invoice_id: str = Field(min_length=1)
    dsco_order_id: str = Field(min_length=1)
    invoice_date: AwareDatetime | None = None
    currency_code: str | None = None
    total_amount: Decimal
    line_items_subtotal: Decimal | None = None
    number_of_line_items: int | None = None
    ship: InvoiceShip | None = None
    line_items: list[InvoiceLine] = Field(min_length=1)

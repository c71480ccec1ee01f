"""Bodies of acknowledging and of cancelling, which name the order in the same way."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, PositiveInt

from .outbound import ItemIdentity, Outbound

_ID_TYPE = "DSCO_ORDER_ID"


class OrderReference(Outbound):
    """An order named by its dscoOrderId, the only id that is unique across retailers."""

    dsco_order_id: str = Field(alias="id", min_length=1)

    def payload(self) -> dict[str, Any]:
        """Return the body; see ``Outbound``."""
        return {**super().payload(), "type": _ID_TYPE}

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        """Return the object whose ``payload()`` was stored."""
        return cls.model_validate({key: value for key, value in payload.items() if key != "type"})


class AcknowledgeItem(OrderReference):
    """Says that we have an order; ``supplier_order_number`` is our number, shown in the retailer's portal."""

    supplier_order_number: str | None = None


class CancelLine(ItemIdentity):
    """How much of one line is cancelled. ``cancel_code``: a supplier's code such as CXSS or CXSC."""

    cancelled_quantity: PositiveInt
    cancel_code: str
    cancelled_reason: str | None = None


class CancelItems(OrderReference):
    """The lines of one order that are cancelled."""

    line_items: list[CancelLine] = Field(min_length=1)

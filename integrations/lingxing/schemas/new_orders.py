"""What we send to create an order: checked and cleaned when it is built, so that ``payload()`` can go out as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

# Control characters, line separators and half surrogate pairs: no part of an address, and signed differently by
# different JSON libraries.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")


def _clean(value: Any) -> Any:
    return _UNPRINTABLE.sub(" ", value).strip() if isinstance(value, str) else value


def _clean_or_nothing(value: Any) -> Any:
    return _clean(value) or None if isinstance(value, str) else value


Required = Annotated[str, BeforeValidator(_clean), Field(min_length=1)]
Optional = Annotated[str | None, BeforeValidator(_clean_or_nothing)]


class _Outgoing(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NewErpLine(_Outgoing):
    """One line: the local ``sku`` or the store's ``msku`` (at least one), a quantity of 1 or more, a unit price."""

    sku: Optional = None
    msku: Optional = None
    quantity: int = Field(ge=1, strict=True)
    unit_price: Decimal = Field(ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _names_a_product(self) -> Self:
        if not (self.sku or self.msku):
            raise ValueError("A line needs a sku or an msku.")
        return self

    def payload(self) -> dict[str, Any]:
        """Return the line as LingXing takes it; the price is text with at least two decimals, never rounded."""
        fields = {"sku": self.sku, "msku": self.msku, "quantity": self.quantity, "unit_price": _amount(self.unit_price)}
        return {key: value for key, value in fields.items() if value is not None}


class NewErpOrder(_Outgoing):
    """One order to create. ``global_purchase_time`` is in epoch seconds; ``wid`` and ``logistics_type_id``
    come together or not at all; ``address_type`` is 1 for residential, 2 for commercial."""

    platform_order_no: Required
    receiver_name: Required
    receiver_country_code: Required
    city: Required
    address_line1: Required
    address_line2: Optional = None
    address_line3: Optional = None
    state_or_region: Optional = None
    postal_code: Optional = None
    district: Optional = None
    receiver_mobile: Optional = None
    buyer_email: Optional = None
    buyer_name: Optional = None
    receiver_company_name: Optional = None
    address_type: Literal[1, 2] | None = None
    amount_currency: Optional = None
    wid: Optional = None
    logistics_type_id: Optional = None
    global_purchase_time: int | None = None
    remark: Optional = None
    items: tuple[NewErpLine, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _warehouse_with_method(self) -> Self:
        if bool(self.wid) != bool(self.logistics_type_id):
            raise ValueError("A warehouse (wid) and a logistics method (logistics_type_id) go together.")
        return self

    def payload(self) -> dict[str, Any]:
        """Return the order as LingXing takes it: no nulls, no empty texts."""
        fields = {name: getattr(self, name) for name in type(self).model_fields if name != "items"}
        sent = {key: value for key, value in fields.items() if value is not None}
        return sent | {"items": [line.payload() for line in self.items]}


@dataclass(frozen=True, slots=True)
class CreateResult:
    """What became of each submitted platform order number; every number is in exactly one of the three.

    created: number to global_order_no; refused: number to the vendor's words; unknown: the reply did not
    say, so look the numbers up before anything else.
    """

    created: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CancelResult:
    """failed: global_order_no to the vendor's words; submitted: the numbers that were taken."""

    failed: dict[str, str] = field(default_factory=dict)
    submitted: list[str] = field(default_factory=list)


def _amount(value: Decimal) -> str:
    exponent = value.as_tuple().exponent
    return f"{value:.2f}" if isinstance(exponent, int) and exponent > -2 else f"{value:f}"

"""What all bodies that we send have in common: frozen, camelCase, no empty members, exact cents."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, PositiveInt
from pydantic.alias_generators import to_camel

__all__ = ["AwareDatetime", "ItemIdentity", "Outbound", "PositiveInt", "iso", "to_cents"]

CENT = Decimal("0.01")
# Identifiers of another shape are refused by DSCO, even where a better one stands beside them.
_UPC = re.compile(r"(\d{6}|\d{12})", re.ASCII)
_EAN = re.compile(r"(\d{8}|\d{13})", re.ASCII)


class Outbound(BaseModel):
    """A body that DSCO takes. ``from_payload`` reads back what ``payload`` gave, for example from a JSON column."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_alias=True, validate_by_name=True, extra="forbid", frozen=True
    )

    def payload(self) -> dict[str, Any]:
        """Return the body as DSCO wants it: plain JSON values, members without a value left out."""
        plain: dict[str, Any] = _plain(self.model_dump(by_alias=True, exclude_none=True))
        return plain

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        """Return the object whose ``payload()`` was stored."""
        return cls.model_validate(payload)


class ItemIdentity(Outbound):
    """Names an item. DSCO takes the first that is present: dscoItemId, sku, partnerSku, upc, ean.

    ``line_number`` tells two lines with the same item apart. A upc or ean that DSCO would refuse
    for its shape is left out when another identifier is there.
    """

    line_number: int | None = None
    dsco_item_id: str | None = None
    sku: str | None = None
    partner_sku: str | None = None
    upc: str | None = None
    ean: str | None = None

    def model_post_init(self, context: Any) -> None:
        """Drop what DSCO would refuse; runs once, when the object is made."""
        if not (self.dsco_item_id or self.sku or self.partner_sku):
            return
        for name, shape in (("upc", _UPC), ("ean", _EAN)):
            value = getattr(self, name)
            if value is not None and not shape.fullmatch(value):
                object.__setattr__(self, name, None)  # the only way into a frozen object


def iso(moment: datetime) -> str:
    """Return an aware time as DSCO writes it: UTC, ``2025-11-20T08:00:05Z``, milliseconds only where there are any."""
    if moment.tzinfo is None:
        raise ValueError("DSCO times need a time zone.")
    moment = moment.astimezone(UTC)
    text = moment.isoformat(timespec="milliseconds" if moment.microsecond >= 1000 else "seconds")
    return text.replace("+00:00", "Z")


def to_cents(amount: Decimal) -> float:
    """Return an amount, rounded to the cent, as the JSON number that DSCO demands.

    Amounts are computed in Decimal; this is the last step before the wire, and it is exact: Python
    writes the shortest digits that name the number, which are the cents that went in.
    """
    rounded = amount.quantize(CENT, rounding=ROUND_HALF_UP)
    number = float(rounded)
    if Decimal(repr(number)) != rounded:
        raise ValueError(f"{amount} is too large to be sent exactly.")
    return number


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        filled = {key: _plain(item) for key, item in value.items()}
        return {key: item for key, item in filled.items() if item != {}}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return to_cents(value)
    return iso(value) if isinstance(value, datetime) else value

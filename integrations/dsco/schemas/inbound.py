"""Field types for what DSCO sends: tolerant of type and absence, never inventing a value.

What DSCO may leave out becomes None (text, money, time) or the harmless default; a number, time or
flag that cannot be understood becomes None or False, too, except for quantities: those are refused,
because a wrong one ships or cancels goods.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

_TRUE = frozenset({"true", "1", "yes", "y"})
LARGEST_QUANTITY = 10**9


class Inbound(BaseModel):
    """An object that DSCO sends. Unknown members are ignored: DSCO adds some at any time."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        extra="ignore",
        frozen=True,
    )


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value if value.strip() else None
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _money(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        return None


def _flag(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).strip().lower() in _TRUE


def _quantity(value: Any) -> int:
    if type(value) is int and 0 <= value <= LARGEST_QUANTITY:
        return value
    amount = _money(value)
    if amount is None or amount < 0 or amount != amount.to_integral_value() or amount > LARGEST_QUANTITY:
        raise ValueError("not a whole number")
    return int(amount)


def _optional_quantity(value: Any) -> int | None:
    return None if value is None or value == "" else _quantity(value)


LARGEST_WHOLE = 2**63 - 1


def _whole(value: Any) -> int | None:
    amount = _money(value)
    # "1e999999999" is a number of one line, and would be an integer of a gigabyte.
    if amount is None or not -LARGEST_WHOLE <= amount <= LARGEST_WHOLE or amount != amount.to_integral_value():
        return None
    return int(amount)


def _lines(value: Any) -> list[str]:
    lines = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    return [line.strip() for line in lines if isinstance(line, str) and line.strip()]


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, an absent one as empty; anything else is refused."""
    if value is None or value == "":
        return []
    if not isinstance(value, list | tuple):
        raise ValueError("not a list")
    return list(value)


def objects_only(value: Any) -> list[Any]:
    """Return the objects of a list and leave out whatever else stands in it."""
    return [item for item in value if isinstance(item, dict | BaseModel)] if isinstance(value, list | tuple) else []


Lines = Annotated[list[str], BeforeValidator(_lines)]
Text = Annotated[str | None, BeforeValidator(_text)]
Money = Annotated[Decimal | None, BeforeValidator(_money)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Whole = Annotated[int | None, BeforeValidator(_whole)]
Quantity = Annotated[int, BeforeValidator(_quantity)]
OptionalQuantity = Annotated[int | None, BeforeValidator(_optional_quantity)]
QuantityOrZero = Annotated[int, BeforeValidator(lambda value: _optional_quantity(value) or 0)]

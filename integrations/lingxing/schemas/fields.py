"""Field types for a vendor that sends numbers as text, text as numbers, and null, "", [] or 0 for nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

DEFAULT_ZONE = ZoneInfo("Asia/Shanghai")
# Epoch 0 in any zone: LingXing writes it for "has not happened".
_BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)
LARGEST_STATUS = 32_767
LARGEST_QUANTITY = 2_147_483_647
# Longer ids and numbers would not fit our columns, and cut off they would be others: the row counts as unreadable.
LONGEST_ID = 40
LONGEST_NUMBER = 60
_WHOLE = re.compile(r"[+-]?\d+(\.0+)?")


def whole_number(value: Any) -> int:
    """Read a whole number sent as number or text; raise ValueError for anything else."""
    text = str(value).strip()
    if isinstance(value, bool) or not _WHOLE.fullmatch(text):
        raise ValueError(f"not a whole number: {text[:40]!r}")
    return int(text.partition(".")[0])


def optional_number(value: Any) -> int | None:
    """Read a whole number, or None for what is absent or unreadable."""
    try:
        return whole_number(value)
    except ValueError:
        return None


def status_number(value: Any) -> int | None:
    """Read a number of LingXing's small enumerations, or None for what can be none of them."""
    number = optional_number(value)
    return number if number is not None and 0 <= number <= LARGEST_STATUS else None


def text(value: Any) -> str:
    """Read text sent as text or number, stripped; nothing is ""."""
    if value in (None, [], {}):
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("not a text")
    return str(value).strip()


def identifier(value: Any) -> str:
    """Read an id as text; nothing is "". An id that went through a float is refused, its digits are lost."""
    found = text(value)
    if re.fullmatch(r"\d\.\d+[eE]\+?\d+", found):
        raise ValueError(f"an id in exponent notation: {found}")
    return re.sub(r"^(\d+)\.0+$", r"\1", found)


def chosen_identifier(value: Any) -> str:
    """Read an id for which 0 says "none"."""
    found = identifier(value)
    return "" if found == "0" else found


def flag(value: Any) -> bool:
    """Read 1, "1", true and "true" as True, anything else as False."""
    return value is True or str(value).strip().lower() in ("1", "true")


def texts(value: Any) -> list[str]:
    """Read a list of texts, or a single text, without the empty ones and without repetitions."""
    items = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(found for found in map(text, items) if found))


def moment(value: Any, info: ValidationInfo) -> datetime | None:
    """Read epoch seconds, or a text without zone in the zone of the context, as aware UTC.

    Nothing, 0, zero dates and the epoch itself mean that it has not happened: None.
    """
    found = text(value)
    if found in ("", "0") or found.startswith("0000-00-00"):
        return None
    try:
        read = datetime.fromtimestamp(whole_number(found), UTC) if _WHOLE.fullmatch(found) else _local(found, info)
        return read.astimezone(UTC) if read >= _BEGINNING else None
    except (OverflowError, OSError) as error:
        raise ValueError(f"not a time: {found[:40]!r}") from error


def _local(found: str, info: ValidationInfo) -> datetime:
    read = datetime.fromisoformat(found)
    return read if read.tzinfo else read.replace(tzinfo=(info.context or {}).get("zone", DEFAULT_ZONE))


Whole = Annotated[int, BeforeValidator(whole_number)]
OptionalWhole = Annotated[int | None, BeforeValidator(optional_number)]
Text = Annotated[str, BeforeValidator(text)]
Status = Annotated[int | None, BeforeValidator(status_number)]
Quantity = Annotated[int, BeforeValidator(whole_number), Field(le=LARGEST_QUANTITY)]
Identifier = Annotated[str, BeforeValidator(identifier)]
RequiredIdentifier = Annotated[str, BeforeValidator(identifier), Field(min_length=1)]
ChosenIdentifier = Annotated[str, BeforeValidator(chosen_identifier)]
KeptIdentifier = Annotated[str, BeforeValidator(identifier), Field(max_length=LONGEST_ID)]
KeptChosenIdentifier = Annotated[str, BeforeValidator(chosen_identifier), Field(max_length=LONGEST_ID)]
KeyIdentifier = Annotated[str, BeforeValidator(identifier), Field(min_length=1, max_length=LONGEST_ID)]
KeyNumber = Annotated[str, BeforeValidator(identifier), Field(min_length=1, max_length=LONGEST_NUMBER)]
Flag = Annotated[bool, BeforeValidator(flag)]
Texts = Annotated[list[str], BeforeValidator(texts)]
Moment = Annotated[datetime | None, BeforeValidator(moment)]


class Row(BaseModel):
    """Anything LingXing sends: unknown members are ignored, absent ones have defaults."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True)


class RowWithRaw(Row):
    """A row that keeps what was sent: ``raw`` is JSON-safe. It holds personal data: never log it."""

    raw: dict[str, Any] = Field(default_factory=dict, repr=False)


def rows_of(value: Any) -> list[Any]:
    """Return a list member, where null, {} or a single object may stand for a list."""
    if isinstance(value, list):
        return value
    return [value] if value else []

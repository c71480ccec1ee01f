"""Rows out of an answer: found wherever LingXing put the list, and read one by one.

A row that cannot be read costs only itself.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from ..errors import TransientError
from ..sentences import gettext as _
from .errors import VENDOR, Answer
from .schemas.fields import Row, optional_number
from .schemas.orders import platform_order_numbers

RowT = TypeVar("RowT", bound=Row)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row that could not be read: why, and what it is about as far as that can be told."""

    reason: str
    global_order_no: str
    platform_order_nos: tuple[str, ...]


class Rows(list[RowT]):
    """A list of rows, with those beside it that could not be read."""

    def __init__(self, rows: Iterable[RowT] = (), unreadable: Iterable[UnreadableRow] = ()) -> None:
        super().__init__(rows)
        self.unreadable = list(unreadable)


def raw_rows(answer: Answer, operation: str) -> tuple[list[Any], int | None]:
    """Return the rows of an answer and their total: ``data`` is the list itself or holds it under ``list``.

    null, [] and {} are empty lists. Anything else is no list: TransientError, because callers decide by absence.
    """
    data = answer.data
    total = optional_number(answer.envelope.get("total"))
    if isinstance(data, dict) and "list" in data:
        inner = optional_number(data.get("total"))
        total = total if inner is None else inner
        data = data["list"]
    if isinstance(data, list) or data in (None, {}):
        return data or [], total
    raise TransientError(
        _("The reply holds no list."),
        vendor=VENDOR,
        operation=operation,
        code="unreadable_reply",
        request_id=answer.request_id,
    )


def read_rows(model: type[RowT], raw: list[Any], zone: ZoneInfo, operation: str) -> Rows[RowT]:
    """Read each row; the unreadable ones are logged (without their values) and kept aside."""
    rows: Rows[RowT] = Rows()
    for item in raw:
        try:
            rows.append(model.model_validate(item, context={"zone": zone}))
        except ValidationError as error:
            rows.unreadable.append(_unreadable(item, error))
            logger.warning("LingXing %s: a row could not be read: %s", operation, rows.unreadable[-1])
    return rows


def _unreadable(item: Any, error: ValidationError) -> UnreadableRow:
    row = item if isinstance(item, dict) else {}
    problems = (f"{'.'.join(map(str, problem['loc'])) or 'row'}: {problem['msg']}" for problem in error.errors()[:3])
    number = row.get("global_order_no") or row.get("order_number") or ""
    named = row.get("platform_order_no")
    platform = [str(entry) for entry in named] if isinstance(named, list) else platform_order_numbers(row)
    return UnreadableRow("; ".join(problems), str(number), tuple(platform))

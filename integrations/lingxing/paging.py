"""Reading lists to their end: chunks of numbers, windows of time, pages of rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import TransientError
from ..sentences import gettext as _
from .errors import VENDOR, Answer
from .rows import raw_rows

NUMBERS_PER_CALL = 200
# LingXing documents both 31 and 30 days.
WINDOW = timedelta(days=30)
MAX_PAGES = 5000

# Sends the call for one page: (rows received so far, page number from 1).
FetchPage = Callable[[int, int], Answer]


def chunks(numbers: Sequence[str], size: int = NUMBERS_PER_CALL) -> Iterator[list[str]]:
    """Cut numbers, stripped and without repetitions, into lists of at most ``size``."""
    unique = list(dict.fromkeys(number.strip() for number in numbers if number.strip()))
    for start in range(0, len(unique), size):
        yield unique[start : start + size]


def windows(start: datetime, end: datetime) -> Iterator[tuple[int, int]]:
    """Cut a time span into (start_time, end_time) in epoch seconds, each at most 30 days long.

    LingXing excludes both ends of a window, so the span is a second wider on both sides and windows overlap.
    """
    first, last = math.floor(start.timestamp()) - 1, math.ceil(end.timestamp()) + 1
    while last - first > 1:
        until = min(first + int(WINDOW.total_seconds()), last)
        yield first, until
        first = until - 1


def pages(fetch: FetchPage, size: int, operation: str) -> Iterator[tuple[list[Any], int | None]]:
    """Yield (raw rows, total) page by page until everything has come.

    LingXing may deliver fewer rows per page than asked for, so where it says a total, only the total ends the list.
    Raises TransientError ``incomplete_read`` when the rows run out before the total.
    """
    received = 0
    for page in range(1, MAX_PAGES + 1):
        raw, total = raw_rows(fetch(received, page), operation)
        received += len(raw)
        if raw or page == 1:
            yield raw, total
        if (received >= total) if total is not None else len(raw) < size:
            return
        if not raw:
            raise incomplete(operation, _("%(n)d of %(all)d rows came.") % {"n": received, "all": total})
    raise incomplete(operation, _("the list does not end after %(n)d pages.") % {"n": MAX_PAGES})


def incomplete(operation: str, what: str) -> TransientError:
    """Return the error for a list that was not read whole."""
    text = _("The list was not read completely: %(what)s") % {"what": what}
    return TransientError(text, vendor=VENDOR, operation=operation, code="incomplete_read")


def aware_utc(moment: datetime) -> datetime:
    """Return the moment in UTC; raise ValueError for one without zone."""
    if moment.tzinfo is None:
        raise ValueError("A time without zone cannot be sent to LingXing.")
    return moment.astimezone(UTC)

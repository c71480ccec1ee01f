"""Pages by cursor: each goes on behind the last row of the one before, so that depth costs nothing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from rest_framework import serializers

from .problems import Fault, Problem
from .views import Strict

M = TypeVar("M", bound=Model)
LARGEST_ID = 2**63 - 1


class PageQuery(Strict):
    """The parameters of every list."""

    cursor = serializers.CharField(required=False, max_length=400, help_text="`next_cursor` of the page before.")
    limit = serializers.IntegerField(required=False, min_value=1, max_value=200, default=50, help_text="Rows per page.")


def newest_first(rows: QuerySet[M], column: str, query: dict[str, Any]) -> tuple[list[M], str | None]:
    """Return a page of rows ordered by a time column and the primary key, newest first, and the cursor of the next.

    query: the checked ``PageQuery``. Rows that come while somebody pages are on no later page, and none is told twice.
    """
    if query.get("cursor"):
        moment, pk = _place(query["cursor"])
        rows = rows.filter(Q(**{f"{column}__lt": moment}) | Q(pk__lt=pk), **{f"{column}__lte": moment})
    limit = query["limit"]
    found = list(rows.order_by(f"-{column}", "-pk")[: limit + 1])
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    return found[:limit], cursor_of([getattr(last, column).isoformat(), last.pk])


def by_id(rows: QuerySet[M], query: dict[str, Any], *, newest: bool = False) -> tuple[list[M], str | None]:
    """Return a page of rows ordered by primary key, and the cursor of the next."""
    if query.get("cursor"):
        (pk,) = numbers_in(query["cursor"], 1)
        rows = rows.filter(**{"pk__lt" if newest else "pk__gt": pk})
    limit = query["limit"]
    found = list(rows.order_by("-pk" if newest else "pk")[: limit + 1])
    return found[:limit], (cursor_of([found[limit - 1].pk]) if len(found) > limit else None)


def cursor_of(parts: Sequence[Any]) -> str:
    """Return these values as a cursor."""
    return base64.urlsafe_b64encode(json.dumps(list(parts), separators=(",", ":")).encode()).decode().rstrip("=")


def numbers_in(cursor: str, count: int) -> list[int]:
    """Return the whole numbers of a cursor. Raises Problem when it is none of ours."""
    parts = _parts(cursor)
    if len(parts) != count or not all(isinstance(part, int) and 0 <= part <= LARGEST_ID for part in parts):
        raise bad_cursor()
    return [int(part) for part in parts]


def bad_cursor() -> Problem:
    """Return the problem of a cursor that is none of ours."""
    text = "The cursor is not one that this list gave. Begin without one."
    return Problem("invalid_request", text, code="bad_cursor", faults=[Fault("query:/cursor", text)])


def _place(cursor: str) -> tuple[datetime, int]:
    parts = _parts(cursor)
    try:
        moment, pk = datetime.fromisoformat(str(parts[0])), parts[1]
    except (IndexError, ValueError):
        raise bad_cursor() from None
    if len(parts) != 2 or moment.tzinfo is None or not isinstance(pk, int) or not 0 <= pk <= LARGEST_ID:
        raise bad_cursor()
    return moment, pk


def _parts(cursor: str) -> list[Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        raise bad_cursor() from None
    if not isinstance(found, list):
        raise bad_cursor()
    return found

"""The order in which many rows that become due at once are taken: nearest deadlines first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import F

from .kinds import DeliveryKind
from .models import Delivery

CHUNK = 200


def by_deadline(kind: DeliveryKind[Delivery], rows: Any) -> Iterator[list[int]]:
    """Yield the primary keys of ``rows`` in chunks, nearest deadlines first, rows without a deadline last.

    Rows of one chunk get one place in the queue; which are claimed first among them is open.
    """
    if kind.deadline is not None:
        rows = rows.annotate(its_deadline=kind.deadline).order_by(F("its_deadline").asc(nulls_last=True), "pk")
    else:
        rows = rows.order_by("pk")
    ids = list(rows.values_list("pk", flat=True))
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]

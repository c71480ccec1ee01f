"""What an order waits for: its worst delivery, else the next step."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any, cast

from django.db import DEFAULT_DB_ALIAS
from django.db.models import IntegerField, Value
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.admin import words
from integrations.admin.kinds import kind_label
from integrations.deliveries.models import Delivery
from integrations.deliveries.states import OPEN, State

from ..holds import KINDS

RANK = (State.NEEDS_ATTENTION, State.FAILED, State.UNCERTAIN)
SHOWN = ("id", "order_id", "status", "reason_code", "last_error_code", "last_error", "due_at")


def open_deliveries(order_ids: Iterable[int]) -> dict[int, list[Delivery]]:
    """Return the open deliveries of some orders in the order of the steps: one query, with only what a list shows."""
    found: dict[int, list[Delivery]] = {pk: [] for pk in order_ids}
    parts: list[Any] = [
        cast(Any, kind)
        ._default_manager.order_by()
        .filter(order__in=list(found), status__in=OPEN)
        .annotate(step=Value(step, output_field=IntegerField()))
        .values_list("step", *SHOWN)
        for step, kind in enumerate(KINDS)
    ]
    for step, *values in sorted(parts[0].union(*parts[1:], all=True), key=itemgetter(0)):
        read = dict(zip(SHOWN, values, strict=True))
        names = [column.attname for column in KINDS[step]._meta.concrete_fields if column.attname in read]
        row = KINDS[step].from_db(DEFAULT_DB_ALIAS, names, [read[name] for name in names])
        found[read["order_id"]].append(row)
    return found


def worst(deliveries: Iterable[Delivery]) -> Delivery | None:
    """Return the delivery that a person should hear of first: a problem, else the next step."""
    rows = list(deliveries)
    for state in RANK:
        for row in rows:
            if row.status == state:
                return row
    return rows[0] if rows else None


def waits_for(deliveries: Iterable[Delivery]) -> SafeString | str:
    """Return what an order waits for: step, state and reason."""
    row = worst(deliveries)
    if row is None:
        return words.EMPTY
    why = words.reason_text(row)
    return format_html(
        '<span class="ob-waits"><span class="ob-nowrap">{} {}</span><span class="ob-quiet" title="{}">{}</span></span>',
        kind_label(row.KIND), words.state_label(row.status), row.last_error or why,
        "" if why == words.EMPTY else why,
    )  # fmt: skip

"""REST: everything that happened, since a cursor: attempts of deliveries, and what people and DSCO did to orders.

Both are tables that only grow, read in the order of their ids. A row becomes visible when its transaction commits, so a
row with a smaller id may appear after one with a larger one. Told is therefore only what is older than SETTLED: every
transaction that wrote a smaller id has ended by then. So a reader who keeps the cursor misses nothing and is told
nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice, takewhile
from typing import Any, ClassVar

from django.utils import timezone
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.paging import cursor_of, numbers_in
from integrations.api.schema import described
from integrations.api.views import ApiView, Strict, checked_query
from integrations.deliveries.kinds import delivery_kinds
from integrations.models import Attempt

from ..models import OrderEvent
from .examples import EVENTS
from .shapes import words

SETTLED = timedelta(seconds=10)
Happened = tuple[datetime, str, int, dict[str, Any]]


class EventsQuery(Strict):
    """From where on."""

    cursor = s.CharField(required=False, max_length=400, help_text="`cursor` of the last answer; none: from the start.")
    limit = s.IntegerField(required=False, min_value=1, max_value=500, default=100)


class EventShape(s.Serializer[Any]):
    """Something that happened."""

    at = s.DateTimeField()
    source = s.ChoiceField(["delivery", "order"])  # type: ignore[assignment] # a member, which the metaclass takes off
    kind = s.CharField(help_text="Kind of delivery, or of event: `comment`, `hold`, `release`, `staff`, `remote`.")
    action = s.CharField(allow_null=True, help_text="Of a delivery: `send`, `verify`, `poll`, `staff`.")
    dsco_order_id = s.CharField(allow_null=True)
    delivery_id = s.IntegerField(allow_null=True)
    delivery_key = s.CharField(allow_null=True)
    outcome = s.CharField(allow_null=True, help_text="The state that the delivery went to.")
    error_code = words()
    text = words()
    actor = words("User name; empty for the system.")


class EventsShape(s.Serializer[Any]):
    """What happened since the cursor."""

    results = EventShape(many=True)
    cursor = s.CharField(help_text="Pass it next time, also when nothing was told.")
    more = s.BooleanField(help_text="Whether the limit ended this answer: ask again at once.")


class Events(ApiView):
    """The journal."""

    to_read: ClassVar[str] = "orders.view_order"

    @described("What happened since a cursor", EventsShape, example=EVENTS, query=EventsQuery)
    def get(self, request: Request) -> Response:
        """Oldest first, from about ten seconds ago back to the cursor. Ask now and then with the last cursor: nothing
        is missed, and nothing told twice. What is older than the retention is gone."""
        query = checked_query(request, EventsQuery)
        after = numbers_in(query["cursor"], 2) if query.get("cursor") else [0, 0]
        limit, before = query["limit"], timezone.now() - SETTLED
        sources = [_attempts(after[0], limit, before), _order_events(after[1], limit, before)]
        chosen = list(islice(merge(*sources, key=lambda one: one[0]), limit))
        for place, name in enumerate(("delivery", "order")):
            after[place] = max([pk for _at, source, pk, _told in chosen if source == name], default=after[place])
        more = len(chosen) == limit and sum(map(len, sources)) > limit
        more = more or any(len(source) == limit for source in sources)
        return Response({"results": [one[3] for one in chosen], "cursor": cursor_of(after), "more": more})


def _attempts(after: int, limit: int, before: datetime) -> list[Happened]:
    rows = Attempt.objects.filter(pk__gt=after).order_by("pk").defer("vendor_request_id")[:limit]
    settled = list(takewhile(lambda row: row.started_at + timedelta(milliseconds=row.duration_ms) < before, rows))
    facts = _deliveries(settled)
    return [
        (row.started_at, "delivery", row.pk, _attempt(row, facts.get((row.kind, row.delivery_id)))) for row in settled
    ]


def _deliveries(attempts: Iterable[Attempt]) -> dict[tuple[str, int], tuple[str, str | None]]:
    """Return key and DSCO order id of the attempts' deliveries: one query for each kind."""
    found: dict[tuple[str, int], tuple[str, str | None]] = {}
    wanted = list(attempts)
    for name, kind in delivery_kinds().items():
        ids = {row.delivery_id for row in wanted if row.kind == name}
        if not ids:
            continue
        has_order = any(column.name == "order" for column in kind.model._meta.get_fields())
        columns = ("pk", "key", "order__dsco_order_id") if has_order else ("pk", "key", "key")
        for pk, key, order_id in kind.model._default_manager.filter(pk__in=ids).values_list(*columns):
            found[name, pk] = key, order_id if has_order else None
    return found


def _attempt(row: Attempt, delivery: tuple[str, str | None] | None) -> dict[str, Any]:
    key, order_id = delivery or (None, None)
    return {
        "at": row.started_at, "source": "delivery", "kind": row.kind, "action": row.action, "dsco_order_id": order_id,
        "delivery_id": row.delivery_id, "delivery_key": key, "outcome": row.outcome, "error_code": row.error_code,
        "text": row.message, "actor": row.actor,
    }  # fmt: skip


def _order_events(after: int, limit: int, before: datetime) -> list[Happened]:
    rows = OrderEvent.objects.filter(pk__gt=after).order_by("pk").select_related("order")
    rows = rows.only("kind", "at", "text", "actor", "order__dsco_order_id")[:limit]
    return [(row.at, "order", row.pk, _order_event(row)) for row in takewhile(lambda row: row.at < before, rows)]


def _order_event(row: OrderEvent) -> dict[str, Any]:
    return {
        "at": row.at, "source": "order", "kind": row.kind, "action": None, "dsco_order_id": row.order.dsco_order_id,
        "delivery_id": None, "delivery_key": None, "outcome": None, "error_code": "", "text": row.text,
        "actor": row.actor,
    }  # fmt: skip

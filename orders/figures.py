"""Counts for the dashboard. Each reads an index over recent or open rows only, never a whole table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import CharField, Count, IntegerField, QuerySet, Value

from integrations.deliveries.models import Delivery
from integrations.deliveries.states import State
from integrations.models import Attempt

from .models import Acknowledgement, ErpPush, Invoice, Order, Shipment, Stage

# The way of an order; who has reached a step has passed those before it.
FUNNEL: tuple[tuple[Stage, tuple[Stage, ...]], ...] = (
    (Stage.IN_ERP, (Stage.IN_ERP, Stage.ACKNOWLEDGED, Stage.SHIPPED, Stage.INVOICED)),
    (Stage.ACKNOWLEDGED, (Stage.ACKNOWLEDGED, Stage.SHIPPED, Stage.INVOICED)),
    (Stage.SHIPPED, (Stage.SHIPPED, Stage.INVOICED)),
    (Stage.INVOICED, (Stage.INVOICED,)),
)
STEPS: tuple[type[Delivery], ...] = (ErpPush, Acknowledgement, Shipment, Invoice)
# What an attempt ended with when a person was needed after it.
FAILURES = (State.FAILED.value, State.NEEDS_ATTENTION.value)


def stages_since(start: datetime) -> dict[str, int]:
    """Count the orders first seen since ``start`` by the stage that they are in now."""
    rows = Order.objects.filter(first_seen_at__gte=start, stage__in=Stage.values).order_by()
    return dict(rows.values_list("stage").annotate(Count("pk")))


def done_since(start: datetime) -> dict[str, int]:
    """Count the steps that succeeded since ``start`` by kind, of whatever day their orders are: one query."""
    found = dict.fromkeys((step.KIND for step in STEPS), 0)
    parts = [
        _counted(step._default_manager.filter(status=State.SUCCEEDED, finished_at__gte=start), step.KIND)
        for step in STEPS
    ]
    for kind, number in parts[0].union(*parts[1:], all=True):
        found[kind] = number
    return found


def _counted(rows: QuerySet[Any], kind: str) -> Any:
    named = rows.order_by().annotate(which=Value(kind, output_field=CharField()))
    return named.values("which").annotate(number=Count("pk")).values_list("which", "number")


def orders_per_day(days: Sequence[tuple[datetime, datetime]]) -> list[int]:
    """Count the orders first seen in each of the spans (start, end): one query."""
    return _per_span(Order.objects.all(), "first_seen_at", days)


def failures_per_day(days: Sequence[tuple[datetime, datetime]]) -> list[int]:
    """Count the attempts after which a person was needed, in each of the spans (start, end): one query."""
    return _per_span(Attempt.objects.filter(outcome__in=FAILURES), "started_at", days)


def _per_span(rows: QuerySet[Any], column: str, spans: Sequence[tuple[datetime, datetime]]) -> list[int]:
    if not spans:
        return []
    parts: list[Any] = [
        rows.filter(**{f"{column}__gte": start, f"{column}__lt": end})
        .order_by()
        .annotate(span=Value(position, output_field=IntegerField()))
        .values("span")
        .annotate(number=Count("pk"))
        .values_list("span", "number")
        for position, (start, end) in enumerate(spans)
    ]
    found = dict(parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0])
    return [found.get(position, 0) for position in range(len(spans))]

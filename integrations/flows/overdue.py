"""When a flow is overdue: the one rule that health check, pages and alerts share."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from ..models import Flow
from .registry import flow_definitions

# A flow is overdue when it has not started for this many of its intervals (and at least ten minutes).
OVERDUE_INTERVALS = 3
OVERDUE_AT_LEAST = timedelta(minutes=10)


def interval_of(flow: Flow) -> timedelta:
    """Return the interval that counts: the environment's, else the flow's own."""
    return timedelta(seconds=float(settings.FLOW_INTERVAL_SECONDS or flow.interval_seconds))


def is_overdue(flow: Flow, now: datetime | None = None) -> bool:
    """Return whether the flow should have started long ago; a flow that never ran is overdue."""
    limit = max(OVERDUE_INTERVALS * interval_of(flow), OVERDUE_AT_LEAST)
    return flow.last_started_at is None or (now or timezone.now()) - flow.last_started_at > limit


def overdue_flows(now: datetime | None = None) -> list[Flow]:
    """Return the flows that are overdue and not paused, in the order of one whole pass: one query."""
    rows = {row.name: row for row in Flow.objects.filter(paused=False)}
    known = [rows[definition.name] for definition in flow_definitions() if definition.name in rows]
    return [row for row in known if is_overdue(row, now)]

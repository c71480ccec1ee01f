"""When a flow is overdue: the one rule that health check, pages and alerts share."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from ..models import Flow, FlowRun
from .registry import flow_definitions

# A flow is overdue when it has not started for this many of its intervals (and at least ten minutes).
OVERDUE_INTERVALS = 3
OVERDUE_AT_LEAST = timedelta(minutes=10)
# A flow that starts but has not ended well for so many intervals (and at least half an hour) does not do its work.
FRUITLESS_INTERVALS = 6
FRUITLESS_AT_LEAST = timedelta(minutes=30)


def interval_of(flow: Flow) -> timedelta:
    """Return the interval that counts: the environment's, else the flow's own."""
    return timedelta(seconds=float(settings.FLOW_INTERVAL_SECONDS or flow.interval_seconds))


def is_overdue(flow: Flow, now: datetime | None = None) -> bool:
    """Return whether the flow should have started long ago; a flow that never ran is overdue."""
    limit = max(OVERDUE_INTERVALS * interval_of(flow), OVERDUE_AT_LEAST)
    return flow.last_started_at is None or (now or timezone.now()) - flow.last_started_at > limit


def overdue_flows(now: datetime | None = None) -> list[Flow]:
    """Return the flows that are overdue and not paused, in the order of one whole pass: one query."""
    return [row for row in _active_flows() if is_overdue(row, now)]


def _active_flows() -> list[Flow]:
    rows = {row.name: row for row in Flow.objects.filter(paused=False)}
    return [rows[definition.name] for definition in flow_definitions() if definition.name in rows]


def is_fruitless(flow: Flow, now: datetime | None = None) -> bool:
    """Return whether the flow runs, but has not ended well for long: a vendor is away, or access is refused."""
    since = flow.last_success_at
    if since is None:
        since = FlowRun.objects.filter(flow=flow.name).order_by("id").values_list("started_at", flat=True).first()
    limit = max(FRUITLESS_INTERVALS * interval_of(flow), FRUITLESS_AT_LEAST)
    return since is not None and (now or timezone.now()) - since > limit


def fruitless_flows(now: datetime | None = None) -> list[Flow]:
    """Return the flows that start in time, are not paused and are fruitless, in the order of one whole pass."""
    return [row for row in _active_flows() if not is_overdue(row, now) and is_fruitless(row, now)]

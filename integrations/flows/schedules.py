"""django-q2 as the clock: one Schedule row per flow, kept in step with the flow's interval."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.db.models import Min
from django.utils import timezone
from django_q.models import Schedule

from ..models import Flow
from .registry import flow_definitions
from .runner import ensure_flow_row

DAY = 86_400
TASK = "integrations.tasks.run_scheduled_flow"
HEARTBEAT_TASK = "integrations.tasks.heartbeat"
SWEEP_TASK = "integrations.tasks.sweep"
TIDY_TASK = "integrations.tasks.tidy_up"
LISTS_TASK = "integrations.tasks.read_lists"
ALERTS_TASK = "integrations.alerts.tasks.tell_alerts"


def ensure_schedules() -> None:
    """Make the schedules that are missing; an edited interval stays, unless FLOW_INTERVAL_SECONDS overrides all.

    One process at a time: clusters start together, and django-q2's table lets a name be there twice.
    """
    rows = [ensure_flow_row(definition) for definition in flow_definitions()]
    with transaction.atomic():
        list(Flow.objects.select_for_update().order_by("pk")[:1])
        _remove_doubles()
        for row in rows:
            if settings.FLOW_INTERVAL_SECONDS or not Schedule.objects.filter(name=row.name).exists():
                apply_interval(row)
        for name, task in (("heartbeat", HEARTBEAT_TASK), ("sweep", SWEEP_TASK), ("alerts", ALERTS_TASK)):
            every_minute = {"schedule_type": Schedule.MINUTES, "minutes": 1, "next_run": timezone.now()}
            Schedule.objects.get_or_create(name=name, defaults={"func": task, **every_minute})
        hourly = {"func": TIDY_TASK, "schedule_type": Schedule.HOURLY, "next_run": timezone.now()}
        Schedule.objects.get_or_create(name="tidy", defaults=hourly)
        daily = {"schedule_type": Schedule.DAILY, "next_run": timezone.now()}
        Schedule.objects.get_or_create(name="lingxing lists", defaults={"func": LISTS_TASK, **daily})


def _remove_doubles() -> None:
    """Two rows of one name and task are one schedule that two processes have made: the first stays."""
    groups = Schedule.objects.exclude(name=None).order_by().values("name", "func").annotate(first=Min("pk"))
    Schedule.objects.exclude(name=None).exclude(pk__in=[group["first"] for group in groups]).delete()


def apply_interval(flow: Flow) -> None:
    """Write the flow's interval to its schedule: minutes, or by cron where it is below a minute or at a time of day.

    The first run is at once: a flow that never ran is overdue.
    """
    seconds = max(int(settings.FLOW_INTERVAL_SECONDS or flow.interval_seconds), 1)
    timing: dict[str, object] = {"schedule_type": Schedule.MINUTES, "minutes": round(seconds / 60), "cron": None}
    if seconds < 60:
        timing = {"schedule_type": Schedule.CRON, "minutes": None, "cron": f"* * * * * */{seconds}"}
    daily_at = next((one.daily_at for one in flow_definitions() if one.name == flow.name), "")
    if seconds == DAY and daily_at:
        hour, _colon, minute = daily_at.partition(":")
        timing = {"schedule_type": Schedule.CRON, "minutes": None, "cron": f"{int(minute)} {int(hour)} * * *"}
    Schedule.objects.update_or_create(
        name=flow.name,
        defaults={"func": TASK, "args": repr((flow.name,)), "next_run": timezone.now(), "repeats": -1, **timing},
    )
    if flow.last_started_at is None:  # django-q2 lets a time of day come first
        Schedule.objects.filter(name=flow.name).update(next_run=timezone.now())

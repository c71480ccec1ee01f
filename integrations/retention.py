"""What is kept, and how long: chores that remove or mask old rows in small batches, beside the flows.

A package announces its chores; ``tidy`` carries them out within a time budget, an hour's task or ``manage.py purge``.
Each batch is a transaction of its own, so nothing waits for a chore, and a chore that is cut off goes on next time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import models, transaction

from . import clock
from .models import Alert, ApiCall, Attempt, FlowRun, RetentionMark, RunStatus

log = structlog.get_logger(__name__)
BATCH = 500


@dataclass(frozen=True, slots=True)
class Chore:
    """One thing that is tidied.

    name: how it is reported. days: the setting that says after how many days (0: never).
    work: treats at most so many rows that are older than a time; returns how many it treated, fewer than asked for
    when nothing is left.
    """

    name: str
    days: str
    work: Callable[[datetime, int], int]


_chores: dict[str, Chore] = {}


def register_chore(name: str, days: str, work: Callable[[datetime, int], int]) -> None:
    """Announce a chore."""
    _chores[name] = Chore(name, days, work)


def tidy(now: datetime, *, budget_seconds: float) -> dict[str, int]:
    """Carry out every chore until nothing is left or the time is over; return how many rows each treated."""
    give_up_at = clock.monotonic() + budget_seconds
    done: dict[str, int] = {}
    for chore in _chores.values():
        days = float(getattr(settings, chore.days))
        if not days:
            continue
        done[chore.name] = 0
        while clock.monotonic() < give_up_at:
            with transaction.atomic():
                treated = chore.work(now - timedelta(days=days), BATCH)
            done[chore.name] += treated
            if treated < BATCH:
                break
    if any(done.values()):
        log.info("tidied", **done)
    return done


def delete_oldest(model: type[models.Model], time_field: str, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` of the rows written before a time; rows are written in the order of their ids."""
    oldest = list(model._default_manager.order_by("pk").values_list("pk", time_field)[:limit])
    old = [pk for pk, moment in oldest if moment is not None and moment < before]
    if old:
        model._default_manager.filter(pk__in=old).delete()
    return len(old)


def _empty_call_bodies(before: datetime, limit: int) -> int:
    """Clear requests and replies; the calls themselves stay in the log. A mark says how far this has come."""
    mark, _made = RetentionMark.objects.select_for_update().get_or_create(name="call_bodies")
    rows = ApiCall.objects.filter(pk__gt=mark.up_to).order_by("pk")
    old = [pk for pk, moment in rows.values_list("pk", "started_at")[:limit] if moment < before]
    if old:
        ApiCall.objects.filter(pk__in=old).update(request_excerpt="", response_excerpt="")
        RetentionMark.objects.filter(pk=mark.pk).update(up_to=old[-1])
    return len(old)


def _delete_attempts(before: datetime, limit: int) -> int:
    return delete_oldest(Attempt, "started_at", before, limit)


def _delete_calls(before: datetime, limit: int) -> int:
    return delete_oldest(ApiCall, "started_at", before, limit)


def _delete_runs(before: datetime, limit: int) -> int:
    """Delete finished runs; one that is under way is no history yet."""
    oldest = FlowRun.objects.exclude(status=RunStatus.RUNNING).order_by("pk").values_list("pk", "started_at")
    old = [pk for pk, moment in oldest[:limit] if moment < before]
    if old:
        FlowRun.objects.filter(pk__in=old).delete()
    return len(old)


def _delete_alerts(before: datetime, limit: int) -> int:
    """Delete alerts that are over, with the notes whom they were told."""
    over = Alert.objects.filter(ended_at__lt=before).order_by("ended_at", "pk")
    old = list(over.values_list("pk", flat=True)[:limit])
    if old:
        Alert.objects.filter(pk__in=old).delete()
    return len(old)


register_chore("call_bodies_emptied", "RETENTION_CALL_BODY_DAYS", _empty_call_bodies)
register_chore("attempts_deleted", "RETENTION_HISTORY_DAYS", _delete_attempts)
register_chore("calls_deleted", "RETENTION_HISTORY_DAYS", _delete_calls)
register_chore("runs_deleted", "RETENTION_HISTORY_DAYS", _delete_runs)
register_chore("alerts_deleted", "RETENTION_ALERT_DAYS", _delete_alerts)

"""What is kept, and how long: chores that remove or mask old rows in small batches, beside the flows.

A package announces its chores; ``tidy`` carries them out within a time budget, an hour's task or ``manage.py purge``.
Each batch is a transaction of its own, so nothing waits for a chore, and a chore that is cut off goes on next time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from . import clock
from .deliveries.kinds import delivery_kinds
from .deliveries.states import FINISHED
from .models import (
    Alert,
    ApiCall,
    ApiRequest,
    Attempt,
    BulkRow,
    BulkRun,
    FlowRun,
    RetentionMark,
    RunStatus,
    ShadowCall,
)

log = structlog.get_logger(__name__)
BATCH = 500
# How many calls of unsettled deliveries are remembered until their turn; what is beyond that goes with the calls.
MOST_PASSED_OVER = 10_000


@dataclass(frozen=True, slots=True)
class Chore:
    """One thing that is tidied.

    name: how it is reported. days: the setting that says after how many days (0: never).
    work: treats at most so many rows that are older than a time; returns how many it treated, 0 when nothing is left.
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
            if not treated:
                break
    if any(done.values()):
        log.info("tidied", **done)
    return done


def _oldest(rows: QuerySet[Any], before: datetime, limit: int) -> Iterator[list[int]]:
    """Yield the ids of rows whose ``started_at`` is before a time, oldest first, ``limit`` at a time."""
    last = 0
    while True:
        page = list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", "started_at")[:limit])
        old = [pk for pk, moment in page if moment < before]
        if old:
            yield old
        if len(old) < limit:
            return
        last = old[-1]


def _in_use(attempts: QuerySet[Attempt]) -> set[int]:
    """Return those attempts (primary keys) whose delivery is not settled, or is being worked on at this moment.

    The settled ones are locked until the end of the transaction.
    """
    of_kind: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for pk, name, delivery_id in attempts.values_list("pk", "kind", "delivery_id"):
        of_kind[name][delivery_id].append(pk)
    used: set[int] = set()
    for name, by_delivery in of_kind.items():
        kind = delivery_kinds().get(name)
        if kind is None:
            continue
        rows = kind.model._default_manager.filter(pk__in=list(by_delivery))
        there = set(rows.values_list("pk", flat=True))
        settled = rows.filter(status__in=FINISHED, lease_token="").select_for_update(skip_locked=True)
        for delivery_id in there - set(settled.values_list("pk", flat=True)):
            used |= set(by_delivery[delivery_id])
    return used


def _calls_in_use(calls: Sequence[int]) -> set[int]:
    """Return those calls (primary keys) that belong to attempts of deliveries that are not settled."""
    last = Attempt.objects.filter(api_call__in=calls)
    earlier = Attempt.earlier_calls.through._default_manager.filter(apicall__in=calls)
    pairs = [*last.values_list("pk", "api_call"), *earlier.values_list("attempt", "apicall")]
    if not pairs:
        return set()
    used = _in_use(Attempt.objects.filter(pk__in={attempt for attempt, _call in pairs}))
    return {call for attempt, call in pairs if attempt in used}


def _empty_call_bodies(before: datetime, limit: int) -> int:
    """Clear requests and replies; the calls themselves stay in the log. A mark says how far this has come.

    What an unsettled delivery still needs is passed over, remembered, and looked at again every time.
    """
    mark, _made = RetentionMark.objects.select_for_update().get_or_create(name="call_bodies")
    page = next(_oldest(ApiCall.objects.filter(pk__gt=mark.up_to), before, limit), [])
    kept = _calls_in_use([*mark.passed_over, *page])
    old = [pk for pk in (*mark.passed_over, *page) if pk not in kept]
    if old or page:
        ApiCall.objects.filter(pk__in=old).update(request_excerpt="", response_excerpt="")
        mark.up_to = page[-1] if page else mark.up_to
        mark.passed_over = sorted(kept)[-MOST_PASSED_OVER:]
        mark.save(update_fields=["up_to", "passed_over"])
    return len(page)


def _delete_attempts(before: datetime, limit: int) -> int:
    """Delete attempts of settled deliveries: verification and repetition of the others ask what was tried before."""
    number = 0
    for ids in _oldest(Attempt.objects.all(), before, limit):
        kept = _in_use(Attempt.objects.filter(pk__in=ids))
        number += len(ids) - len(kept)
        Attempt.objects.filter(pk__in=[pk for pk in ids if pk not in kept]).delete()
        if number:
            break
    return number


def _delete_calls(before: datetime, limit: int) -> int:
    """Delete calls that no unsettled delivery needs."""
    number = 0
    for ids in _oldest(ApiCall.objects.all(), before, limit):
        kept = _calls_in_use(ids)
        number += len(ids) - len(kept)
        ApiCall.objects.filter(pk__in=[pk for pk in ids if pk not in kept]).delete()
        if number:
            break
    return number


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


def _delete_api_answers(before: datetime, limit: int) -> int:
    old = list(ApiRequest.objects.filter(made_at__lt=before).order_by("pk").values_list("pk", flat=True)[:limit])
    if old:
        ApiRequest.objects.filter(pk__in=old).delete()
    return len(old)


def _delete_bulk_rows(before: datetime, limit: int) -> int:
    """Delete the rows of bulk runs that are over, then the runs that have none left: a run has up to all orders."""
    over = BulkRun.objects.filter(finished_at__lt=before)
    rows = list(BulkRow.objects.filter(run__in=over).order_by("pk").values_list("pk", flat=True)[:limit])
    if rows:
        return BulkRow.objects.filter(pk__in=rows).delete()[0]
    runs = list(over.order_by("pk").values_list("pk", flat=True)[:limit])
    return BulkRun.objects.filter(pk__in=runs).delete()[0] if runs else 0


def _delete_shadow_calls(before: datetime, limit: int) -> int:
    """Delete what would have been sent; a step that still waits in shadow is computed anew."""
    old = list(ShadowCall.objects.filter(made_at__lt=before).order_by("pk").values_list("pk", flat=True)[:limit])
    return ShadowCall.objects.filter(pk__in=old).delete()[0] if old else 0


register_chore("call_bodies_emptied", "RETENTION_CALL_BODY_DAYS", _empty_call_bodies)
register_chore("attempts_deleted", "RETENTION_HISTORY_DAYS", _delete_attempts)
register_chore("calls_deleted", "RETENTION_HISTORY_DAYS", _delete_calls)
register_chore("runs_deleted", "RETENTION_HISTORY_DAYS", _delete_runs)
register_chore("bulk_rows_deleted", "RETENTION_HISTORY_DAYS", _delete_bulk_rows)
register_chore("shadow_calls_deleted", "RETENTION_CALL_BODY_DAYS", _delete_shadow_calls)
register_chore("alerts_deleted", "RETENTION_ALERT_DAYS", _delete_alerts)
register_chore("api_answers_deleted", "RETENTION_API_KEY_DAYS", _delete_api_answers)

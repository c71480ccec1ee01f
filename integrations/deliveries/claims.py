"""Claiming due rows under a lease, and writing down what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from ..calls import CallRecord
from ..models import ApiCall, Attempt, AttemptAction, Vendor
from ..outages import Absences
from ..processes import current_holder, is_dead
from ..sentences import gettext as _
from ..stops import STOPPED_CODE
from ..upserts import insert
from . import outcomes
from .kinds import DeliveryKind, broken_inside
from .models import Delivery
from .outcomes import Outcome
from .owners import lock_by_key, lock_owners, with_free_owners
from .states import State
from .stopped import while_stopped
from .transitions import apply_outcome
from .writing import save_columns

D = TypeVar("D", bound=Delivery)
log = structlog.get_logger(__name__)

# A vendor's change log can have very many pages; each attempt of a batch is linked to the last of them.
MOST_EARLIER_CALLS = 20
# So many deliveries of one call have each of its calls in their own history.
FEW_TOGETHER = 20
# Every column that an outcome can change.
OUTCOME_FIELDS = [
    "status", "due_at", "lease_token", "lease_holder", "attempts", "failures", "failing_since", "maybe_sent", "solo",
    "reason_code", "last_error_kind", "last_error_code", "last_error", "last_attempt_at", "remote_request_id",
    "remote_reference", "finished_at", "changed_at", "cause",
]  # fmt: skip


@dataclass(slots=True)
class Claimed(Generic[D]):
    """Rows that this process may act on until the lease ends, by what is to be done with them."""

    token: str
    lease: timedelta
    by_action: dict[AttemptAction, list[D]] = field(default_factory=dict)
    seen: int = 0


@dataclass(slots=True)
class Result(Generic[D]):
    """What became of one claimed row."""

    delivery: D
    outcome: Outcome
    action: AttemptAction
    started_at: datetime
    duration_ms: int = 0
    calls: Sequence[CallRecord] = ()


def anything_to_do(kind: DeliveryKind[D], now: datetime) -> bool:
    """Return whether a pass may find anything: rows that are due, or leased to a process that may have died.

    One small statement of plain SQL: every flow asks, and mostly there is nothing.
    """
    table = kind.model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT 1 FROM {table} WHERE due_at <= %s) OR EXISTS"  # noqa: S608 - our own name
            f" (SELECT 1 FROM {table} WHERE due_at IS NOT NULL AND lease_holder <> '')",
            [connection.ops.adapt_datetimefield_value(now)],
        )
        (found,) = cursor.fetchone()
    return bool(found)


def claim(
    kind: DeliveryKind[D],
    *,
    token: str,
    lease: timedelta,
    due_before: datetime,
    now: datetime,
    limit: int,
    ids: Iterable[int] | None = None,
    without: Collection[str] = (),
) -> Claimed[D]:
    """Take up to ``limit`` rows that were due at ``due_before``, oldest first, and commit.

    Rows whose conditions no longer hold, and rows whose lease ran out, get their new state here.
    ``ids`` limits the claim to these rows. Nothing is claimed that is sent to a vendor in ``without``.
    """
    claimed: Claimed[D] = Claimed(token, lease)
    with transaction.atomic():
        query = kind.queryset().filter(kind.not_writing_to(without), due_at__lte=due_before)
        if ids is not None:
            query = query.filter(id__in=ids)
        rows = list(query.select_for_update(skip_locked=True, of=("self",)).order_by("due_at", "id")[:limit])
        claimed.seen = len(rows)
        if not rows:
            return claimed
        if len(rows) == limit:
            rows = _whole_requests(rows)
        abandoned = [row for row in rows if row.status == State.IN_PROGRESS]
        due = [row for row in rows if row.status == State.DUE]
        uncertain = [row for row in rows if row.status == State.UNCERTAIN]
        refused = _check(kind, due, now) if due else {}
        refused |= while_stopped(kind, [row for row in due if row.pk not in refused])
        due, abandoned = _with_free_owners(due, refused), with_free_owners(abandoned)
        settled = [Result(row, refused[row.pk], AttemptAction.SEND, now) for row in due if row.pk in refused]
        settled += [Result(row, _lease_ran_out(), AttemptAction.SEND, now) for row in abandoned]
        _write(kind, settled, now)
        groups = {
            AttemptAction.SEND: [row for row in due if row.pk not in refused],
            AttemptAction.VERIFY: uncertain,
            AttemptAction.POLL: [row for row in rows if row.status == State.ACCEPTED],
        }
        for action, group in groups.items():
            if group:
                _take(kind, action, group, token, now, now + lease)
                claimed.by_action[action] = group
    return claimed


def _whole_requests(rows: list[D]) -> list[D]:
    """Leave the last request's accepted rows to the next claim: cut in two, its log would be read twice."""
    last = rows[-1].remote_request_id
    kept = [row for row in rows if row.status != State.ACCEPTED or row.remote_request_id != last]
    return kept if last and rows[-1].status == State.ACCEPTED and kept else rows


def _with_free_owners(due: list[D], refused: Mapping[int, Outcome]) -> list[D]:
    """A refusal has consequences for the owner: where somebody is at that, the row is left to a later claim."""
    free = {row.pk for row in with_free_owners([row for row in due if row.pk in refused])}
    return [row for row in due if row.pk not in refused or row.pk in free]


def _check(kind: DeliveryKind[D], due: list[D], now: datetime) -> dict[int, Outcome]:
    """Check the conditions; a delivery whose check breaks goes to a person and stops no other."""
    try:
        with transaction.atomic():
            return kind.check(due, now)
    except Exception:
        if len(due) == 1:
            log.exception("check_broke", delivery=due[0].key)
            return {due[0].pk: broken_inside()}
    return {pk: outcome for row in due for pk, outcome in _check(kind, [row], now).items()}


def _lease_ran_out() -> Outcome:
    return outcomes.unknown(
        "lease_expired", _("The worker ended while the call was under way; its outcome is being verified.")
    )


def _take(
    kind: DeliveryKind[D], action: AttemptAction, rows: list[D], token: str, now: datetime, until: datetime
) -> None:
    holder = current_holder()
    changes: dict[str, object] = {"lease_token": token, "lease_holder": holder, "due_at": until, "changed_at": now}
    if action == AttemptAction.SEND:
        # The request id of an earlier attempt must not answer for this one.
        changes |= {
            "status": State.IN_PROGRESS,
            "attempts": F("attempts") + 1,
            "last_attempt_at": now,
            "remote_request_id": "",
        }
    kind.model._default_manager.filter(pk__in=[row.pk for row in rows]).update(**changes)
    for row in rows:
        row.lease_token, row.lease_holder, row.due_at = token, holder, until
        if action == AttemptAction.SEND:
            row.status, row.attempts, row.last_attempt_at = State.IN_PROGRESS, row.attempts + 1, now
            row.remote_request_id = ""


def record(
    kind: DeliveryKind[D], results: Sequence[Result[D]], *, token: str, now: datetime, run_id: int | None
) -> int:
    """Write the results of rows that are still ours, in one transaction; return how many were lost to a lease.

    A row whose lease has gone to another worker is left alone: that worker will find out the truth.
    """
    with transaction.atomic():
        rows = kind.model._default_manager.filter(pk__in=[result.delivery.pk for result in results])
        lock_owners(rows)
        ours = set(lock_by_key(rows.filter(lease_token=token)))
        kept = [result for result in results if result.delivery.pk in ours]
        _go_on_after_a_stop(kind, kept)
        rows_of_calls = _write(kind, kept, now, run_id)
        logged = {id(call) for result in kept for call in result.calls}
        # What was called for rows that are not ours any more was called all the same.
        save_calls(
            {
                id(call): call
                for result in results
                for call in result.calls
                if id(call) not in logged and call.row_id is None
            }.values(),
            run_id,
        )
    for result in kept:  # committed: an attempt that is recorded later refers to the same row
        for call in result.calls:
            call.row_id = rows_of_calls[id(call)]
    return len(results) - len(kept)


def _go_on_after_a_stop(kind: DeliveryKind[D], results: Sequence[Result[D]]) -> None:
    """The door refused these because of an emergency stop; where it has ended meanwhile, nobody would release them."""
    refused = [one for one in results if one.outcome.code == STOPPED_CODE and one.outcome.state == State.WAITING]
    stopped = while_stopped(kind, [one.delivery for one in refused])
    for one in refused:
        if one.delivery.pk not in stopped:
            one.outcome = Outcome(State.DUE, counted=False, retry_after=0)


def _write(
    kind: DeliveryKind[D], results: Sequence[Result[D]], now: datetime, run_id: int | None = None
) -> dict[int, int]:
    """Write the results; return the rows of their calls in the call log, by ``id(call)``."""
    if not results:
        return {}
    api_calls = _save_calls(results, run_id)
    attempts = []
    absences = _absences(kind, results, now)
    for result in results:
        vendor = kind.vendor_of(result.delivery)
        apply_outcome(result.delivery, result.outcome, now, result.action, partial(absences.of, vendor))
        result.delivery.changed_at = now
        attempts.append(_attempt(kind, result, api_calls))
    save_columns([result.delivery for result in results], OUTCOME_FIELDS)
    insert(attempts)
    _link_earlier_calls(attempts, results, api_calls)
    kind.recorded([(result.delivery, result.outcome) for result in results], now)
    return api_calls


def _absences(kind: DeliveryKind[D], results: Sequence[Result[D]], now: datetime) -> Absences:
    """Look up the vendors' outages, where the time that a row has been failing or open may decide what it becomes."""
    shortest = timedelta(hours=min(settings.ATTENTION_AFTER_HOURS, settings.GIVE_UP_AFTER_HOURS))
    times = [time for one in results for time in (one.delivery.failing_since, one.delivery.last_attempt_at) if time]
    old = [time for time in times if now - time > shortest]
    vendors = [vendor for vendor in Vendor.values if kind.writes_to(vendor)] if old else []
    return Absences(vendors, min(old, default=now))


def _attempt(kind: DeliveryKind[D], result: Result[D], api_calls: dict[int, int]) -> Attempt:
    last_call = result.calls[-1] if result.calls else None
    return Attempt(
        kind=kind.name,
        delivery_id=result.delivery.pk,
        action=result.action,
        started_at=result.started_at,
        duration_ms=result.duration_ms,
        outcome=result.delivery.status,
        error_kind=result.outcome.error_kind,
        error_code=result.outcome.code[:120],
        message=result.outcome.message,
        vendor_request_id=last_call.vendor_request_id if last_call else "",
        api_call_id=api_calls[id(last_call)] if last_call else None,
    )


def _link_earlier_calls(attempts: Sequence[Attempt], results: Sequence[Result[D]], api_calls: dict[int, int]) -> None:
    """Most attempts make one call, which stands in their own row; what went before it is linked here.

    Where many deliveries share their calls, only those that wrote: pages of a log, times 500 orders, were half of all
    rows that an order left, and none of them shows one order.
    """
    shared = Counter(id(result.calls[-1]) for result in results if result.calls)
    link = Attempt.earlier_calls.through
    link._default_manager.bulk_create(
        link(attempt_id=attempt.pk, apicall_id=api_calls[id(call)])
        for attempt, result in zip(attempts, results, strict=True)
        for call in result.calls[:-1][-MOST_EARLIER_CALLS:]
        if call.writes or shared[id(result.calls[-1])] <= FEW_TOGETHER
    )


def _save_calls(results: Sequence[Result[D]], run_id: int | None) -> dict[int, int]:
    records = {id(call): call for result in results for call in result.calls}
    new = {key: call for key, call in records.items() if call.row_id is None}
    rows = {key: row.pk for key, row in zip(new, save_calls(new.values(), run_id), strict=True)}
    return rows | {key: call.row_id for key, call in records.items() if call.row_id is not None}


def save_calls(records: Iterable[CallRecord], run_id: int | None) -> list[ApiCall]:
    """Write calls to the call log."""
    return ApiCall.objects.bulk_create(
        ApiCall(
            vendor=record.vendor,
            operation=record.operation,
            method=record.method,
            path=record.path[:300],
            started_at=record.started_at,
            duration_ms=record.duration_ms,
            status=record.status,
            request_excerpt=record.request_excerpt,
            response_excerpt=record.response_excerpt,
            vendor_request_id=record.vendor_request_id[:120],
            error=record.error[:60],
            flow_run_id=run_id,
        )
        for record in records
    )


def extend_leases(kind: DeliveryKind[D], token: str, lease: timedelta, now: datetime) -> int:
    """Heartbeat: keep the rows of a living worker leased. Returns how many there are."""
    return (
        kind.model._default_manager.filter(due_at__isnull=False, lease_token=token)
        .exclude(lease_token="")
        .update(due_at=now + lease)
    )


def release_dead(kind: DeliveryKind[D], now: datetime) -> int:
    """Let rows of workers that died on this machine be looked at now instead of at the end of their lease."""
    leased = kind.model._default_manager.filter(due_at__isnull=False).exclude(lease_holder="")
    dead = [holder for holder in leased.order_by().values_list("lease_holder", flat=True).distinct() if is_dead(holder)]
    return leased.filter(lease_holder__in=dead).update(due_at=now) if dead else 0

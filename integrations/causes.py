"""Causes: what many parked deliveries have in common, so that a person mends it once.

A cause is a kind of delivery, a vendor, a code and, where a vendor spoke, its message without particulars.
Every delivery that a person must look at carries its cause's key; ``refresh_causes`` counts them.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, CharField, Count, DateTimeField, F, Max, Min, Q, Value, When
from django.db.models.functions import Cast

from .deliveries.kinds import DeliveryKind, delivery_kinds
from .deliveries.models import Delivery
from .deliveries.owners import lock_by_key
from .deliveries.states import State
from .models import Cause
from .particulars import normalise
from .sentences import without_particulars

# So long an uncertain delivery is left to its verification before it is shown to people.
VERIFICATION_IS_LATE_AFTER = timedelta(minutes=5)
STAMPED_AT_ONCE = 2000
# What a person must do something about; an uncertain one is verified by the machine first.
NEEDS_A_PERSON = (State.NEEDS_ATTENTION, State.FAILED)
SHOWN = (*NEEDS_A_PERSON, State.UNCERTAIN)
NO_DEADLINE = Cast(Value(None), DateTimeField())


def cause_of(kind: str, vendor: str, code: str, message: str) -> str:
    """Return the key of a cause: the same for deliveries that failed in the same way, in every process."""
    parts = "\x1f".join((kind, vendor, code, normalise(message)))
    return hashlib.sha256(parts.encode()).hexdigest()[:40]


def cause_for(delivery: Delivery) -> str:
    """Return the cause that a delivery is parked for, "" for one that needs nobody."""
    code = delivery.reason_code or delivery.last_error_code
    kind = delivery_kinds().get(delivery.KIND)
    vendor = kind.vendor_of(delivery) if kind else ""
    return cause_for_state(delivery.KIND, vendor, delivery.status, code, delivery.last_error_kind, delivery.last_error)


def cause_for_state(kind: str, vendor: str, status: str, code: str, error_kind: str, message: str) -> str:
    """Return the cause of a delivery with these facts, "" where nobody is needed.

    Our own codes say by themselves what is to be done; their texts only add which order it is about. So the
    message counts where a vendor spoke (``error_kind`` is set).
    """
    return cause_of(kind, vendor, code, message if error_kind else "") if status in SHOWN else ""


def cause_column(kind_name: str, status: str, code: str, message: str) -> Any:
    """Return what a statement that parks many rows of a kind writes to their ``cause``: each row's own vendor's."""
    kind = delivery_kinds().get(kind_name)

    def key(vendor: str) -> str:
        return cause_for_state(kind_name, vendor, status, code, "", message)

    if kind is None or kind.vendor_by is None:
        return key(kind.vendor if kind else "")
    column, vendors = kind.vendor_by
    cases = [When(**{column: value}, then=Value(key(vendor))) for value, vendor in vendors.items()]
    return Case(*cases, default=Value(key(kind.vendor)), output_field=CharField())


# --- What is parked ------------------------------------------------------------------------------------


def parked(now: datetime) -> Q:
    """Return the condition on deliveries that the inbox shows: for a person, or uncertain for longer than usual."""
    long_ago = now - VERIFICATION_IS_LATE_AFTER
    late = Q(failures__gt=1) | Q(last_attempt_at__lte=long_ago) | Q(last_attempt_at=None, changed_at__lte=long_ago)
    return Q(status__in=SHOWN) & (~Q(status=State.UNCERTAIN) | late)


@dataclass(frozen=True, slots=True)
class Group:
    """The parked deliveries of one kind and one cause, counted by the database. ``sample`` is one of them."""

    kind: str
    cause: str
    open: int
    verifying: int
    first_at: datetime
    last_at: datetime
    deadline: datetime | None
    sample: int


def groups(now: datetime, only: Iterable[str] | None = None, **conditions: Any) -> list[Group]:
    """Count what is parked by kind and cause: one query, by the index on status.

    only: names of the kinds to count. conditions: further limits; kinds whose table lacks such a column are left out.
    """
    wanted = set(delivery_kinds() if only is None else only)
    kinds = [
        kind
        for name, kind in delivery_kinds().items()
        if name in wanted and all(has_column(kind, path) for path in conditions)
    ]
    parts = [_grouped(kind, now, conditions) for kind in kinds]
    if not parts:
        return []
    rows = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    return [Group(*row) for row in rows]


def has_column(kind: DeliveryKind[Any], path: str) -> bool:
    """Return whether a path such as ``order__retailer_id`` starts at a column of the kind's table."""
    return path.partition("__")[0] in {column.name for column in kind.model._meta.get_fields()}


def _grouped(kind: DeliveryKind[Any], now: datetime, conditions: dict[str, Any]) -> Any:
    # Cast only where there is no column: SQLite cuts a cast time to milliseconds.
    deadline: Any = NO_DEADLINE if kind.deadline is None else Min(kind.deadline)
    return (
        kind.model._default_manager.order_by()
        .filter(parked(now), **conditions)
        .values("cause")
        .annotate(
            kind_name=Value(kind.name, output_field=CharField()),
            number=Count("pk"),
            verifying=Count("pk", filter=Q(status=State.UNCERTAIN)),
            first_at=Min("changed_at"),
            last_at=Max("changed_at"),
            deadline=deadline,
            sample=Min("pk"),
        )
        .values_list("kind_name", "cause", "number", "verifying", "first_at", "last_at", "deadline", "sample")
    )


def deliveries_of(cause: Cause, now: datetime) -> Any:
    """Return the parked deliveries of a cause, those with the nearest deadline first."""
    kind = delivery_kinds()[cause.kind]
    rows = kind.model._default_manager.filter(parked(now), cause=cause.key)
    if kind.deadline is None:
        return rows.annotate(deadline=NO_DEADLINE).order_by("pk")
    return rows.annotate(deadline=kind.deadline).order_by(F("deadline").asc(nulls_last=True), "pk")


# --- Keeping the table of causes -----------------------------------------------------------------------


@dataclass(slots=True)
class Refreshed:
    """What a refresh changed: causes that opened (new ones, and those that came back) and causes that closed."""

    opened: list[Cause] = field(default_factory=list)
    closed: list[Cause] = field(default_factory=list)


def refresh_causes(now: datetime) -> Refreshed:
    """Bring the causes in step with what is parked: count, open, close, open again.

    One small query when nothing is parked and nothing was; safe to call at any time by any number of processes.
    """
    kinds, any_open = _parked_kinds()
    if not kinds and not any_open:
        return Refreshed()
    found = groups(now, kinds)
    without = {group.kind for group in found if not group.cause}
    if without:
        for kind in without:
            _stamp(delivery_kinds()[kind], now)
        found = groups(now, kinds)
    present = {group.cause: group for group in found if group.cause}
    known = {cause.key: cause for cause in Cause.objects.filter(Q(closed_at=None) | Q(key__in=list(present)))}
    result = Refreshed()
    _close([cause for key, cause in known.items() if key not in present], now, result)
    _count(known, present, result)
    _create([group for key, group in present.items() if key not in known], result)
    return result


def _parked_kinds() -> tuple[list[str], bool]:
    """Return the kinds of which something may be parked, and whether a cause is open.

    One small query of plain SQL: it is asked after every flow run, and mostly nothing is parked.
    """
    kinds = delivery_kinds()
    states = ", ".join(f"'{state.value}'" for state in SHOWN)
    tables = [kind.model._meta.db_table for kind in kinds.values()]
    looks = [f"EXISTS (SELECT 1 FROM {table} WHERE status IN ({states}))" for table in tables]  # noqa: S608 - our names
    looks.append(f"EXISTS (SELECT 1 FROM {Cause._meta.db_table} WHERE closed_at IS NULL)")  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(looks)}")
        *parked_kinds, any_open = cursor.fetchone()
    return [name for name, found in zip(kinds, parked_kinds, strict=True) if found], bool(any_open)


def _stamp(kind: DeliveryKind[Any], now: datetime) -> None:
    """Give a cause to parked rows without one: written by an older release, or parked by another way."""
    which = kind.vendor_by[0] if kind.vendor_by else "key"
    columns = ("pk", which, "status", "reason_code", "last_error_code", "last_error_kind", "last_error")
    rows = kind.model._default_manager.filter(parked(now), cause="").order_by("pk").values_list(*columns)
    last = 0
    while chunk := list(rows.filter(pk__gt=last)[:STAMPED_AT_ONCE]):
        by_cause: dict[str, list[int]] = defaultdict(list)
        for pk, value, status, reason, code, error_kind, message in chunk:
            vendor = kind.vendor_for(value)
            by_cause[cause_for_state(kind.name, vendor, status, reason or code, error_kind, message)].append(pk)
        for key, pks in by_cause.items():
            without = kind.model._default_manager.filter(pk__in=pks, status__in=SHOWN, cause="")
            with transaction.atomic():
                lock_by_key(without)
                without.update(cause=key)
        last = chunk[-1][0]


def _close(causes: Sequence[Cause], now: datetime, result: Refreshed) -> None:
    if causes:
        over = Cause.objects.filter(pk__in=[cause.pk for cause in causes])
        with transaction.atomic():
            list(over.order_by("key").select_for_update(no_key=True))
            over.update(closed_at=now, open_count=0, verifying_count=0, oldest_deadline=None)
        result.closed += causes


def _count(known: dict[str, Cause], present: dict[str, Group], result: Refreshed) -> None:
    """Write the figures that changed, all causes in one statement."""
    changed = []
    for key, group in present.items():
        cause = known.get(key)
        if cause is None:
            continue
        if cause.closed_at is not None:
            cause.closed_at, cause.opened_at = None, group.first_at
            result.opened.append(cause)
        before = (cause.open_count, cause.verifying_count, cause.oldest_deadline, cause.last_seen_at)
        last_seen = max(cause.last_seen_at, group.last_at)
        if before != (group.open, group.verifying, group.deadline, last_seen) or cause in result.opened:
            cause.open_count, cause.verifying_count = group.open, group.verifying
            cause.oldest_deadline, cause.last_seen_at = group.deadline, last_seen
            changed.append(cause)
    _save(changed, ["id"])


def _create(new: Sequence[Group], result: Refreshed) -> None:
    samples = _samples(new)
    causes = []
    for group in new:
        vendor, code, message = samples.get((group.kind, group.sample), (delivery_kinds()[group.kind].vendor, "", ""))
        causes.append(
            Cause(
                key=group.cause, kind=group.kind, vendor=vendor, code=code, message=without_particulars(message),
                first_seen_at=group.first_at, opened_at=group.first_at, last_seen_at=group.last_at,
                open_count=group.open, verifying_count=group.verifying, oldest_deadline=group.deadline,
            )
        )  # fmt: skip
    _save(causes, ["key"])
    result.opened += causes


def _samples(new: Iterable[Group]) -> dict[tuple[str, int], tuple[str, str, str]]:
    """Return vendor, code and message of one delivery of each group: a query for each kind."""
    ids: dict[str, list[int]] = defaultdict(list)
    for group in new:
        ids[group.kind].append(group.sample)
    found = {}
    for kind, pks in ids.items():
        known = delivery_kinds()[kind]
        which = known.vendor_by[0] if known.vendor_by else "key"
        rows = known.model._default_manager.filter(pk__in=pks)
        columns = ("pk", which, "reason_code", "last_error_code", "last_error")
        for pk, value, reason, code, message in rows.values_list(*columns):
            found[kind, pk] = (known.vendor_for(value), reason or code, message)
    return found


def _save(causes: Sequence[Cause], unique: list[str]) -> None:
    """Write them in one order: after every flow run some process does the same."""
    if causes:
        Cause.objects.bulk_create(
            sorted(causes, key=lambda cause: cause.key),
            update_conflicts=True,
            unique_fields=unique,
            update_fields=[
                "open_count", "verifying_count", "oldest_deadline", "last_seen_at", "opened_at", "closed_at",
            ],
        )  # fmt: skip

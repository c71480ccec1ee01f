"""What a flow found out about rows that wait becomes their state: in bulk, and never against a worker or a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction

from integrations.deliveries.claims import OUTCOME_FIELDS
from integrations.deliveries.kinds import delivery_kinds
from integrations.deliveries.models import Delivery
from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.owners import lock_owners
from integrations.deliveries.states import State
from integrations.deliveries.stopped import while_stopped
from integrations.deliveries.transitions import apply_outcome
from integrations.deliveries.writing import save_columns
from integrations.models import AttemptAction

D = TypeVar("D", bound=Delivery)

# Nothing more is missing: the engine may take the row.
READY = Outcome(State.DUE, counted=False, retry_after=0)
DECIDABLE = (State.WAITING, State.NEEDS_ATTENTION, State.DUE)


def decide(
    rows: Sequence[D],
    decisions: Mapping[int, Outcome],
    now: datetime,
    values: Mapping[int, Mapping[str, Any]] | None = None,
) -> Counter[str]:
    """Give the rows (as read a moment ago) the states decided by primary key; return how many changed, by state.

    values: further columns by primary key. Rows that say the same already are not written; rows that
    were changed meanwhile (by a worker, or by a person who composed a shipment), or that may have been sent, stay as
    they are.
    """
    values = values or {}
    counts: Counter[str] = Counter()
    told = [row for row in rows if row.pk in decisions and _is_news(row, decisions[row.pk], values)]
    if not told:
        return counts
    model = type(told[0])
    with transaction.atomic():
        lock_owners(model._default_manager.filter(pk__in=[row.pk for row in told]))
        decisions = _while_stopped(told, decisions)
        changed = {row.pk: row for row in told if _is_news(row, decisions[row.pk], values)}
        fresh = model._default_manager.select_for_update().filter(
            pk__in=list(changed), status__in=DECIDABLE, maybe_sent=False
        )
        decided = [row for row in fresh.order_by("pk") if row.changed_at == changed[row.pk].changed_at]
        for row in decided:
            _apply(row, decisions[row.pk], now, values.get(row.pk, {}))
        counts.update(row.status for row in decided)
        if decided:
            more = sorted({name for row in decided for name in values.get(row.pk, {})})
            save_columns(decided, [*OUTCOME_FIELDS, *more])
    return counts


def _while_stopped(rows: Sequence[D], decisions: Mapping[int, Outcome]) -> Mapping[int, Outcome]:
    """What is ready waits as long as its vendor is stopped, instead of being made due and refused in every pass."""
    ready = [row for row in rows if row.pk in decisions and decisions[row.pk].state == State.DUE]
    return {**decisions, **while_stopped(delivery_kinds()[ready[0].KIND], ready)} if ready else decisions


def _is_news(row: Delivery, outcome: Outcome, values: Mapping[int, Mapping[str, Any]]) -> bool:
    said = (row.status, row.reason_code, row.last_error)
    if said != (outcome.state, outcome.code[:60], outcome.message):
        return True
    return any(getattr(row, name) != value for name, value in values.get(row.pk, {}).items())


def _apply(row: Delivery, outcome: Outcome, now: datetime, values: Mapping[str, Any]) -> None:
    row.failures, row.failing_since = 0, None
    apply_outcome(row, outcome, now, AttemptAction.SEND)
    if not outcome.message:  # an ordinary wait is no error
        row.last_error_kind = row.last_error_code = row.last_error = ""
    for name, value in values.items():
        setattr(row, name, value)
    row.changed_at = now

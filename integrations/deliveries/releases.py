"""Moving many rows at once outside a call: a condition came true, or stopped being true."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from django.db import transaction
from django.db.models import QuerySet

from ..causes import cause_column
from .models import Delivery
from .owners import lock_owners
from .states import FINISHED, IN_FLIGHT, TRANSITIONS, State

D = TypeVar("D", bound=Delivery)


def release(rows: QuerySet[D], now: datetime) -> int:
    """Make rows due now; rows that are in flight, due already or finished stay as they are. Returns how many moved.

    A row that may have had its effect goes to verification instead.
    """
    movable = rows.filter(status__in=_that_may_become(State.DUE))
    moved = movable.filter(maybe_sent=True).update(
        status=State.UNCERTAIN, due_at=now, reason_code="", cause="", finished_at=None, changed_at=now
    )
    return moved + movable.filter(maybe_sent=False).update(
        status=State.DUE, due_at=now, reason_code="", cause="", finished_at=None, changed_at=now, failures=0,
        failing_since=None,
    )  # fmt: skip


def release_as_read(rows: Sequence[D], now: datetime) -> int:
    """Make rows due that still say what they said when they were read; return how many.

    Between the read and now a person may have skipped one, or a flow may have parked it for something else: what was
    found out about it does not count then.
    """
    if not rows:
        return 0
    manager = type(rows[0])._default_manager
    with transaction.atomic():
        return release(manager.filter(pk__in=still_as_read(rows)), now)


def still_as_read(rows: Sequence[D]) -> list[int]:
    """Lock the rows that still say what they said when they were read, and return their keys. In a transaction."""
    said = {row.pk: (row.status, row.reason_code, row.maybe_sent) for row in rows}
    fresh = type(rows[0])._default_manager.filter(pk__in=list(said), lease_token="") if rows else None
    if fresh is None:
        return []
    lock_owners(fresh)
    locked = fresh.order_by("pk").select_for_update(no_key=True)
    found = locked.values_list("pk", "status", "reason_code", "maybe_sent")
    return [pk for pk, *says in found if tuple(says) == said[pk]]


def park(rows: QuerySet[D], state: State, code: str, message: str, now: datetime) -> int:
    """Put rows that are not in flight into ``waiting``, ``needs_attention``, ``skipped`` or ``cancelled``.

    code/message: the reason that staff see. Returns how many moved.
    """
    finished_at = now if state in FINISHED else None
    return rows.filter(status__in=_that_may_become(state) - {state}).update(
        status=state,
        due_at=None,
        reason_code=code,
        last_error_kind="",
        last_error_code=code if message else "",
        last_error=message,
        finished_at=finished_at,
        changed_at=now,
        cause=cause_column(rows.model.KIND, state, code, message),
    )


def _that_may_become(state: State) -> frozenset[State]:
    return frozenset(before for before, after in TRANSITIONS.items() if state in after) - IN_FLIGHT

"""Moving many rows at once outside a call: a condition came true, or stopped being true."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from django.db.models import QuerySet

from ..causes import cause_column
from .models import Delivery
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

"""What a change of an order at DSCO means for what we owe: in bulk, and only for rows that nothing was sent for yet.

What is under way or done belongs to the engine and to the cancellation flow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from integrations.deliveries.releases import park, release
from integrations.deliveries.states import IN_FLIGHT, State

from .conditions import is_cancelled, is_cancelled_by_staff
from .first_sight import CLOSED_REASONS, FIRST_REASONS, FOLLOWING, FirstState, push_state
from .models import Cancellation, ErpPush, Order, OrderLine
from .order_rows import OrderRow
from .policies import policies_for
from .stages import refresh_stages

# A push parked for one of these is tried again when the payload has changed; so is one with unmapped codes.
DATA_PROBLEMS = frozenset({"missing_address", "missing_price", "no_lines", "unreadable_order", "invalid_order"})
# A cancellation, or the request for one, holds the push back.
STOPPED_REASONS = frozenset({"cancel_requested", "order_cancelled"})
NOT_READY = frozenset({"not_ready", "unknown_status"})


@dataclass(slots=True)
class Known:
    """An order as it was stored before (without payload), with its lines."""

    order: Order
    lines: list[OrderLine] = field(default_factory=list)


def react(changed: Sequence[tuple[Known, OrderRow]], now: datetime) -> set[str]:
    """Move the deliveries of changed orders to where DSCO's new facts put them; return the flows to start."""
    pushes = {push.order_id: push for push in _locked([row.order.pk for _known, row in changed])}
    policies = policies_for(row.order.retailer_id for _known, row in changed)
    refused = set(
        Cancellation.objects.filter(order__in=list(pushes), status=State.SKIPPED).values_list("order_id", flat=True)
    )
    moves: dict[FirstState, list[int]] = defaultdict(list)
    reopened, released = [], set()
    for known, row in changed:
        lines = known.lines if row.lines is None else row.lines
        push = pushes.get(row.order.pk)
        answered = row.order.pk in refused
        wanted = push_state(row.order, lines, policies[row.order.retailer_id], request_answered=answered)
        if _cancelled_more(known, row.order, lines):
            released.add("apply_cancellations")
        if push is None or not _untried(push):
            continue
        if push.reason_code in STOPPED_REASONS and wanted.state == State.DUE:
            reopened.append(row.order.pk)
        elif _is_news(push, wanted):
            moves[wanted].append(row.order.pk)
    _move(moves, now)
    _reopen(reopened, now)
    if reopened or any(wanted.state == State.DUE for wanted in moves):
        released.add("push_orders")
    refresh_stages(row.order.pk for _known, row in changed)
    return released


def _locked(order_ids: Sequence[int]) -> QuerySet[ErpPush]:
    return ErpPush.objects.select_for_update().filter(order__in=order_ids).order_by("pk")


def _untried(push: ErpPush) -> bool:
    """Nothing can have happened in LingXing: not under way, not done, not possibly done."""
    return push.status not in IN_FLIGHT | {State.SUCCEEDED} and not push.maybe_sent and not push.remote_reference


def _cancelled_more(known: Known, order: Order, lines: Sequence[OrderLine]) -> bool:
    """Return whether more is cancelled, or asked to be cancelled, than before."""
    if order.cancel_requested and not known.order.cancel_requested:
        return True
    if is_cancelled(order, lines) and not is_cancelled(known.order, known.lines):
        return True
    before = {line.position: line for line in known.lines}
    return any(
        line.cancelled_quantity > before[line.position].cancelled_quantity
        or (line.cancel_requested and not before[line.position].cancel_requested)
        for line in lines
        if line.position in before
    )


def _is_news(push: ErpPush, wanted: FirstState) -> bool:
    """Return whether the wanted state differs in kind from where the push stands."""
    if push.status == State.CANCELLED:
        return False
    if wanted.state in (State.CANCELLED, State.SKIPPED):
        return push.status != State.SKIPPED
    if wanted.state == State.NEEDS_ATTENTION:
        return push.status != State.SKIPPED
    if push.status == State.WAITING:
        return push.reason_code in NOT_READY and push.reason_code != wanted.reason
    if push.status == State.DUE:
        return wanted.state == State.WAITING
    return push.status in (State.FAILED, State.NEEDS_ATTENTION) and _is_data_problem(push.reason_code)


def _is_data_problem(reason_code: str) -> bool:
    return reason_code in DATA_PROBLEMS or reason_code.startswith("unmapped_")


def _move(moves: dict[FirstState, list[int]], now: datetime) -> None:
    for wanted, order_ids in moves.items():
        rows = ErpPush.objects.filter(order__in=order_ids)
        if wanted.state == State.DUE:
            release(rows, now)
            continue
        park(rows, wanted.state, wanted.reason, wanted.message, now)
        if wanted.reason in CLOSED_REASONS:
            for model in FOLLOWING:
                waiting = model._default_manager.filter(order__in=order_ids, status__in=[State.WAITING, State.DUE])
                park(waiting, wanted.state, wanted.reason, "", now)


def _reopen(order_ids: list[int], now: datetime) -> None:
    """A cancellation was withdrawn: push after all, unless ours has gone out to DSCO meanwhile."""
    if not order_ids:
        return
    going = Cancellation.objects.filter(order__in=order_ids, status__in=[*IN_FLIGHT, State.SUCCEEDED])
    free = set(order_ids) - set(going.values_list("order_id", flat=True))
    by_staff: dict[int, list[Cancellation]] = defaultdict(list)
    for row in Cancellation.objects.filter(order__in=free):
        by_staff[row.order_id].append(row)
    free -= {pk for pk, rows in by_staff.items() if is_cancelled_by_staff(rows)}
    release(ErpPush.objects.filter(order__in=free, status__in=[State.CANCELLED, State.WAITING]), now)
    for model in FOLLOWING:
        closed = model._default_manager.filter(order__in=free, status=State.CANCELLED, reason_code="order_cancelled")
        park(closed, State.WAITING, FIRST_REASONS[model], "", now)

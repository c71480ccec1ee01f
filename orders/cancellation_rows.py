"""The two rows of a cancellation: owed, put before a person, closed; and what the order's other deliveries do then.

No call here. Which of it applies to an order is decided in ``orders/flows/apply_cancellations.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from integrations.deliveries.releases import park, release
from integrations.deliveries.states import IN_FLIGHT, State
from integrations.flows.context import FlowContext

from . import cancellations as words
from .cancellations import (
    ALREADY_ADJUSTED,
    CANCEL_REQUESTED,
    ORDER_CANCELLED,
    REFUSED,
    WAITING_FOR_ERP,
    WITHDRAWN,
    WITHDRAWN_TOO_LATE,
    Wish,
)
from .first_sight import FIRST_REASONS, FOLLOWING
from .models import (
    Cancellation,
    CancellationAction,
    ErpOrder,
    ErpPush,
    ErpStatus,
    Order,
    Package,
    RetailerPolicy,
    Shipment,
)
from .policies import policies_for

ERP, DSCO = CancellationAction.ERP, CancellationAction.DSCO
# Not carried out yet.
OPEN_ROWS = frozenset({State.WAITING, State.DUE, State.FAILED, State.NEEDS_ATTENTION})
# Each action exists once per order; a second, different cancellation is told under this code.
CANCELLED_AGAIN = "cancelled_again"
Rows = dict[str, Cancellation]


# --- What is known of the order -----------------------------------------------------------------------


def has_shipped(order: Order) -> bool:
    """Return whether goods of the order have left, as far as we know: by LingXing, a package, or our own report."""
    return (
        Shipment.objects.filter(order=order, status__in=[*IN_FLIGHT, State.SUCCEEDED]).exists()
        or Package.objects.filter(order=order, shipped=True, ignored="").exists()
        or ErpOrder.objects.filter(
            order_links__order=order, order_links__ended_at=None, status=ErpStatus.SHIPPED, resend_of=[], deleted=False
        ).exists()
    )


def may_confirm(order: Order) -> bool:
    """Return whether DSCO may be told: nothing can be shipped any more, not pushed or stopped in LingXing.

    order: with ``erp_push`` and ``cancellations``. Whatever a push that was not sent waits for, it is not sent while
    the request is open (``undecided_requests``); waiting for it here would be waiting for each other.
    """
    stop = next((row for row in order.cancellations.all() if row.action == ERP), None)
    if stop is not None:
        return stop.status == State.SUCCEEDED or stop.reason_code == ALREADY_ADJUSTED
    push = order.erp_push
    return push.status not in IN_FLIGHT | {State.SUCCEEDED} and not push.maybe_sent and not push.remote_reference


def is_refused(row: Cancellation | None) -> bool:
    """Return whether a person skipped the row: the retailer's request was refused."""
    return row is not None and row.status == State.SKIPPED and row.reason_code == REFUSED


# --- The order's other deliveries ---------------------------------------------------------------------


def close_following(order_ids: Iterable[int], now: datetime) -> None:
    """Acknowledgement, shipment and invoice of a cancelled order are not owed any more."""
    ids = list(order_ids)
    for model in FOLLOWING:
        park(model._default_manager.filter(order__in=ids, maybe_sent=False), State.CANCELLED, ORDER_CANCELLED, "", now)


def resume(order_id: int, now: datetime) -> int:
    """The order goes on after all: undo what a request had stopped. Returns 1 when it is to be pushed."""
    stopped = ErpPush.objects.filter(
        order=order_id, status__in=[State.CANCELLED, State.WAITING], reason_code=CANCEL_REQUESTED
    )
    released = release(stopped, now)
    for model in FOLLOWING:
        closed = model._default_manager.filter(order=order_id, status=State.CANCELLED, reason_code=ORDER_CANCELLED)
        park(closed, State.WAITING, FIRST_REASONS[model], "", now)
    return released


# --- The two rows -------------------------------------------------------------------------------------


def owe(
    context: FlowContext, order: Order, action: str, lines: list[dict[str, int]], policy: RetailerPolicy, *,
    accepted: bool,
) -> None:  # fmt: skip
    """Make the action due, or put it before a person; what is due, under way or being looked at stays."""
    row = next((row for row in order.cancellations.all() if row.action == action), None)
    if row is None:
        state, code = (State.DUE, "") if accepted else (State.NEEDS_ATTENTION, CANCEL_REQUESTED)
        text = "" if accepted else words.request_text()
        _create(order, action, state, code, text, lines, policy.cancel_code, context.now)
        context.count("cancellations")
        return
    rows = Cancellation.objects.filter(pk=row.pk)
    if row.status in OPEN_ROWS | {State.CANCELLED, State.SKIPPED} and row.lines != lines:
        rows.update(lines=lines)
    if row.status in (State.CANCELLED, State.SKIPPED) or row.reason_code == "partly_cancelled":
        if accepted:
            release(rows, context.now)
        else:
            park(rows, State.WAITING, CANCEL_REQUESTED, "", context.now)
            park(rows, State.NEEDS_ATTENTION, CANCEL_REQUESTED, words.request_text(), context.now)
    elif accepted and row.reason_code == CANCEL_REQUESTED:
        release(rows, context.now)  # asked before, cancelled by the retailer himself now


def await_erp(
    context: FlowContext, order: Order, wish: Wish, policy: RetailerPolicy, confirmation: Cancellation | None
) -> None:
    """The confirmation to DSCO waits until the ERP order is stopped."""
    if confirmation is None:
        _create(order, DSCO, State.WAITING, WAITING_FOR_ERP, "", wish.asked, policy.cancel_code, context.now)
    elif confirmation.status in (State.CANCELLED, State.SKIPPED, State.WAITING):
        rows = Cancellation.objects.filter(pk=confirmation.pk)
        rows.update(lines=wish.asked)
        park(rows, State.WAITING, WAITING_FOR_ERP, "", context.now)


def ask_person(
    context: FlowContext, order: Order, row: Cancellation | None, code: str, text: str, lines: list[dict[str, int]]
) -> None:
    """Put the ERP action before a person; nothing is sent for it."""
    if row is None:
        _create(order, ERP, State.NEEDS_ATTENTION, code, text, lines, "", context.now)
        context.count("needs_attention")
        return
    rows = Cancellation.objects.filter(pk=row.pk)
    rows.update(lines=lines)
    if row.status in (State.CANCELLED, State.SKIPPED):
        park(rows, State.WAITING, code, "", context.now)
    if row.status != State.NEEDS_ATTENTION or row.reason_code != code:
        rows.filter(status=State.NEEDS_ATTENTION).update(
            reason_code=code, last_error_code=code, last_error=text, cause=""
        )
        park(rows, State.NEEDS_ATTENTION, code, text, context.now)


def _create(
    order: Order, action: str, state: State, code: str, text: str, lines: list[dict[str, int]], cancel_code: str,
    now: datetime,
) -> Cancellation:  # fmt: skip
    row, _made = Cancellation.objects.get_or_create(
        order=order, action=action,
        defaults={
            "key": f"cancellation:{order.dsco_order_id}:{action}", "status": state, "reason_code": code,
            "due_at": now if state == State.DUE else None, "last_error_code": code if text else "",
            "last_error": text, "lines": lines, "cancel_code": cancel_code,
        },
    )  # fmt: skip
    return row


def close(rows: Rows, code: str, now: datetime) -> None:
    """Nothing is owed any more for rows that were not carried out."""
    found = Cancellation.objects.filter(pk__in=[row.pk for row in rows.values()], maybe_sent=False)
    if any(is_refused(row) for row in rows.values()):
        park(found.filter(status=State.SKIPPED), State.WAITING, code, "", now)  # the request itself is gone
    park(found.filter(status__in=OPEN_ROWS), State.CANCELLED, code, "", now)


def withdraw(context: FlowContext, order: Order, rows: Rows) -> None:
    """The request was taken back: what was not carried out is not owed any more, and the order goes on."""
    if not rows:
        return
    stop, confirmation = rows.get(ERP), rows.get(DSCO)
    if stop is not None and stop.status in IN_FLIGHT:
        return  # LingXing's answer comes first: it may have stopped the order by now
    if stop is not None and stop.status == State.SUCCEEDED:
        waits = confirmation is not None and confirmation.status in (State.WAITING, State.DUE)
        if confirmation is not None and waits and not is_cancelled_all_the_same(confirmation):
            tell_withdrawn_too_late(order, context.now)
        return
    close(rows, WITHDRAWN, context.now)
    if not any(row.status in IN_FLIGHT for row in rows.values()) and resume(order.pk, context.now):
        context.release("push_orders")


def is_cancelled_all_the_same(confirmation: Cancellation) -> bool:
    """Return whether a person, told that the request was taken back too late, has said to cancel at DSCO anyway."""
    return confirmation.status == State.DUE and confirmation.last_error_code == WITHDRAWN_TOO_LATE


def tell_withdrawn_too_late(order: Order, now: datetime) -> None:
    """LingXing has stopped an order that is wanted after all: without a person nobody would deliver it."""
    open_units = [(line.position, line.open_quantity) for line in order.lines.all() if line.open_quantity]
    everything = [{"position": position, "quantity": units} for position, units in sorted(open_units)]
    cancel_code = policies_for([order.retailer_id])[order.retailer_id].cancel_code
    _create(order, DSCO, State.WAITING, WITHDRAWN_TOO_LATE, "", everything, cancel_code, now)
    late = Cancellation.objects.filter(order=order, action=DSCO)
    park(late.filter(status__in=[State.CANCELLED, State.SKIPPED]), State.WAITING, WITHDRAWN_TOO_LATE, "", now)
    park(late, State.NEEDS_ATTENTION, WITHDRAWN_TOO_LATE, words.withdrawn_text(), now)


def cannot_repeat(order: Order, now: datetime) -> None:
    """Each action exists once per order: a second, different cancellation needs a person before goods are reported."""
    shipment = Shipment.objects.filter(order=order)
    park(shipment.filter(status=State.CANCELLED), State.WAITING, CANCELLED_AGAIN, "", now)
    park(shipment, State.NEEDS_ATTENTION, CANCELLED_AGAIN, words.again_text(), now)


def note_adjusted(order: Order, stop: Cancellation | None, wish: Wish, now: datetime) -> None:
    """Remember that LingXing holds the right quantities, so that it is not asked again."""
    stop = stop or _create(order, ERP, State.WAITING, "", "", wish.reduced, "", now)
    Cancellation.objects.filter(pk=stop.pk).update(lines=wish.reduced)
    park(Cancellation.objects.filter(pk=stop.pk), State.SKIPPED, ALREADY_ADJUSTED, "", now)
    told = Shipment.objects.filter(order=order, status=State.NEEDS_ATTENTION, reason_code=CANCELLED_AGAIN)
    park(told, State.WAITING, FIRST_REASONS[Shipment], "", now)  # the second step was done by hand

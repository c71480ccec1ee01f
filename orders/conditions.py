"""The conditions that hold for every delivery of an order, looked at when it is released and again when claimed."""

from __future__ import annotations

from collections.abc import Iterable

from integrations.deliveries import outcomes
from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.rehearsal import SHADOW
from integrations.deliveries.states import FINISHED, State
from integrations.sentences import gettext as _

from .models import Cancellation, Mode, Order, OrderLine

# DSCO's deprecated but only complete status; both enums are open, so anything else is "not known".
CANCELLED_STATUSES = frozenset({"cancelled", "canceled"})
SHIPPED_STATUSES = frozenset({"shipped", "completed"})
OPEN_STATUSES = frozenset({"created", "shipment_pending"})
# Reasons that a flow takes back by itself as soon as they no longer hold.
PASSING_REASONS = ("held", "policy_off", SHADOW)


def is_cancelled(order: Order, lines: Iterable[OrderLine]) -> bool:
    """Return whether nothing of the order is wanted any more: cancelled as a whole, or every line in full."""
    if order.dsco_status.lower() in CANCELLED_STATUSES:
        return True
    quantities = [line.open_quantity for line in lines]
    return bool(quantities) and not any(quantities)


def blocked(order: Order, mode: str) -> Outcome | None:
    """Return why nothing may be sent for the order now, or None.

    mode: the retailer policy's mode of the flow. A hold and the policy pass again; the row waits.
    """
    if order.held:
        return outcomes.waiting("held", order.hold_reason)
    if mode == Mode.OFF:
        return outcomes.waiting("policy_off", _("Switched off in the retailer's policy."))
    if mode == Mode.SHADOW:
        return outcomes.waiting(SHADOW, _("Shadow mode in the retailer's policy: computed, not sent."))
    return None


def asks_to_cancel(order: Order, lines: Iterable[OrderLine]) -> bool:
    """Return whether the retailer has asked to cancel the order or a line of it."""
    return order.cancel_requested or any(line.cancel_requested for line in lines)


def undecided_requests(orders: Iterable[Order]) -> set[int]:
    """Return the orders (primary keys; ``lines`` prefetched) with an unanswered cancel request, or an unfinished
    cancellation by staff.

    A request is answered when a person has refused it (the cancellation was skipped), or when it was carried
    out and our quantities are those that are left: the lines show it, or the order was read again since.
    """
    by_id = {order.pk: order for order in orders}
    answers: dict[int, list[Cancellation]] = {}
    for row in Cancellation.objects.filter(order__in=list(by_id)):
        answers.setdefault(row.order_id, []).append(row)
    return {
        pk
        for pk, order in by_id.items()
        if (_still_asks(order) or _is_still_cancelled_by_staff(order, answers.get(pk, [])))
        and not _answered(order, answers.get(pk, []))
    }


def _still_asks(order: Order) -> bool:
    """Return whether something is asked to be cancelled that is not cancelled yet."""
    lines = list(order.lines.all())
    if not lines:
        return order.cancel_requested
    return any((order.cancel_requested or line.cancel_requested) and line.open_quantity for line in lines)


def _is_still_cancelled_by_staff(order: Order, rows: Iterable[Cancellation]) -> bool:
    """Return whether staff cancelled units that DSCO does not show as cancelled yet."""
    cancelled = {line.position: line.cancelled_quantity for line in order.lines.all()}
    given_up = (State.SKIPPED, State.CANCELLED)
    return any(
        int(item["until"]) > cancelled.get(int(item["position"]), 0)
        for row in rows if row.status not in given_up for item in row.lines if "until" in item
    )  # fmt: skip


def is_cancelled_by_staff(rows: Iterable[Cancellation]) -> bool:
    """Return whether one of an order's cancellations was decided by staff and still counts."""
    given_up = (State.SKIPPED, State.CANCELLED)
    return any("until" in item for row in rows if row.status not in given_up for item in row.lines)


def _answered(order: Order, rows: list[Cancellation]) -> bool:
    if not rows or any(row.status not in FINISHED for row in rows):
        return False
    if any(row.status == State.SKIPPED for row in rows):
        return True
    return all(row.finished_at is not None and row.finished_at < order.read_at for row in rows)

"""What is owed for an order when it is seen for the first time: one row of every kind, each in its first state."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import F, Value
from django.db.models.functions import Concat

from integrations.deliveries.models import Delivery
from integrations.deliveries.states import FINISHED, State
from integrations.following_rows import insert_for_each

from .conditions import OPEN_STATUSES, SHIPPED_STATUSES, is_cancelled
from .models import Acknowledgement, ErpPush, Invoice, Order, OrderLine, RetailerPolicy, Shipment
from .policies import policies_for

READY_LIFECYCLES = frozenset({"", "created", "acknowledged"})
# An order closed at DSCO is closed for all four kinds.
CLOSED_REASONS = frozenset({"order_cancelled", "already_shipped", "test_order"})
FOLLOWING = (Acknowledgement, Shipment, Invoice)
FIRST_REASONS: dict[type[Delivery], str] = {
    Acknowledgement: "waiting_for_erp",
    Shipment: "waiting_for_acknowledgement",
    Invoice: "waiting_for_shipment",
}

# LingXing's client cleans numbers in the same way: what is looked up must be what was created.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class FirstState:
    """The state of an ERP push that was not tried yet, with its reason and, for staff, the words to it."""

    state: State
    reason: str = ""
    message: str = ""


def push_state(
    order: Order, lines: Sequence[OrderLine], policy: RetailerPolicy, *, request_answered: bool = False
) -> FirstState:
    """Return what the order's ERP push should be as long as it was not tried: from DSCO's facts and the policy.

    request_answered: the retailer's cancel request, if there is one, was refused or carried out.
    """
    if is_cancelled(order, lines):
        return FirstState(State.CANCELLED, "order_cancelled")
    if is_closed_elsewhere(order):
        return FirstState(State.SKIPPED, "already_shipped")
    if order.test_order and not policy.push_test_orders:
        return FirstState(State.SKIPPED, "test_order")
    if order.cancel_requested and not request_answered:
        return FirstState(State.CANCELLED, "cancel_requested")
    if order.problem:
        return FirstState(State.NEEDS_ATTENTION, "unreadable_order", order.problem)
    if reason := _not_ready(order):
        return FirstState(State.WAITING, reason)
    if any(line.cancel_requested and line.open_quantity for line in lines) and not request_answered:
        return FirstState(State.WAITING, "cancel_requested")
    return FirstState(State.DUE)


def _not_ready(order: Order) -> str:
    """Why DSCO's status does not let the order go yet, or "". Both enums are open: what is new to us waits."""
    status, lifecycle = order.dsco_status.lower(), order.dsco_lifecycle.lower()
    if lifecycle == "received":
        return "not_ready"
    status_known = status in OPEN_STATUSES or (not status and lifecycle)
    return "" if status_known and lifecycle in READY_LIFECYCLES else "unknown_status"


def is_closed_elsewhere(order: Order) -> bool:
    """Return whether DSCO shows the order as shipped or completed."""
    return order.dsco_status.lower() in SHIPPED_STATUSES or order.dsco_lifecycle.lower() == "completed"


def is_acknowledged(order: Order) -> bool:
    """Return whether DSCO shows the order as taken by the supplier."""
    lifecycle = order.dsco_lifecycle.lower()
    return lifecycle == "acknowledged" or (not lifecycle and order.dsco_status.lower() == "shipment_pending")


def create_deliveries(orders: Sequence[tuple[Order, Sequence[OrderLine]]], now: datetime) -> dict[int, FirstState]:
    """Make the four rows of every new order; return the state of each order's push by the order's primary key."""
    policies = policies_for(order.retailer_id for order, _lines in orders)
    first = {order.pk: push_state(order, lines, policies[order.retailer_id]) for order, lines in orders}
    pushes: dict[tuple[FirstState, Any], list[int]] = defaultdict(list)
    for order, _lines in orders:
        pushes[first[order.pk], _number_column(order)].append(order.pk)
    for (state, number), ids in pushes.items():
        _create(ErpPush, ids, state, now, platform_order_no=number)
    for model in FOLLOWING:
        states: dict[FirstState, list[int]] = defaultdict(list)
        for order, _lines in orders:
            states[_following(model, order, first[order.pk])].append(order.pk)
        for state, ids in states.items():
            _create(model, ids, state, now)
    return first


def _create(model: type[Delivery], orders: Sequence[int], first: FirstState, now: datetime, **values: object) -> None:
    """Make one row of a kind for each of these orders, all in the same state."""
    columns = {
        "order_id": F("pk"),
        "key": Concat(Value(f"{model.KIND}:"), "dsco_order_id"),
        "status": first.state,
        "due_at": now if first.state == State.DUE else None,
        "finished_at": now if first.state in FINISHED else None,
        "reason_code": first.reason,
        "last_error_code": first.reason if first.message else "",
        "last_error": first.message,
    }
    insert_for_each(Order.objects.filter(pk__in=orders), model, columns | values)


def _number_column(order: Order) -> str | F:
    """Return ``platform_order_no`` as the column that holds it, which many orders share; else as it is."""
    number = platform_order_no(order)
    columns = ("dsco_order_id", settings.LINGXING_ORDER_NUMBER_FIELD)
    return next((F(column) for column in columns if getattr(order, column) == number), number)


def platform_order_no(order: Order) -> str:
    """Return the number under which the order goes to LingXing, by LINGXING_ORDER_NUMBER_FIELD.

    An order without a PO number goes under its DSCO id whatever the setting says.
    """
    number = _UNPRINTABLE.sub(" ", str(getattr(order, settings.LINGXING_ORDER_NUMBER_FIELD))).strip()
    return number or order.dsco_order_id


def _following(model: type[Delivery], order: Order, push: FirstState) -> FirstState:
    if push.reason in CLOSED_REASONS:
        return push
    if model is Acknowledgement and is_acknowledged(order):
        return FirstState(State.SKIPPED, "already_acknowledged")
    return FirstState(State.WAITING, FIRST_REASONS[model])

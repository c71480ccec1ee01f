"""The rest of an order that was reported in part: it gets a shipment of its own, which only a person composes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from integrations.deliveries.states import OPEN, State
from integrations.sentences import gettext as _

from .events import record_event
from .models import EventKind, Order, Shipment
from .reported import still_to_report, units_told

# The rest has not left the warehouse yet, as far as LingXing shows.
WAITING_FOR_REST = "waiting_for_rest"
REST_LEFT = "rest_to_report"


def may_report_rest(order: Order) -> bool:
    """Return whether a part of the order is at DSCO, the rest is not, and no shipment is under way for it."""
    shipments, lines = list(order.shipments.all()), list(order.lines.all())
    if any(row.status in OPEN for row in shipments) or not any(row.status == State.SUCCEEDED for row in shipments):
        return False
    told = units_told(order, lines, shipments)
    return any(told.values()) and bool(still_to_report(order, lines, shipments))


def open_rests(order_ids: Iterable[int], now: datetime) -> int:
    """Make a shipment for the rest of each order (primary keys) that was reported in part; return how many."""
    orders = Order.objects.filter(pk__in=list(order_ids)).prefetch_related("lines", "shipments")
    found = [order for order in orders if may_report_rest(order)]
    Shipment.objects.bulk_create((_rest_of(order) for order in found), ignore_conflicts=True)
    return len(found)


def begin_rest(order_id: int, actor: str) -> bool:
    """Make the shipment for the rest because a person asked; False when nothing is left, or one is there already."""
    with transaction.atomic():
        Order.objects.select_for_update(no_key=True).get(pk=order_id)
        made = bool(open_rests([order_id], timezone.now()))
        if made:
            record_event(order_id, EventKind.STAFF, _("Began to report the rest of the order."), actor)
    return made


def _rest_of(order: Order) -> Shipment:
    sequence = max(row.sequence for row in order.shipments.all()) + 1
    return Shipment(
        order=order, sequence=sequence, key=f"{Shipment.KIND}:{order.dsco_order_id}:{sequence}", status=State.WAITING,
        reason_code=WAITING_FOR_REST,
    )  # fmt: skip

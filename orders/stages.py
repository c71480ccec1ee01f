"""How far an order has come: one place derives it, in one statement for many orders."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Case, CharField, Exists, F, OuterRef, Q, Value, When

from integrations.deliveries.owners import lock_by_key
from integrations.deliveries.states import IN_FLIGHT, State

from .models import (
    Acknowledgement,
    Cancellation,
    CancellationAction,
    ErpPush,
    Invoice,
    Order,
    OrderLine,
    Shipment,
    Stage,
)
from .reported import everything_reported


def refresh_stages(order_ids: Iterable[int]) -> None:
    """Derive the stage of these orders (primary keys) from their deliveries and write it where it changed."""
    ids = list(order_ids)
    if not ids:
        return

    def done(model: type[ErpPush | Acknowledgement | Invoice]) -> Exists:
        return Exists(model._default_manager.filter(order=OuterRef("pk"), status=State.SUCCEEDED))

    cancelled = _cancelled()
    stage = Case(
        When(done(Invoice), then=Value(Stage.INVOICED)),
        # Reported in part: it is shipped when nothing more is to be reported.
        When(everything_reported(), then=Value(Stage.SHIPPED)),
        When(cancelled, then=Value(Stage.CANCELLED)),
        When(Exists(ErpPush.objects.filter(order=OuterRef("pk"), status=State.SKIPPED)), then=Value(Stage.CLOSED)),
        When(done(Acknowledgement), then=Value(Stage.ACKNOWLEDGED)),
        When(
            Q(pk__in=Acknowledgement.objects.filter(status=State.SKIPPED).values("order")) & Q(done(ErpPush)),
            then=Value(Stage.ACKNOWLEDGED),
        ),
        When(done(ErpPush), then=Value(Stage.IN_ERP)),
        default=Value(Stage.RECEIVED),
        output_field=CharField(),
    )
    rows = Order.objects.filter(pk__in=ids).annotate(derived=stage)
    changed: dict[str, list[int]] = {}
    for pk, before, after in rows.values_list("pk", "stage", "derived"):
        if before != after:
            changed.setdefault(after, []).append(pk)
    if not changed:
        return
    with transaction.atomic(savepoint=False):
        lock_by_key(Order.objects.filter(pk__in=[pk for pks in changed.values() for pk in pks]))
        for after, pks in changed.items():
            Order.objects.filter(pk__in=pks).update(stage=after)


def _cancelled() -> Q:
    """Nothing will be shipped: DSCO cancelled it before it got to LingXing, or LingXing stopped the whole order.

    An order that is still alive in LingXing keeps its stage until it is stopped there; an order of which only a
    part was cancelled (``lines`` of the LingXing action) keeps it too.
    """
    order = OuterRef("pk")
    in_erp = ErpPush.objects.filter(Q(status__in=[*IN_FLIGHT, State.SUCCEEDED]) | Q(maybe_sent=True), order=order)
    never_pushed = ErpPush.objects.filter(order=order, status=State.CANCELLED)
    confirmed = Cancellation.objects.filter(
        order=order, status=State.SUCCEEDED, action=CancellationAction.DSCO, order__erp_push__status=State.CANCELLED
    )
    stopped = Cancellation.objects.filter(order=order, status=State.SUCCEEDED, action=CancellationAction.ERP, lines=[])
    # Once DSCO was read again it must show that nothing is left: more may have been asked for since.
    # More that was asked for meanwhile has opened the shipment again.
    closed = Exists(Shipment.objects.filter(order=OuterRef("order"), status=State.CANCELLED))
    not_read_since = confirmed.filter(closed, finished_at__gte=F("order__read_at"))
    left = OrderLine.objects.filter(order=order, quantity__gt=F("cancelled_quantity"))
    return (
        (Q(dsco_status__in=["cancelled", "canceled"]) & ~Q(Exists(in_erp)))
        | Q(Exists(never_pushed.filter(reason_code="order_cancelled")))
        | Q(Exists(not_read_since))
        | (Q(Exists(confirmed)) & ~Q(Exists(left)))
        | Q(Exists(stopped))
    )

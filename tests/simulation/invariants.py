"""What must be true after every story: the vendors' books and ours agree. Each check yields what is wrong."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from django.apps import apps
from django.utils import timezone

from integrations.deliveries.models import Delivery
from integrations.deliveries.states import State
from integrations.models import Attempt, Flow
from inventory.models import SkuMapping, StockItem, StockUpdate
from orders.models import Acknowledgement, Cancellation, CancellationAction, ErpPush, Invoice, Order, Shipment, Stage
from tests.conftest import WAREHOUSES
from tests.end_to_end.journeys import EFFECTS

STATES_WITH_TIME = (State.DUE, State.IN_PROGRESS, State.ACCEPTED, State.UNCERTAIN)
# What a person must be told, not what heals by itself; a row that shows one of these is where it should be.
FOR_A_PERSON = (State.NEEDS_ATTENTION, State.FAILED)


def no_effect_twice(story):
    box = story.sandbox
    yield from box.dsco.duplicates() + box.lingxing.duplicates()
    for order_id in story.orders:
        counts = {kind: box.dsco.effect_count(kind, order_id) for kind in EFFECTS}
        counts["erp_order"] = box.lingxing.effect_count("erp_order", order_id)
        # Several packages of one order are one report: as many entries as tracking numbers.
        numbers = Shipment.objects.filter(order__dsco_order_id=order_id).values_list("body", flat=True).first() or []
        counts["shipment"] -= max(len(numbers) - 1, 0) if counts["shipment"] else 0
        yield from (f"{order_id}: {kind} {count} times" for kind, count in counts.items() if count > 1)


def no_violation(story):
    """Only what the retailer did behind our back may be refused: a reader cannot know of it yet."""
    for text in story.sandbox.violations:
        if not any(order_id in text for order_id in story.touched):
            yield f"violation: {text}"


def no_order_lost(story):
    stored = set(Order.objects.values_list("dsco_order_id", flat=True))
    yield from (f"{order_id} was never stored" for order_id, fate in story.orders.items() if order_id not in stored)
    yield from (f"{order.dsco_order_id}: {order.problem}" for order in Order.objects.exclude(problem=""))


def what_succeeded_is_there(story):
    dsco, lingxing = story.sandbox.dsco, story.sandbox.lingxing
    for push in ErpPush.objects.filter(status=State.SUCCEEDED).select_related("order"):
        if not lingxing.effect_count("erp_order", push.order.dsco_order_id):
            yield f"{push.key} succeeded, but LingXing has no order"
    for row in Acknowledgement.objects.filter(status=State.SUCCEEDED).select_related("order"):
        if not dsco.effect_count("acknowledgement", row.order.dsco_order_id):
            yield f"{row.key} succeeded, but DSCO has none"
    for row in Shipment.objects.filter(status=State.SUCCEEDED).select_related("order"):
        there = {package["trackingNumber"] for package in dsco.orders[row.order.dsco_order_id]["packages"] or []}
        if set(row.remote_reference.split(",")) != there:
            yield f"{row.key} succeeded with {row.remote_reference}, DSCO has {there}"
    for row in Invoice.objects.filter(status=State.SUCCEEDED).select_related("order"):
        invoice = dsco.invoices.get(row.invoice_id)
        if invoice is None or invoice["dscoOrderId"] != row.order.dsco_order_id:
            yield f"{row.key} succeeded, but DSCO has no invoice {row.invoice_id} for it"
    for row in Cancellation.objects.filter(status=State.SUCCEEDED).select_related("order"):
        yield from _not_cancelled(story, row)


def _not_cancelled(story, row):
    order_id = row.order.dsco_order_id
    if row.action == CancellationAction.ERP:
        live = [one for one in story.sandbox.lingxing.by_platform(order_id) if not one["is_delete"]]
        if any(one["status"] != 7 and not one["original_global_order_no"] for one in live):
            yield f"{row.key} succeeded, but LingXing goes on with it"
    else:
        lines = story.sandbox.dsco.orders[order_id]["lineItems"]
        for item in row.lines:
            if not lines[item["position"]]["cancelledQuantity"]:
                yield f"{row.key} succeeded, but DSCO shows nothing cancelled"


def what_is_there_is_known(story):
    """An effect that the vendor has, and that we do not show as done, would be done again one day."""
    dsco, lingxing = story.sandbox.dsco, story.sandbox.lingxing
    for order in Order.objects.select_related("erp_push", "acknowledgement", "shipment", "invoice"):
        there = {
            "erp_push": lingxing.effect_count("erp_order", order.dsco_order_id),
            **{kind: dsco.effect_count(kind, order.dsco_order_id) for kind in EFFECTS},
        }
        for name, count in there.items():
            row = getattr(order, name)
            if count and row.status not in (State.SUCCEEDED, *FOR_A_PERSON):
                yield f"{row.key} is {row.status} ({row.reason_code}), but the vendor has it"


def nothing_is_stuck(story):
    for model in (one for one in apps.get_models() if issubclass(one, Delivery)):
        if model is StockUpdate and not story.has("stock"):
            continue  # nobody has run that flow to its end
        for row in model.objects.all():
            if row.lease_token:
                yield f"{row.key}: {row.status} is still leased"
            if row.status in STATES_WITH_TIME:
                yield f"{row.key}: still {row.status} ({row.last_error_code} {row.last_error}) due {row.due_at}"
            if (row.status in FOR_A_PERSON and not (row.reason_code or row.last_error_code)) or (
                row.status in FOR_A_PERSON and not row.last_error
            ):
                yield f"{row.key}: {row.status} without a reason"
            if row.status == State.WAITING and not row.reason_code:
                yield f"{row.key}: waiting without a reason"
            if row.reason_code == "internal_error" or row.last_error_code == "internal_error":
                yield f"{row.key}: {row.last_error}"


def ordinary_orders_are_invoiced(story):
    """Nobody changed his mind, one package: such an order needs no person, whatever went wrong on the way."""
    for order in Order.objects.select_related("erp_push", "acknowledgement", "shipment", "invoice"):
        fate = story.orders[order.dsco_order_id]
        if fate not in ("plain", "shipped as plain") or order.dsco_order_id in story.touched:
            continue
        if order.stage != Stage.INVOICED:
            rows = (order.erp_push, order.acknowledgement, order.shipment, order.invoice)
            yield f"{order.dsco_order_id} ended as {order.stage}: " + "; ".join(
                f"{row.key} {row.status} {row.reason_code} {row.last_error}" for row in rows
            )


def every_open_order_says_why(story):
    """An order that does not go on by itself stands before a person."""
    for order_id in set(story.open_stages()) - story.skipped:
        order = Order.objects.get(dsco_order_id=order_id)
        rows = [order.erp_push, order.acknowledgement, order.shipment, order.invoice, *order.cancellations.all()]
        if not any(row.status in FOR_A_PERSON for row in rows):
            yield f"{order_id} ({story.orders[order_id]}) is {order.stage} and nobody is told: " + "; ".join(
                f"{row.key} {row.status} {row.reason_code}" for row in rows
            )


def cancelled_orders_were_not_created(story):
    for order_id in story.never_pushed - story.withdrawn:
        if story.sandbox.lingxing.effect_count("erp_order", order_id) and not _was_refused(order_id):
            yield f"{order_id} was cancelled before it was pushed, and pushed all the same"


def _was_refused(order_id):
    return Cancellation.objects.filter(order__dsco_order_id=order_id, status=State.SKIPPED).exists()


def totals_are_exact(story):
    dsco = story.sandbox.dsco
    for number, invoice in dsco.invoices.items():
        order = dsco.orders[invoice["dscoOrderId"]]
        units = Counter()
        for line in invoice["lineItems"]:
            units[line["lineNumber"]] += line["quantity"]
        owed = sum(Decimal(str(one["expectedCost"])) * (one["shippedQuantity"] or 0) for one in order["lineItems"])
        shipped = {one["lineNumber"]: one["shippedQuantity"] for one in order["lineItems"] if one["shippedQuantity"]}
        if dict(units) != shipped:
            yield f"invoice {number} of {order['dscoOrderId']}: units {dict(units)}, shipped {shipped}"
        if Decimal(str(invoice["totalAmount"])) != owed:
            yield f"invoice {number} of {order['dscoOrderId']}: {invoice['totalAmount']} instead of {owed}"


CHECKS = (
    no_effect_twice, no_violation, no_order_lost, what_succeeded_is_there, what_is_there_is_known, nothing_is_stuck,
    ordinary_orders_are_invoiced, every_open_order_says_why, cancelled_orders_were_not_created, totals_are_exact,
)  # fmt: skip

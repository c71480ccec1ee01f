"""What must be true after every story: the vendors' books and ours agree. Each check yields what is wrong."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from django.apps import apps
from django.utils import timezone

from integrations.deliveries import staff
from integrations.deliveries.kinds import delivery_kinds
from integrations.deliveries.models import Delivery
from integrations.deliveries.states import State
from integrations.models import ApiCall, Flow, Slot
from inventory.models import SkuMapping, StockUpdate
from orders.models import (
    Acknowledgement,
    Cancellation,
    CancellationAction,
    Discrepancy,
    ErpPush,
    Invoice,
    Order,
    Shipment,
    Stage,
)
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
        # Several packages of one order are one report, or several by hand: as many entries as tracking numbers.
        bodies = Shipment.objects.filter(order__dsco_order_id=order_id).values_list("body", flat=True)
        numbers = [package for body in bodies for package in body]
        counts["shipment"] -= max(len(numbers) - 1, 0) if counts["shipment"] else 0
        yield from (f"{order_id}: {kind} {count} times" for kind, count in counts.items() if count > 1)


def no_violation(story):
    """Only what the retailer did behind our back may be refused: a reader cannot know of it yet."""
    for text in story.sandbox.violations:
        if story.prices_changed and "is not the expected cost" in text:
            continue
        if not any(order_id in text for order_id in story.touched):
            yield f"violation: {text}"


def no_order_lost(story):
    stored = set(Order.objects.values_list("dsco_order_id", flat=True))
    yield from (f"{order_id} was never stored" for order_id, fate in story.orders.items() if order_id not in stored)
    yield from (f"{order.dsco_order_id}: {order.problem}" for order in Order.objects.exclude(problem=""))


def what_succeeded_is_there(story):
    dsco, lingxing = story.sandbox.dsco, story.sandbox.lingxing
    for push in ErpPush.objects.filter(status=State.SUCCEEDED).select_related("order").defer("order__payload"):
        if not lingxing.effect_count("erp_order", push.order.dsco_order_id):
            yield f"{push.key} succeeded, but LingXing has no order"
    for row in Acknowledgement.objects.filter(status=State.SUCCEEDED).select_related("order").defer("order__payload"):
        if not dsco.effect_count("acknowledgement", row.order.dsco_order_id):
            yield f"{row.key} succeeded, but DSCO has none"
    for row in Shipment.objects.filter(status=State.SUCCEEDED).select_related("order").defer("order__payload"):
        there = {package["trackingNumber"] for package in dsco.orders[row.order.dsco_order_id]["packages"] or []}
        reported = Shipment.objects.filter(order=row.order, status=State.SUCCEEDED)
        if {number for one in reported for number in one.remote_reference.split(",")} != there:
            yield f"{row.key} succeeded with {row.remote_reference}, DSCO has {there}"
    for row in Invoice.objects.filter(status=State.SUCCEEDED).select_related("order").defer("order__payload"):
        invoice = dsco.invoices.get(row.invoice_id)
        if invoice is None or invoice["dscoOrderId"] != row.order.dsco_order_id:
            yield f"{row.key} succeeded, but DSCO has no invoice {row.invoice_id} for it"
    for row in Cancellation.objects.filter(status=State.SUCCEEDED).select_related("order").defer("order__payload"):
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
    for order in Order.objects.select_related("erp_push", "acknowledgement", "invoice").defer("payload"):
        there = {
            "erp_push": lingxing.effect_count("erp_order", order.dsco_order_id),
            **{kind: dsco.effect_count(kind, order.dsco_order_id) for kind in EFFECTS},
        }
        for name, count in there.items():
            row = getattr(order, name)
            if count and row.status not in (State.SUCCEEDED, *FOR_A_PERSON) and not _given_up_and_told(row):
                yield f"{row.key} is {row.status} ({row.reason_code}), but the vendor has it"
        yield from _numbers_unknown(story, order, there)
        yield from _cancellation_unknown(story, order)


def _numbers_unknown(story, order, there):
    """Who has the order in LingXing, and who tells DSCO its number there, finds it by every such number."""
    known = set(order.erp_links.values_list("erp_order__global_order_no", flat=True))
    if there["erp_push"] and order.erp_push.status == State.SUCCEEDED:
        rows = story.sandbox.lingxing.by_platform(order.dsco_order_id)
        live = {one["global_order_no"] for one in rows if not one["is_delete"] and not one["original_global_order_no"]}
        if live and not live & known:
            yield f"{order.erp_push.key} knows {known}, LingXing has {live}"
    told = story.sandbox.dsco.orders[order.dsco_order_id].get("supplierOrderNumber")
    if there["acknowledgement"] and told and told not in known:
        yield f"{order.acknowledgement.key}: DSCO has the number {told}, here are {known}"


def _cancellation_unknown(story, order):
    """What we cancelled at DSCO is shown as done, as found done, or to a person."""
    rows = [row for row in order.cancellations.all() if row.action == CancellationAction.DSCO]
    there = story.sandbox.dsco.effect_count("cancellation", order.dsco_order_id)
    fine = [row for row in rows if row.status in (State.SUCCEEDED, State.CANCELLED, *FOR_A_PERSON)]
    if there and not fine and not any(_given_up_and_told(row) for row in rows):
        yield f"{order.dsco_order_id}: DSCO has our cancellation: " + "; ".join(
            f"{row.key} {row.status}" for row in rows
        )


def what_is_cancelled_here_is_cancelled_there(story):
    """Nobody delivers an order that we show as cancelled: DSCO wants nothing of it any more, or a person is told."""
    for order in Order.objects.filter(stage=Stage.CANCELLED).defer("payload"):
        lines = story.sandbox.dsco.orders[order.dsco_order_id]["lineItems"]
        rows = [order.erp_push, order.acknowledgement, order.shipment, order.invoice, *order.cancellations.all()]
        if any(line["remainingQuantity"] for line in lines) and not any(row.status in FOR_A_PERSON for row in rows):
            yield f"{order.dsco_order_id} is cancelled here, and DSCO still wants it: " + "; ".join(
                f"{row.key} {row.status} {row.reason_code}" for row in rows
            )


def _given_up_and_told(row):
    """Whether staff gave up what was uncertain, it had happened, and the comparison with the vendors tells of it."""
    given_up = row.status == State.SKIPPED and row.reason_code == "staff" and row.maybe_sent
    return given_up and Discrepancy.objects.filter(order=row.order_id, closed_at=None).exists()


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
    for order in Order.objects.select_related("erp_push", "acknowledgement", "invoice").defer("payload"):
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
        if Decimal(str(invoice["totalAmount"])) != owed and invoice["dscoOrderId"] not in story.prices_changed:
            yield f"invoice {number} of {order['dscoOrderId']}: {invoice['totalAmount']} instead of {owed}"


def an_invoice_is_paid_for_what_has_left(story):
    """Never more than what was shipped of each line, whatever was cancelled or changed in between."""
    invoiced = Counter()
    for invoice in story.sandbox.dsco.invoices.values():
        for line in invoice["lineItems"]:
            invoiced[invoice["dscoOrderId"], line["lineNumber"]] += line["quantity"]
    for (order_id, number), units in invoiced.items():
        lines = story.sandbox.dsco.orders[order_id]["lineItems"]
        shipped = next(line["shippedQuantity"] for line in lines if line["lineNumber"] == number)
        if units > shipped:
            yield f"{order_id} line {number}: {units} units invoiced, {shipped} shipped"


def every_call_is_kept(story):
    """Where no process of ours died, the call log knows every request that the vendors saw, and no secret."""
    calls = ApiCall.objects.values_list("request_excerpt", "response_excerpt", "error")
    if not story.crashes and len(calls) < sum(story.sandbox.requests.values()):
        yield f"the vendors saw {sum(story.sandbox.requests.values())} requests, the call log has {len(calls)}"
    box = story.sandbox
    text = "\n".join("\n".join(call) for call in calls)
    secrets = [box.dsco.client_secret, box.lingxing.app_secret, *box.dsco.tokens]
    yield from (f"the call log holds the secret {secret[:12]}…" for secret in secrets if secret in text)


def nothing_is_held_for_ever(story):
    """No flow, slot or token is left to a process that is gone."""
    now = timezone.now()
    for flow in Flow.objects.exclude(lease_token=""):
        if flow.lease_until > now:
            yield f"flow {flow.name} is leased until {flow.lease_until}"
    for slot in Slot.objects.filter(held_until__gt=now.timestamp() + 140):
        yield f"slot {slot.name} is held until {slot.held_until}"


def stock_was_never_invented(story):
    """No figure was beyond what LingXing ever had less what was sold: a row missed by a read would show as 0."""
    ordered = Counter()
    for order in story.sandbox.dsco.orders.values():
        for line in order["lineItems"]:
            ordered[line["sku"]] += line["quantity"]
    ever = story.stock_set
    history = {
        sku: {erp_sku for _wid, erp_sku in ever if f"{erp_sku}-".startswith(f"LX-{sku}-")}
        for sku in SkuMapping.objects.values_list("dsco_sku", flat=True)
    }
    sold = sum(ordered.values())
    for effect in story.sandbox.dsco.effects:
        if effect.kind != "inventory" or effect.key not in history:
            continue
        for code, units in effect.detail["warehouses"].items():
            figures = [one for sku in history[effect.key] for one in ever.get((WAREHOUSES[code], sku), [])]
            if figures and not min(figures) - 2 * sold <= units <= max(figures) + sold:
                yield f"stock of {effect.key} in {code} was set to {units}, LingXing had {sorted(figures)}"


def stock_is_right_at_the_end(story):
    """Every item has what is available in LingXing; less where something sold is not in the ERP."""
    if not story.has("stock"):
        return
    lingxing = story.sandbox.lingxing
    sold = Counter()
    pushed = set(ErpPush.objects.filter(status=State.SUCCEEDED).values_list("order__dsco_order_id", flat=True))
    for order_id, order in story.sandbox.dsco.orders.items():
        if order_id not in pushed:
            for line in order["lineItems"]:
                sold[line["sku"]] += line["quantity"]
    parked = set(StockUpdate.objects.filter(status__in=FOR_A_PERSON).values_list("item__dsco_sku", flat=True))
    mapped = {row.dsco_sku: row.erp_sku for row in SkuMapping.objects.all()}
    shared = Counter()
    for sku, units in sold.items():
        shared[mapped.get(sku)] += units
    for sku, erp_sku in mapped.items():
        item = story.sandbox.dsco.items.get(sku)
        if item is None or sku in parked:
            continue
        for stock in item["warehouses"]:
            rows = lingxing.stock.get((WAREHOUSES[stock["code"]], erp_sku), [])
            available = max(sum(row["product_valid_num"] for row in rows), 0)
            if not available - shared[erp_sku] <= stock["quantity"] <= available:
                yield f"{sku} in {stock['code']}: DSCO shows {stock['quantity']}, LingXing has {available}"


def retrying_what_is_parked_doubles_nothing(story):
    """A person may retry whatever stands before him: what the vendor has already is not done again."""
    if story.seed % 8:
        return  # it takes as long as the story itself
    parked = {}
    for name, kind in delivery_kinds().items():
        ids = list(kind.model.objects.filter(status__in=FOR_A_PERSON).values_list("pk", flat=True))
        if ids and kind.model is not StockUpdate:
            parked[name] = ids
    if parked:
        story.say(f"--- everything parked is retried: {parked}")
        for name, ids in parked.items():
            staff.retry(name, ids, "staff")
        story.settle()
        yield from (f"after the retry: {problem}" for problem in no_effect_twice(story))


CHECKS = (
    no_effect_twice, no_violation, no_order_lost, what_succeeded_is_there, what_is_there_is_known,
    what_is_cancelled_here_is_cancelled_there, nothing_is_stuck, ordinary_orders_are_invoiced,
    every_open_order_says_why, cancelled_orders_were_not_created, totals_are_exact,
    an_invoice_is_paid_for_what_has_left, every_call_is_kept, nothing_is_held_for_ever, stock_was_never_invented,
    stock_is_right_at_the_end, retrying_what_is_parked_doubles_nothing,
)  # fmt: skip

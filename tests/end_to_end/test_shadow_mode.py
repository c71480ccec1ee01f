"""Shadow mode: nothing is sent, the exact call is kept, and going live sends what was shown."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from integrations.flows import run_flow
from integrations.models import ShadowCall
from integrations.redaction import redacted
from integrations.sandbox.faults import Fault
from orders.models import Acknowledgement, Cancellation, ErpPush, Invoice, RetailerPolicy, Shipment
from orders.shadow import in_shadow, release_live

from .journeys import assert_each_effect_once, audit_and_ship, travel
from .test_emergency_stop import writes

STEPS = {
    "push_orders": ("erp_push", ErpPush, "lingxing", "create_orders"),
    "acknowledge_orders": ("acknowledgement", Acknowledgement, "dsco", "acknowledge"),
    "report_shipments": ("shipment", Shipment, "dsco", "single_shipment"),
    "report_invoices": ("invoice", Invoice, "dsco", "create_invoice"),
}
MODES = dict(zip(STEPS, ("push_mode", "acknowledge_mode", "shipment_mode", "invoice_mode"), strict=True))


def until(flow, world, clock):
    """Run everything that comes before a flow."""
    run_flow("pull_orders")
    for name in STEPS:
        if name == flow:
            return
        run_flow(name)
        if name == "push_orders":
            audit_and_ship(world)
        clock.advance(20)
        run_flow("pull_orders")


@pytest.mark.parametrize("flow", STEPS)
def test_the_call_is_kept_and_goes_when_the_policy_is_live(world, clock, flow):
    kind, model, vendor, operation = STEPS[flow]
    raw = world.dsco.add_orders(1)[0]
    order_id = str(raw["dscoOrderId"])
    clock.advance(15)
    policy = RetailerPolicy.objects.create(retailer_id=raw["dscoRetailerId"], **{MODES[flow]: "shadow"})
    until(flow, world, clock)
    sent = writes(world, vendor)
    result = run_flow(flow)
    assert result.status == "succeeded", result.error
    row = model.objects.get()
    assert (row.status, row.reason_code, row.attempts) == ("waiting", "shadow", 0)
    assert writes(world, vendor) == sent
    call = ShadowCall.objects.get()
    assert (call.kind, call.delivery_id, call.vendor, call.problem) == (kind, row.pk, vendor, "")
    assert call.operation.startswith(operation.split("_")[0])
    assert order_id in call.body or raw["poNumber"] in call.body
    for secret in ("1 Main Street", raw["shipping"]["address1"], raw["shipping"]["name"]):
        assert str(secret) not in call.body, "redacted like any call"
    made_at = call.made_at
    run_flow(flow)
    assert ShadowCall.objects.get().made_at == made_at, "not computed again while nothing changed"
    assert [(found.kind, found.number) for found in in_shadow()] == [(kind, 1)]

    RetailerPolicy.objects.update(**{MODES[flow]: "live"})
    policy.refresh_from_db()
    assert release_live([policy], timezone.now()) == {kind: 1}
    row.refresh_from_db()
    assert row.status == "due"
    run_flow(flow)
    shown, really = json.loads(call.body), _sent_body(world, call)
    assert _shape(shown) == _shape(really), "what was shown is what was sent"
    run_flow(flow)
    assert not ShadowCall.objects.exists(), "nothing waits in shadow mode any more"
    travel(world, clock)
    assert_each_effect_once(world, [order_id])


def _sent_body(world, call):
    found = [one for one in world.request_log if one.method == call.method and one.path.endswith(call.path)]
    return json.loads(redacted(found[-1].body))


def _shape(value):
    """Everything but the moment of sending."""
    if isinstance(value, dict):
        return {name: _shape(item) for name, item in value.items() if "ate" not in name}
    return [_shape(item) for item in value] if isinstance(value, list) else value


def test_what_would_not_be_sent_says_why(world, clock):
    from inventory.models import SkuMapping

    raw = world.dsco.add_orders(1)[0]
    clock.advance(15)
    RetailerPolicy.objects.create(retailer_id=raw["dscoRetailerId"], push_mode="shadow")
    SkuMapping.objects.all().delete()
    run_flow("pull_orders")
    run_flow("push_orders")
    call = ShadowCall.objects.get()
    assert call.body == ""
    assert str(raw["lineItems"][0]["sku"]) in call.problem


def test_orders_that_cannot_be_looked_up_do_not_keep_the_others_from_their_turn(world, clock):
    raws = world.dsco.add_orders(103)
    RetailerPolicy.objects.bulk_create(
        RetailerPolicy(retailer_id=one, push_mode="shadow") for one in {raw["dscoRetailerId"] for raw in raws}
    )
    clock.advance(15)
    run_flow("pull_orders")
    *unreadable, last, newest = ErpPush.objects.order_by("pk")
    for push in unreadable:
        fault = Fault("lingxing", "list_orders", "throttled", times=0, code="500", contains=push.platform_order_no)
        world.faults.add(fault)
    for _run in range(2):
        run_flow("push_orders")
    assert set(ShadowCall.objects.values_list("delivery_id", flat=True)) == {last.pk, newest.pk}

    world.faults.clear()
    for _run in range(2):
        run_flow("push_orders")
    assert ShadowCall.objects.count() == 103


def test_a_cancellation_in_shadow_mode_shows_its_call_to_lingxing(world, clock):
    raw = world.dsco.add_orders(1)[0]
    clock.advance(15)
    RetailerPolicy.objects.create(retailer_id=raw["dscoRetailerId"], cancellation_mode="shadow")
    run_flow("pull_orders")
    run_flow("push_orders")
    clock.advance(150)
    world.dsco.cancel_by_retailer(str(raw["dscoOrderId"]))
    clock.advance(15)
    run_flow("pull_orders")
    before = writes(world, "lingxing")
    run_flow("apply_cancellations")
    assert writes(world, "lingxing") == before
    assert Cancellation.objects.get(action="erp").reason_code == "shadow"
    call = ShadowCall.objects.get(kind="cancellation")
    assert (call.vendor, call.operation) == ("lingxing", "cancel_orders")
    assert ErpPush.objects.get().remote_reference in call.body

"""The flow ``apply_cancellations`` against the sandbox: what is cancelled is stopped and confirmed, nothing else."""

from __future__ import annotations

from integrations.deliveries import staff
from integrations.flows import run_flow
from integrations.sandbox.faults import Fault
from orders.holds import hold
from orders.models import Cancellation, RetailerPolicy

from .cancelling import (
    LINES,
    apply,
    apply_until_settled,
    ask,
    ask_for_line,
    bring_in,
    confirmed,
    erp_statuses,
    made,
    order_of,
    pushed,
    read,
    rows,
)
from .factories import map_everything

# --- Before the push ----------------------------------------------------------------------------------


def test_an_order_cancelled_before_the_push_is_never_created(sandbox):
    raw = bring_in(sandbox)
    sandbox.dsco.cancel_by_retailer(raw["dscoOrderId"])
    read(raw)
    apply()
    run_flow("push_orders")
    order = order_of(raw)
    assert made(sandbox, raw) == 0
    assert {order.erp_push.status, order.acknowledgement.status, order.shipment.status} == {"cancelled"}
    assert (order.stage, order.invoice.status) == ("cancelled", "cancelled")
    assert confirmed(sandbox, raw) == 0
    assert rows(raw) == {}


def test_a_request_before_the_push_is_confirmed_and_the_order_never_created(sandbox):
    raw = bring_in(sandbox)
    ask(sandbox, raw)
    run_flow("push_orders")
    apply()
    apply()
    run_flow("push_orders")
    assert made(sandbox, raw) == 0
    assert confirmed(sandbox, raw) == 1
    assert rows(raw) == {"dsco": ("succeeded", "")}
    sent = next(effect for effect in sandbox.dsco.effects if effect.kind == "cancellation").detail
    assert [(line["cancelledQuantity"], line["cancelCode"]) for line in sent["lineItems"]] == [(3, "CXSC"), (2, "CXSC")]
    assert order_of(raw).stage == "cancelled"
    assert order_of(raw).shipment.status == "cancelled"
    read(raw)
    apply()
    assert confirmed(sandbox, raw) == 1
    assert sandbox.violations == []


def test_a_new_order_that_comes_with_a_request_is_never_created(sandbox):
    raw = sandbox.dsco.add_order(lines=LINES)
    sandbox.dsco.request_cancel(raw["dscoOrderId"])
    map_everything(sandbox)
    read(raw)
    run_flow("push_orders")
    apply()
    assert (made(sandbox, raw), confirmed(sandbox, raw)) == (0, 1)


def test_a_retailers_own_cancel_code_is_used(sandbox):
    raw = bring_in(sandbox)
    RetailerPolicy.objects.create(retailer_id=raw["dscoRetailerId"], cancel_code="CXSO")
    ask(sandbox, raw)
    apply()
    sent = next(effect for effect in sandbox.dsco.effects if effect.kind == "cancellation").detail
    assert {line["cancelCode"] for line in sent["lineItems"]} == {"CXSO"}


def test_a_request_that_the_policy_leaves_to_people_is_accepted_by_retry(sandbox):
    raw = bring_in(sandbox)
    RetailerPolicy.objects.create(retailer_id=raw["dscoRetailerId"], accept_cancel_requests=False)
    ask(sandbox, raw)
    apply()
    assert rows(raw) == {"dsco": ("needs_attention", "cancel_requested")}
    assert confirmed(sandbox, raw) == 0
    staff.retry("cancellation", [Cancellation.objects.get().pk], "mei")
    apply()
    assert (made(sandbox, raw), confirmed(sandbox, raw)) == (0, 1)


def test_a_refused_request_lets_the_order_go_on(sandbox):
    raw = bring_in(sandbox)
    RetailerPolicy.objects.create(retailer_id=raw["dscoRetailerId"], accept_cancel_requests=False)
    ask(sandbox, raw)
    apply()
    staff.skip("cancellation", [Cancellation.objects.get().pk], "mei", "already packed")
    run_flow("push_orders")
    apply()
    assert (made(sandbox, raw), confirmed(sandbox, raw)) == (1, 0)
    assert order_of(raw).acknowledgement.status == "waiting"
    sandbox.dsco.change_order(raw["dscoOrderId"], consumerOrderNumber="C-1")
    read(raw)
    apply()
    assert rows(raw) == {"dsco": ("skipped", "staff")}
    assert erp_statuses(sandbox, raw) == [4]


def test_a_withdrawn_request_lets_the_order_go_on(sandbox):
    raw = bring_in(sandbox)
    RetailerPolicy.objects.create(retailer_id=raw["dscoRetailerId"], accept_cancel_requests=False)
    ask(sandbox, raw)
    apply()
    lines = [line | {"cancelRequested": False} for line in raw["lineItems"]]
    sandbox.dsco.change_order(raw["dscoOrderId"], cancelRequested=False, lineItems=lines)
    read(raw)
    apply()
    run_flow("push_orders")
    assert rows(raw) == {"dsco": ("cancelled", "withdrawn")}
    assert (made(sandbox, raw), confirmed(sandbox, raw)) == (1, 0)
    assert order_of(raw).shipment.status == "waiting"


def test_a_request_for_one_line_is_confirmed_first_and_the_rest_is_pushed(sandbox):
    raw = bring_in(sandbox)
    ask_for_line(sandbox, raw, 0)
    run_flow("push_orders")
    assert made(sandbox, raw) == 0
    apply()
    run_flow("push_orders")
    assert (made(sandbox, raw), confirmed(sandbox, raw)) == (0, 1)
    assert order_of(raw).stage == "received"
    read(raw)
    apply()
    run_flow("push_orders")
    assert (made(sandbox, raw), confirmed(sandbox, raw)) == (1, 1)
    (erp_order,) = sandbox.lingxing.by_platform(raw["dscoOrderId"])
    assert [item["quantity"] for item in erp_order["item_info"]] == [2]
    apply()
    assert order_of(raw).stage == "in_erp"
    assert rows(raw)["dsco"] == ("succeeded", "")
    assert sandbox.violations == []


def test_a_held_order_that_is_cancelled_is_never_created_and_nothing_is_sent(sandbox):
    raw = bring_in(sandbox)
    hold([order_of(raw).pk], "fraud check", "mei")
    ask(sandbox, raw)
    apply()
    order = order_of(raw)
    assert order.erp_push.status == "cancelled"
    assert rows(raw) == {"dsco": ("waiting", "held")}
    assert confirmed(sandbox, raw) == 0


def test_a_push_that_may_have_happened_is_cleared_up_first(sandbox, clock):
    raw = bring_in(sandbox)
    sandbox.faults.add(Fault("lingxing", "create_orders", "reset_after"))
    run_flow("push_orders")
    assert order_of(raw).erp_push.status in ("uncertain", "succeeded")
    ask(sandbox, raw)
    apply()
    clock.advance(60)
    run_flow("push_orders")
    apply_until_settled(clock, 3)
    assert made(sandbox, raw) == 1
    assert erp_statuses(sandbox, raw) == [7]
    assert confirmed(sandbox, raw) == 1


# --- After the push -----------------------------------------------------------------------------------


def test_a_request_after_the_push_is_cancelled_in_lingxing_and_then_confirmed(sandbox):
    raw = pushed(sandbox)
    ask(sandbox, raw)
    apply()
    assert erp_statuses(sandbox, raw) == [7]
    assert confirmed(sandbox, raw) == 1
    assert rows(raw) == {"erp": ("succeeded", ""), "dsco": ("succeeded", "")}
    order = order_of(raw)
    assert (order.stage, order.shipment.status, order.invoice.status) == ("cancelled", "cancelled", "cancelled")
    apply()
    read(raw)
    apply()
    assert sandbox.lingxing.effect_count("erp_cancellation", raw["dscoOrderId"]) == 1
    assert confirmed(sandbox, raw) == 1
    assert sandbox.violations == []


def test_an_order_cancelled_at_dsco_after_the_push_is_only_stopped_in_lingxing(sandbox):
    raw = pushed(sandbox)
    sandbox.dsco.cancel_by_retailer(raw["dscoOrderId"])
    read(raw)
    assert order_of(raw).stage == "in_erp"
    apply()
    assert erp_statuses(sandbox, raw) == [7]
    assert rows(raw) == {"erp": ("succeeded", "")}
    assert confirmed(sandbox, raw) == 0
    assert order_of(raw).stage == "cancelled"


def test_every_part_of_a_split_order_is_cancelled(sandbox):
    raw = pushed(sandbox)
    sandbox.lingxing.split(raw["dscoOrderId"])
    ask(sandbox, raw)
    apply()
    assert set(erp_statuses(sandbox, raw)) == {7}
    assert confirmed(sandbox, raw) == 1


def test_an_order_in_the_warehouse_is_intercepted_and_confirmed_when_it_has_stopped(sandbox, clock):
    raw = pushed(sandbox)
    sandbox.options.async_seconds = 30
    sandbox.lingxing.audit(raw["dscoOrderId"])
    sandbox.lingxing.label_only(raw["dscoOrderId"])  # the warehouse works on it
    ask(sandbox, raw)
    apply()
    assert rows(raw)["erp"][0] in ("accepted", "uncertain")
    assert rows(raw)["dsco"] == ("waiting", "waiting_for_erp")
    assert confirmed(sandbox, raw) == 0
    clock.advance(60)
    apply_until_settled(clock, 3)
    assert erp_statuses(sandbox, raw) == [7]
    assert rows(raw) == {"erp": ("succeeded", ""), "dsco": ("succeeded", "")}
    assert confirmed(sandbox, raw) == 1


def test_an_order_that_has_shipped_is_left_to_a_person_and_nothing_is_sent(sandbox):
    raw = pushed(sandbox)
    sandbox.lingxing.audit(raw["dscoOrderId"])
    sandbox.lingxing.ship(raw["dscoOrderId"])
    ask(sandbox, raw)
    apply()
    apply()
    assert rows(raw)["erp"] == ("needs_attention", "cancelled_after_shipment")
    assert (confirmed(sandbox, raw), erp_statuses(sandbox, raw)) == (0, [6])
    staff.skip("cancellation", [Cancellation.objects.get(action="erp").pk], "mei", "parcel is on its way")
    apply()
    assert rows(raw)["erp"] == ("skipped", "staff")
    assert all(status == "skipped" for status, _reason in rows(raw).values())
    assert confirmed(sandbox, raw) == 0


def test_an_order_merged_with_another_one_is_never_cancelled_by_itself(sandbox):
    first, second = pushed(sandbox), pushed(sandbox)
    sandbox.lingxing.merge([first["dscoOrderId"], second["dscoOrderId"]])
    ask(sandbox, first)
    apply()
    assert rows(first)["erp"] == ("needs_attention", "merged_erp_order")
    assert second["dscoOrderId"] in Cancellation.objects.get(action="erp").last_error
    assert 4 in erp_statuses(sandbox, second)
    assert sandbox.requests["lingxing", "cancel_orders"] == 0
    assert confirmed(sandbox, first) == 0


def test_an_order_that_staff_cancelled_in_lingxing_already_is_only_confirmed(sandbox):
    raw = pushed(sandbox)
    sandbox.lingxing.cancel(raw["dscoOrderId"])
    ask(sandbox, raw)
    apply()
    assert sandbox.requests["lingxing", "cancel_orders"] == 0
    assert confirmed(sandbox, raw) == 1


def test_a_request_after_the_push_that_the_policy_leaves_to_people(sandbox):
    raw = pushed(sandbox)
    RetailerPolicy.objects.create(retailer_id=raw["dscoRetailerId"], accept_cancel_requests=False)
    ask(sandbox, raw)
    apply()
    assert rows(raw) == {"erp": ("needs_attention", "cancel_requested"), "dsco": ("waiting", "waiting_for_erp")}
    staff.retry("cancellation", [Cancellation.objects.get(action="erp").pk], "mei")
    apply()
    assert rows(raw) == {"erp": ("succeeded", ""), "dsco": ("succeeded", "")}


def test_a_refused_request_that_dsco_then_cancels_is_stopped_all_the_same(sandbox):
    raw = pushed(sandbox)
    RetailerPolicy.objects.create(retailer_id=raw["dscoRetailerId"], accept_cancel_requests=False)
    ask(sandbox, raw)
    apply()
    staff.skip("cancellation", [Cancellation.objects.get(action="erp").pk], "mei", "no")
    apply()
    assert erp_statuses(sandbox, raw) == [4]
    sandbox.dsco.cancel_by_retailer(raw["dscoOrderId"])
    read(raw)
    apply()
    assert erp_statuses(sandbox, raw) == [7]
    assert rows(raw) == {"erp": ("succeeded", ""), "dsco": ("cancelled", "already_cancelled")}


def test_a_part_cancelled_after_the_push_is_adjusted_by_a_person_and_then_confirmed(sandbox):
    raw = pushed(sandbox)
    ask_for_line(sandbox, raw, 0)
    apply()
    apply()
    assert rows(raw) == {"erp": ("needs_attention", "partly_cancelled"), "dsco": ("waiting", "waiting_for_erp")}
    row = Cancellation.objects.get(action="erp")
    assert "3 of HP-LAMP-01 (line 1)" in row.last_error
    staff.retry("cancellation", [row.pk], "mei")
    apply()
    assert (erp_statuses(sandbox, raw), confirmed(sandbox, raw)) == ([4], 0)
    staff.mark_done("cancellation", [row.pk], "mei", "taken out by hand")
    apply()
    assert rows(raw) == {"erp": ("succeeded", ""), "dsco": ("succeeded", "")}
    assert confirmed(sandbox, raw) == 1
    assert order_of(raw).stage == "in_erp"


def test_a_part_cancelled_before_the_push_needs_nobody_afterwards(sandbox):
    raw = bring_in(sandbox)
    lines = [dict(line) for line in sandbox.dsco.orders[raw["dscoOrderId"]]["lineItems"]]
    lines[0] |= {"cancelledQuantity": 1, "remainingQuantity": 2}
    sandbox.dsco.change_order(raw["dscoOrderId"], lineItems=lines)
    read(raw)
    run_flow("push_orders")
    assert made(sandbox, raw) == 1
    apply()
    asked = sandbox.requests["lingxing", "list_orders"]
    apply()
    assert rows(raw) == {"erp": ("skipped", "already_adjusted")}
    assert sandbox.requests["lingxing", "list_orders"] == asked

"""The retailer thinks better of it while we are at it, or lists his lines anew: nothing is lost, no other line hit."""

from __future__ import annotations

import pytest

from integrations.deliveries import staff
from integrations.sandbox.faults import Fault
from orders.cancellation_kind import CancellationKind
from orders.cancellations import items_to_cancel
from orders.models import Cancellation, Discrepancy, RetailerPolicy
from orders.staff_cancellations import cancel_lines

from .cancelling import (
    apply,
    apply_until_settled,
    ask,
    ask_for_line,
    bring_in,
    confirmed,
    erp_statuses,
    order_of,
    pushed,
    read,
    rows,
)


def take_back(sandbox, raw) -> None:
    """The retailer wants the order after all, and we read it."""
    lines = [line | {"cancelRequested": False} for line in sandbox.dsco.orders[raw["dscoOrderId"]]["lineItems"]]
    sandbox.dsco.change_order(raw["dscoOrderId"], cancelRequested=False, lineItems=lines)
    read(raw)


def list_lines_backwards(sandbox, raw) -> None:
    """DSCO lists the same lines in another order, and we read it."""
    sandbox.dsco.rewrite(raw["dscoOrderId"], lambda order: order["lineItems"].reverse())
    read(raw)


def cancelled_by_sku(sandbox, raw) -> dict[str, int]:
    """What DSCO shows as cancelled."""
    return {line["sku"]: line["cancelledQuantity"] for line in sandbox.dsco.orders[raw["dscoOrderId"]]["lineItems"]}


def is_told(raw) -> bool:
    """Whether a person is told that the order does not go on."""
    order = order_of(raw)
    kinds = [order.erp_push, order.acknowledgement, order.shipment, order.invoice, *order.cancellations.all()]
    return any(row.status in ("needs_attention", "failed") for row in kinds)


def test_a_request_taken_back_while_the_warehouse_was_stopping_the_order_is_shown(sandbox, clock):
    raw = pushed(sandbox)
    sandbox.options.async_seconds = 3600
    sandbox.lingxing.audit(raw["dscoOrderId"])
    sandbox.lingxing.label_only(raw["dscoOrderId"])  # the warehouse works on it
    ask(sandbox, raw)
    apply()
    assert rows(raw)["erp"][0] in ("accepted", "uncertain")
    take_back(sandbox, raw)
    apply()
    clock.advance(4000)
    apply_until_settled(clock, 3)
    assert erp_statuses(sandbox, raw) == [7]
    assert confirmed(sandbox, raw) == 0
    assert rows(raw) == {"erp": ("succeeded", ""), "dsco": ("needs_attention", "withdrawn_too_late")}
    assert is_told(raw)


def test_a_request_taken_back_before_the_confirmation_was_claimed_is_shown(sandbox):
    raw = pushed(sandbox)
    ask(sandbox, raw)
    sandbox.faults.add(Fault("dsco", "cancel_items", "throttled", times=0, retry_after=0))
    apply()
    assert rows(raw)["erp"] == ("succeeded", "")
    take_back(sandbox, raw)
    kind = CancellationKind()
    row = kind.queryset().get(action="dsco")
    outcome = kind.check([row], row.changed_at)[row.pk]
    assert (outcome.state, outcome.code) == ("needs_attention", "withdrawn_too_late")


def test_a_person_may_cancel_at_dsco_all_the_same(sandbox):
    raw = pushed(sandbox)
    ask(sandbox, raw)
    sandbox.faults.add(Fault("dsco", "cancel_items", "throttled", times=0, retry_after=0))
    apply()
    take_back(sandbox, raw)
    sandbox.faults.clear()
    apply()
    assert rows(raw)["dsco"] == ("needs_attention", "withdrawn_too_late")
    staff.retry("cancellation", [Cancellation.objects.get(action="dsco").pk], "mei")
    apply()
    assert confirmed(sandbox, raw) == 1
    assert rows(raw)["dsco"] == ("succeeded", "")


def test_a_request_refused_while_the_warehouse_was_stopping_the_order_is_shown(sandbox, clock):
    raw = pushed(sandbox)
    sandbox.options.async_seconds = 3600
    sandbox.lingxing.audit(raw["dscoOrderId"])
    sandbox.lingxing.label_only(raw["dscoOrderId"])
    ask(sandbox, raw)
    apply()
    staff.skip("cancellation", [Cancellation.objects.get(action="dsco").pk], "mei", "we deliver")
    clock.advance(4000)
    apply_until_settled(clock, 3)
    assert erp_statuses(sandbox, raw) == [7]
    assert confirmed(sandbox, raw) == 0
    assert is_told(raw)


def test_staff_who_cancel_a_unit_do_not_make_less_of_what_the_retailer_asks_for(sandbox):
    raw = bring_in(sandbox)
    RetailerPolicy.objects.create(retailer_id=raw["dscoRetailerId"], accept_cancel_requests=False)
    ask(sandbox, raw)
    cancel_lines(order_of(raw).pk, {0: 1}, "CXSS", "broken", "mei")
    apply()
    apply()
    assert cancelled_by_sku(sandbox, raw) == {"HP-LAMP-01": 3, "HP-VASE-02": 2}
    assert confirmed(sandbox, raw) == 1


@pytest.mark.parametrize("looked", [False, True])
def test_a_request_for_the_rest_after_staff_cancelled_a_part_is_shown(sandbox, looked):
    raw = bring_in(sandbox)
    cancel_lines(order_of(raw).pk, {0: 1}, "CXSS", "broken", "mei")
    apply()
    assert cancelled_by_sku(sandbox, raw) == {"HP-LAMP-01": 1, "HP-VASE-02": 0}
    if looked:
        read(raw)
    ask(sandbox, raw)
    for _run in range(2):
        apply()
    assert order_of(raw).stage != "cancelled"
    assert order_of(raw).shipment.reason_code == "cancelled_again"
    assert is_told(raw)
    sandbox.dsco.cancel_by_retailer(raw["dscoOrderId"])
    read(raw)
    apply()
    assert order_of(raw).stage == "cancelled"
    assert not is_told(raw)


@pytest.mark.parametrize("looked", [False, True])
def test_a_request_for_as_many_units_as_staff_had_cancelled_is_shown(sandbox, looked):
    """One of two by staff, then the other one by the retailer: the second is not taken for the first."""
    raw = bring_in(sandbox, lines=[{"sku": "HP-LAMP-01", "quantity": 2}])
    cancel_lines(order_of(raw).pk, {0: 1}, "CXSS", "broken", "mei")
    apply()
    if looked:
        read(raw)
    ask(sandbox, raw)
    for _run in range(2):
        apply()
    read(raw)
    apply()
    assert order_of(raw).shipment.reason_code == "cancelled_again"
    assert is_told(raw)


@pytest.mark.parametrize("shown", [False, True])
def test_a_request_for_the_rest_while_dsco_still_works_on_a_part_is_shown(sandbox, clock, shown):
    """shown: DSCO's list has the part as cancelled before its change log has told us the outcome."""
    sandbox.options.async_seconds, sandbox.options.cancel_answers_202 = 300, True
    raw = bring_in(sandbox)
    cancel_lines(order_of(raw).pk, {0: 1}, "CXSS", "broken", "mei")
    apply()
    assert rows(raw)["dsco"] == ("accepted", "")
    ask(sandbox, raw)
    apply()
    clock.advance(400)
    if shown:
        read(raw)
    apply_until_settled(clock, 3)
    assert cancelled_by_sku(sandbox, raw) == {"HP-LAMP-01": 1, "HP-VASE-02": 0}
    assert rows(raw)["dsco"] == ("succeeded", "")
    assert order_of(raw).stage != "cancelled"
    assert is_told(raw)


def test_no_more_is_cancelled_than_is_still_asked_for_at_the_moment_of_the_call(sandbox):
    raw = bring_in(sandbox)
    ask(sandbox, raw)
    sandbox.faults.add(Fault("dsco", "cancel_items", "throttled", times=0, retry_after=0))
    apply()
    lines = [dict(line) for line in sandbox.dsco.orders[raw["dscoOrderId"]]["lineItems"]]
    lines[0]["cancelRequested"], lines[1]["cancelRequested"] = False, True
    sandbox.dsco.change_order(raw["dscoOrderId"], cancelRequested=False, lineItems=lines)
    read(raw)
    row = CancellationKind().queryset().get(action="dsco")
    assert [item["quantity"] for item in row.lines] == [3, 2]  # no run has looked at it since
    body = items_to_cancel(row, row.order.lines.all())
    assert body is not None
    assert [(item.sku, item.cancelled_quantity) for item in body.line_items] == [("HP-VASE-02", 2)]


@pytest.mark.parametrize("position", [0, 1])
def test_what_staff_cancel_stays_the_same_line_when_dsco_lists_the_lines_in_another_order(sandbox, position):
    raw = bring_in(sandbox)
    sku = raw["lineItems"][position]["sku"]
    cancel_lines(order_of(raw).pk, {position: 1}, "CXSS", "broken", "mei")
    list_lines_backwards(sandbox, raw)
    apply()
    assert {name: units for name, units in cancelled_by_sku(sandbox, raw).items() if units} == {sku: 1}
    assert rows(raw)["dsco"] == ("succeeded", "")


def test_what_staff_cancel_hits_no_other_line_when_dsco_has_removed_it(sandbox):
    raw = bring_in(sandbox)
    cancel_lines(order_of(raw).pk, {0: 1}, "CXSS", "broken", "mei")
    sandbox.dsco.rewrite(raw["dscoOrderId"], lambda order: order["lineItems"].pop(0))
    read(raw)
    apply()
    assert cancelled_by_sku(sandbox, raw) == {raw["lineItems"][1]["sku"]: 0}
    assert rows(raw)["dsco"][0] == "cancelled"


def test_a_lost_reply_is_looked_up_on_the_same_line_when_dsco_lists_the_lines_in_another_order(sandbox, clock):
    raw = bring_in(sandbox)
    sku = raw["lineItems"][1]["sku"]
    cancel_lines(order_of(raw).pk, {1: 1}, "CXSS", "broken", "mei")
    sandbox.faults.add(Fault("dsco", "cancel_items", "reset_after"))
    apply()
    sandbox.dsco.rewrite(raw["dscoOrderId"], lambda order: order["lineItems"].reverse())
    apply_until_settled(clock, 4)
    assert {name: units for name, units in cancelled_by_sku(sandbox, raw).items() if units} == {sku: 1}
    assert confirmed(sandbox, raw) == 1
    assert rows(raw)["dsco"] == ("succeeded", "")


def test_a_line_asked_for_is_the_same_line_when_dsco_lists_the_lines_in_another_order(sandbox):
    raw = pushed(sandbox)
    ask_for_line(sandbox, raw, 0)
    apply()
    stop = Cancellation.objects.get(action="erp")
    assert stop.reason_code == "partly_cancelled"
    list_lines_backwards(sandbox, raw)
    staff.mark_done("cancellation", [stop.pk], "mei", "taken out by hand")
    apply()
    sku = raw["lineItems"][0]["sku"]
    assert {name for name, units in cancelled_by_sku(sandbox, raw).items() if units} == {sku}
    assert Discrepancy.objects.count() == 0

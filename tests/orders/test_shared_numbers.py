"""LingXing is given PO numbers, and two DSCO orders have the same one: neither is ever taken for the other."""

from __future__ import annotations

import pytest

from integrations.deliveries import staff
from orders.models import Cancellation, ErpPush, OrderLine, StoreMapping

from .factories import map_everything
from .journeys import acknowledgement_of, line, place, push, pushed, run, shipment_of
from .reconciling import finding, findings

pytestmark = pytest.mark.django_db


@pytest.fixture
def two(sandbox, clock, settings) -> tuple[str, str]:
    """An order that is in LingXing under its PO number, and a later one with the same PO number and lines."""
    settings.LINGXING_ORDER_NUMBER_FIELD = "po_number"
    first = pushed(sandbox, line("LAMP", 2), poNumber="SAME")
    second = place(sandbox, line("LAMP", 2), poNumber="SAME")
    clock.advance(15)
    run("pull_orders")
    run("push_orders")
    assert push_of(second).reason_code == "same_order_number"
    return first, second


def push_of(order_id: str) -> ErpPush:
    return ErpPush.objects.get(order__dsco_order_id=order_id)


def store_of(order_id: str) -> str:
    retailer = push_of(order_id).order.retailer_id
    return StoreMapping.objects.get(retailer_id=retailer).store.store_id


def ship(sandbox) -> None:
    """LingXing's people carry out the one order that they have, and our flows see it."""
    sandbox.lingxing.audit("SAME")
    run("acknowledge_orders")
    sandbox.lingxing.ship("SAME", [{"tracking": "T-1"}])
    run("report_shipments")


def test_the_nightly_comparison_takes_no_order_over_that_is_another_ones(sandbox, clock, two):
    first, second = two
    clock.advance(8 * 3600)
    run("reconcile")
    assert (push_of(second).status, push_of(second).remote_reference) == ("needs_attention", "")
    ship(sandbox)
    assert shipment_of(first).status == "succeeded"
    assert (shipment_of(second).status, acknowledgement_of(second).status) == ("waiting", "waiting")


def test_an_order_made_by_hand_gets_nothing_of_the_other_one(sandbox, clock, two):
    first, second = two
    staff.mark_done("erp_push", [push_of(second).pk], "mei", "made under another number")
    ship(sandbox)
    assert shipment_of(first).status == "succeeded"
    row = acknowledgement_of(second)
    assert (row.status, row.reason_code) == ("needs_attention", "same_order_number")
    staff.mark_done("acknowledgement", [row.pk], "mei", "in the portal")
    run("report_shipments")
    assert shipment_of(second).status == "waiting"
    assert sandbox.dsco.effect_count("shipment", second) == 0


def test_cancelling_the_order_made_by_hand_stops_no_other_one(sandbox, clock, two):
    _first, second = two
    staff.mark_done("erp_push", [push_of(second).pk], "mei", "made under another number")
    sandbox.dsco.request_cancel(second)
    clock.advance(15)
    run("pull_orders")
    run("apply_cancellations")
    assert Cancellation.objects.get(action="erp").reason_code == "same_order_number"
    assert [row["status"] for row in sandbox.lingxing.by_platform("SAME")] == [4]


def test_the_one_that_was_not_made_by_hand_goes_when_it_is_retried(sandbox, settings):
    settings.LINGXING_ORDER_NUMBER_FIELD = "po_number"
    first, second = (place(sandbox, line("LAMP", 2), poNumber="SAME") for _each in range(2))
    push(sandbox)
    assert {push_of(first).reason_code, push_of(second).reason_code} == {"same_order_number"}
    staff.mark_done("erp_push", [push_of(second).pk], "mei", "made under another number")
    staff.retry("erp_push", [push_of(first).pk], "mei")
    run("push_orders")
    assert push_of(first).status == "succeeded"
    ship(sandbox)
    assert shipment_of(first).status == "succeeded"
    assert shipment_of(second).status == "waiting"


def test_a_part_cancelled_of_the_order_made_by_hand_is_not_looked_up_in_the_other_one(sandbox, clock, settings):
    settings.LINGXING_ORDER_NUMBER_FIELD = "po_number"
    pushed(sandbox, line("LAMP", 2), poNumber="SAME")
    second = place(sandbox, line("LAMP", 2), line("RUG", 1), poNumber="SAME")
    map_everything(sandbox)
    clock.advance(15)
    run("pull_orders")
    run("push_orders")
    staff.mark_done("erp_push", [push_of(second).pk], "mei", "made under another number")
    OrderLine.objects.filter(order__dsco_order_id=second, sku="RUG").update(erp_sku="LX-RUG")
    lines = [dict(one) for one in sandbox.dsco.orders[second]["lineItems"]]
    lines[1]["cancelRequested"] = True
    sandbox.dsco.change_order(second, lineItems=lines)
    clock.advance(15)
    run("pull_orders")
    run("apply_cancellations")
    stop = Cancellation.objects.get(action="erp")
    assert (stop.status, stop.reason_code) == ("needs_attention", "partly_cancelled")


def test_one_made_by_hand_under_the_same_number_by_mistake_is_not_taken_for_the_other(sandbox, settings):
    settings.LINGXING_ORDER_NUMBER_FIELD = "po_number"
    first, second = (place(sandbox, line("LAMP", 2), poNumber="SAME") for _each in range(2))
    push(sandbox)
    sandbox.lingxing.create_by_hand("SAME", store_of(first), {"LX-LAMP": 2})
    staff.mark_done("erp_push", [push_of(second).pk], "mei", "made by hand")
    staff.retry("erp_push", [push_of(first).pk], "mei")
    run("push_orders")
    assert (push_of(first).status, push_of(first).reason_code) == ("needs_attention", "number_taken")
    assert sandbox.lingxing.effect_count("erp_order", "SAME") == 0
    ship(sandbox)
    assert (shipment_of(first).status, sandbox.dsco.effect_count("shipment", first)) == ("waiting", 0)


def test_the_comparison_shows_a_number_that_was_given_twice(sandbox, clock, two):
    first, second = two
    sandbox.lingxing.create_by_hand("SAME", store_of(first), {"LX-LAMP": 2})
    staff.mark_done("erp_push", [push_of(second).pk], "mei", "made by hand")
    OrderLine.objects.update(erp_sku="LX-LAMP")
    clock.advance(8 * 3600)
    run("reconcile")
    assert findings() == {"number_given_twice": ["SAME"]}
    assert finding("number_given_twice").order.dsco_order_id == first

"""Orders travel end to end, and what goes wrong on the way heals without a double effect."""

from __future__ import annotations

import pytest

from integrations.flows import run_flow
from integrations.sandbox.faults import Fault
from orders.models import Order, Stage

from .journeys import assert_each_effect_once, run_all, stages, travel

WRITES = (
    ("lingxing", "create_orders"),
    ("dsco", "acknowledge"),
    ("dsco", "single_shipment"),
    ("dsco", "create_invoice"),
)
LOST = (
    "error_before",
    "error_after",
    "reset_before",
    "reset_after",
    "timeout_before",
    "timeout_after",
    "broken_json_after",
    "html_after",
)


def placed(sandbox, count, **fields):
    return [str(order["dscoOrderId"]) for order in sandbox.dsco.add_orders(count, **fields)]


def test_orders_travel_from_dsco_to_the_erp_and_back_to_the_invoice(world, clock):
    orders = placed(world, 5)
    travel(world, clock)
    assert stages() == {Stage.INVOICED: 5}
    assert_each_effect_once(world, orders)
    assert world.violations == []


def test_running_every_flow_three_times_changes_nothing_more(world, clock):
    orders = placed(world, 4)
    travel(world, clock)
    for _again in range(3):
        run_all(world, clock)
    assert_each_effect_once(world, orders)


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize(("vendor", "operation"), WRITES)
def test_a_lost_reply_or_request_heals_with_one_effect(world, clock, settings, vendor, operation, kind):
    settings.HTTP_TIMEOUT_SECONDS = 0.4
    orders = placed(world, 3)
    world.faults.add(Fault(vendor=vendor, operation=operation, kind=kind, times=2, seconds=0.8))
    travel(world, clock)
    assert stages() == {Stage.INVOICED: 3}
    assert_each_effect_once(world, orders)


@pytest.mark.parametrize(("vendor", "operation"), WRITES)
def test_it_heals_also_when_the_vendors_reads_lag_behind_their_writes(world, clock, settings, vendor, operation):
    settings.VERIFY_DELAY_SECONDS = 60
    world.options.visibility_delay_seconds = 45
    orders = placed(world, 3)
    world.faults.add(Fault(vendor=vendor, operation=operation, kind="reset_after", times=2))
    travel(world, clock, rounds=25)
    assert stages() == {Stage.INVOICED: 3}
    assert_each_effect_once(world, orders)


@pytest.mark.parametrize("operation", ["create_orders", "acknowledge", "shipment_batch", "invoice_batch"])
def test_a_batch_whose_reply_is_lost_heals_item_by_item(world, clock, settings, operation):
    settings.BATCH_FROM = 2
    vendor = "lingxing" if operation == "create_orders" else "dsco"
    orders = placed(world, 8)
    world.faults.add(Fault(vendor=vendor, operation=operation, kind="partial_apply", times=1))
    travel(world, clock)
    assert stages() == {Stage.INVOICED: 8}
    assert_each_effect_once(world, orders)


def test_the_same_po_number_at_two_retailers_is_two_orders(world, clock):
    one = placed(world, 1, po_number="PO-1", retailer="1000041001")
    two = placed(world, 1, po_number="PO-1", retailer="1000041002")
    travel(world, clock)
    assert_each_effect_once(world, one + two)
    assert len({invoice["invoiceId"] for invoice in world.dsco.invoices.values()}) == 2


def test_an_order_cancelled_after_the_pull_and_before_the_push_never_reaches_the_erp(world, clock):
    (order,) = placed(world, 1)
    run_flow("pull_orders")
    world.dsco.cancel_by_retailer(order)
    clock.advance(30)
    run_all(world, clock)
    run_all(world, clock)
    assert world.lingxing.effect_count("erp_order", order) == 0
    assert Order.objects.get().stage == Stage.CANCELLED


def test_a_pull_between_shipment_and_invoice_loses_no_invoice(world, clock):
    (order,) = placed(world, 1)
    for name in ("pull_orders", "push_orders"):
        run_flow(name)
    world.lingxing.audit(order)
    world.lingxing.ship(order)
    for name in ("acknowledge_orders", "report_shipments", "pull_orders"):
        run_flow(name)
        clock.advance(30)
    run_flow("pull_orders")
    clock.advance(30)
    run_flow("report_invoices")
    assert world.dsco.effect_count("invoice", order) == 1


def test_one_order_with_broken_data_never_stops_its_neighbours(world, clock):
    good = placed(world, 3)
    sandbox = world.dsco
    placed(world, 1, shipping=None)
    placed(world, 1, lines=[{"sku": "NOT-MAPPED", "quantity": 1}])
    many = placed(world, 1, lines=[{"sku": "HP-LAMP-01", "quantity": 1} for _line in range(400)])
    name = placed(world, 1)
    odd = {**sandbox.orders[name[0]]["shipping"], "name": "𝒵𝓸ë 林 \u202e", "phone": None}
    sandbox.change_order(name[0], shipping=odd)
    null_id = placed(world, 1)[0]
    sandbox.orders[null_id]["poNumber"] = None
    travel(world, clock, rounds=4)
    assert_each_effect_once(world, [*good, *name])
    assert Order.objects.count() >= 7
    assert Order.objects.get(dsco_order_id=many[0]).lines.count() == 400

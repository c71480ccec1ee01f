"""An emergency stop in the middle of everything: nothing is written after it; its end heals, each effect once."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connections

from integrations.flows import run_flow
from integrations.models import Attempt
from integrations.sandbox.faults import Fault
from integrations.stopping import end_stop, stop_vendor
from orders.models import Acknowledgement, ErpPush, Invoice, Shipment

from .journeys import assert_each_effect_once, run_all, travel

READS = {"GET"}


def writes(sandbox, vendor):
    """Count the requests that could change something at a vendor, as the sandbox saw them."""
    paths = ("/create", "/cancelOrder", "/wmsOrder/cancel") if vendor == "lingxing" else ("/",)
    return sum(
        1
        for call in list(sandbox.request_log)
        if call.vendor == vendor
        and call.method not in READS
        and "token" not in call.path
        and any(path in call.path for path in paths)
    )


def stop_after(sandbox, vendor, number):
    """Stop a vendor, in another thread, as soon as so many writes have arrived there."""

    def wait_and_stop():
        try:
            deadline = time.monotonic() + 20
            while writes(sandbox, vendor) < number and time.monotonic() < deadline:
                time.sleep(0.01)
            stop_vendor(vendor, "wrong prices", "mei")
        finally:
            connections.close_all()

    thread = threading.Thread(target=wait_and_stop)
    thread.start()
    return thread


def test_a_stop_in_the_middle_of_a_pass_and_its_end(world, clock, settings):
    settings.PUSH_BATCH_SIZE, settings.HTTP_THREADS = 1, 1
    settings.HTTP_TIMEOUT_SECONDS = 10
    orders = [str(order["dscoOrderId"]) for order in world.dsco.add_orders(8)]
    clock.advance(15)
    run_flow("pull_orders")
    world.faults.add(Fault(vendor="lingxing", operation="create_orders", kind="delay", times=0, seconds=0.5))
    world.faults.add(Fault(vendor="lingxing", operation="*", kind="delay", times=0, seconds=0.05))
    thread = stop_after(world, "lingxing", 3)
    result = run_flow("push_orders")
    thread.join()
    world.faults.clear()
    assert writes(world, "lingxing") == 3, "what was on its way when the stop came is the last"
    statuses = sorted(ErpPush.objects.values_list("status", "reason_code"))
    assert statuses == [("succeeded", "")] * 3 + [("waiting", "vendor_stopped")] * 5
    assert not ErpPush.objects.filter(maybe_sent=True).exists()
    assert result.as_json()["stopped_vendors"] == ["lingxing"]

    for _round in range(3):
        run_all(world, clock)
    assert writes(world, "lingxing") == 3, "however often the flows run"
    (stop,) = stops()
    assert end_stop(stop.pk, "prices are right", "mei").released == 5
    travel(world, clock)
    assert_each_effect_once(world, orders)


def stops():
    from integrations.models import VendorStop

    return list(VendorStop.objects.filter(ended_at=None))


@pytest.mark.parametrize("flow", ["acknowledge_orders", "report_shipments", "report_invoices"])
def test_flows_that_look_again_at_waiting_rows_leave_those_of_a_stop(world, clock, flow):
    """Whatever DSCO is owed waits, is told once, and does not go back and forth between waiting and due."""
    orders = [str(order["dscoOrderId"]) for order in world.dsco.add_orders(3)]
    clock.advance(15)
    model = {"acknowledge_orders": Acknowledgement, "report_shipments": Shipment, "report_invoices": Invoice}[flow]
    before = {"report_shipments": 1, "report_invoices": 2}.get(flow, 0)
    for name in ("pull_orders", "push_orders"):
        run_flow(name)
    audit(world)
    for name in ("acknowledge_orders", "report_shipments")[:before]:
        run_flow(name)
        clock.advance(20)
    run_flow("pull_orders")
    stop = stop_vendor("dsco", "wrong prices", "mei")
    sent = writes(world, "dsco")
    run_flow(flow)
    assert set(model.objects.values_list("status", "reason_code")) == {("waiting", "vendor_stopped")}
    told, changed = Attempt.objects.count(), list(model.objects.order_by("pk").values_list("changed_at", flat=True))
    for _again in range(3):
        clock.advance(150)
        run_flow(flow)
    assert list(model.objects.order_by("pk").values_list("changed_at", flat=True)) == changed
    assert Attempt.objects.count() == told
    assert writes(world, "dsco") == sent
    end_stop(stop.pk, "fine", "mei")
    assert set(model.objects.values_list("status", flat=True)) == {"due"}
    travel(world, clock)
    assert_each_effect_once(world, orders)


def audit(world):
    from .journeys import audit_and_ship

    audit_and_ship(world)


def test_stock_keeps_the_newest_figures_and_goes_with_them(world, clock):
    from inventory.models import StockItem, StockUpdate

    stop = stop_vendor("dsco", "wrong prices", "mei")
    clock.advance(15)
    assert run_flow("sync_inventory").status == "succeeded"
    assert set(StockUpdate.objects.values_list("status", "reason_code")) == {("waiting", "vendor_stopped")}
    for _again in range(2):
        clock.advance(3700)
        run_flow("sync_inventory")
    told = Attempt.objects.filter(kind="stock_update").count()
    assert told == StockUpdate.objects.count(), "one word about each, not one an hour"
    assert writes(world, "dsco") == 0
    end_stop(stop.pk, "fine", "mei")
    run_flow("sync_inventory")
    assert not StockItem.objects.filter(confirmed_at=None).exists()
    assert writes(world, "dsco") > 0

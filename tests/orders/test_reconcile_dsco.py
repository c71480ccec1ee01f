"""``reconcile``: what people do by hand at DSCO is taken over or shown, never doubled."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.deliveries import staff
from integrations.deliveries.references import numbers_in
from integrations.flows import run_flow
from integrations.sandbox.faults import Fault
from integrations.sandbox.sandbox import Sandbox
from inventory.models import SkuMapping, StockItem
from orders.models import Invoice, Order, OrderLine, Package, Stage
from tests.conftest import MovableClock

from .journeys import acknowledged, acknowledgement_of, line, order_of, place, pushed, run, shipment_of
from .reconciling import compare, effects, finding, findings, invoiced, list_in_parts, settle, shipped


class TestOrders:
    def test_an_order_that_the_pull_missed_is_fetched_and_goes_its_way(
        self, world: Sandbox, clock: MovableClock
    ) -> None:
        settle(clock)
        run("pull_orders")
        order_id = place(world, line("HP-LAMP-01", 1), age_seconds=1000)

        result = compare(clock)

        assert order_of(order_id).stage == Stage.RECEIVED
        assert "push_orders" in result.released
        assert findings(open_only=False) == {"not_pulled": [order_id]}
        assert findings() == {}
        run("push_orders")
        assert effects(world, order_id)["erp_order"] == 1

    def test_an_order_that_the_pull_has_not_reached_yet_is_no_difference(
        self, world: Sandbox, clock: MovableClock
    ) -> None:
        place(world, line("HP-LAMP-01", 1))
        compare(clock)
        assert Order.objects.count() == 1
        assert findings(open_only=False) == {}

    def test_an_order_that_the_pull_will_still_read_is_no_difference(self, world: Sandbox, clock: MovableClock) -> None:
        settle(clock)
        run("pull_orders")
        order_id = place(world, line("HP-LAMP-01", 1), age_seconds=60)  # before the bookmark, within the overlap
        compare(clock)
        assert order_of(order_id).stage == Stage.RECEIVED
        assert findings(open_only=False) == {}

    def test_an_order_that_dsco_lost_is_shown_and_closes_when_it_is_back(
        self, world: Sandbox, clock: MovableClock
    ) -> None:
        order_id = pushed(world)
        raw = world.dsco.orders[order_id]
        world.dsco.lose_order(order_id)
        compare(clock)
        assert findings() == {"missing_at_dsco": [order_id]}
        world.dsco.add_order(dsco_order_id=order_id, po_number=raw["poNumber"], lines=[line("LAMP", 2)])
        compare(clock, order_ids=(order_id,))
        assert findings() == {}

    def test_a_cancellation_at_dsco_is_handed_to_its_flow(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = pushed(world)
        world.dsco.cancel_by_retailer(order_id)
        result = compare(clock)
        assert "apply_cancellations" in result.released
        run("apply_cancellations")
        assert order_of(order_id).stage == Stage.CANCELLED
        compare(clock)
        assert findings() == {}
        assert [row["status"] for row in world.lingxing.by_platform(order_id)] == [7]

    def test_an_order_that_is_cancelled_here_and_wanted_there_is_shown(
        self, world: Sandbox, clock: MovableClock
    ) -> None:
        order_id = pushed(world)
        world.dsco.cancel_by_retailer(order_id)
        run("pull_orders")
        run("apply_cancellations")
        assert order_of(order_id).stage == Stage.CANCELLED
        world.dsco.rewrite(order_id, _want_after_all)
        compare(clock)
        assert findings() == {"open_at_dsco": [order_id]}
        world.dsco.cancel_by_retailer(order_id)
        compare(clock)
        assert findings() == {}


def _want_after_all(order: dict[str, Any]) -> None:
    order["dscoStatus"] = order["dscoLifecycle"] = "created"
    for one in order["lineItems"]:
        one |= {"cancelledQuantity": 0, "remainingQuantity": one["quantity"], "status": "accepted"}


def _given_up_in_doubt(world: Sandbox, fault: str) -> str:
    """Return an order whose report staff skipped while nobody knew whether it had reached DSCO."""
    order_id = acknowledged(world, line("HP-LAMP-01", 2))
    world.lingxing.ship(order_id)
    world.faults.add(Fault("dsco", "single_shipment", fault))
    run_flow("report_shipments")
    shipment = shipment_of(order_id)
    assert shipment.status == "uncertain"
    staff.skip("shipment", [shipment.pk], "mei", "not wanted")
    return order_id


def _kept(order_id: str) -> dict[str, list[int]]:
    packages = Package.objects.filter(order__dsco_order_id=order_id).prefetch_related("lines")
    return {one.tracking_number: sorted(line.quantity for line in one.lines.all()) for one in packages}


class TestShipments:
    def test_shipped_by_hand_is_taken_over_and_the_invoice_goes_on(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = acknowledged(world, line("HP-LAMP-01", 2))
        world.dsco.ship_in_portal(order_id, "PORTAL0001")
        compare(clock)
        shipment = shipment_of(order_id)
        assert (shipment.status, shipment.remote_reference) == ("succeeded", "PORTAL0001")
        assert findings() == {}
        assert finding("shipped_by_hand").result
        package = Package.objects.get(order__dsco_order_id=order_id)
        assert (package.tracking_number, package.ignored) == ("PORTAL0001", "by_staff")
        assert [one.quantity for one in package.lines.all()] == [2]
        run("report_shipments")
        run("report_invoices")
        assert effects(world, order_id) == {"acknowledgement": 1, "shipment": 0, "invoice": 1, "erp_order": 1}
        assert order_of(order_id).stage == Stage.INVOICED

    def test_long_tracking_numbers_that_begin_alike_are_two_packages(self, world: Sandbox, clock: MovableClock) -> None:
        numbers = [f"{'LONG' * 20}{number}" for number in (1, 2)]
        order_id = acknowledged(world, line("HP-LAMP-01", 2), line("HP-RUG-90", 1))
        world.dsco.ship_in_portal(order_id, numbers[0], {"HP-LAMP-01": 2})
        world.dsco.ship_in_portal(order_id, numbers[1])
        compare(clock)
        packages = Package.objects.filter(order__dsco_order_id=order_id).order_by("tracking_number")
        assert [(one.tracking_number, [line.quantity for line in one.lines.all()]) for one in packages] == [
            (numbers[0], [2]), (numbers[1], [1]),
        ]  # fmt: skip

    @pytest.mark.parametrize("parts", [[[1, 0], [2, 1]], [[0, 1], [3, 0]]])
    def test_a_number_that_was_reported_under_twice_is_one_package_with_the_lines_of_both(
        self, world: Sandbox, clock: MovableClock, parts: list[list[int]]
    ) -> None:
        order_id = acknowledged(world, line("HP-LAMP-01", 3), line("HP-RUG-90", 1))
        world.dsco.ship_in_portal(order_id, "SAME1")
        world.dsco.rewrite(order_id, lambda order: list_in_parts(order, *parts))
        compare(clock)
        assert _kept(order_id) == {"SAME1": [1, 3]}
        assert shipment_of(order_id).remote_reference == "SAME1"
        run("report_invoices")
        assert effects(world, order_id)["invoice"] == 1

    def test_units_reported_one_by_one_under_a_number_are_all_kept(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = acknowledged(world, line("HP-LAMP-01", 2))
        world.dsco.ship_in_portal(order_id, "SAME1")
        world.dsco.rewrite(order_id, lambda order: list_in_parts(order, [1], [1]))
        compare(clock)
        assert _kept(order_id) == {"SAME1": [2]}

    def test_a_package_that_dsco_lists_twice_is_kept_once(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = acknowledged(world, line("HP-LAMP-01", 2))
        world.dsco.ship_in_portal(order_id, "SAME1")
        world.dsco.rewrite(order_id, lambda order: order["packages"].append(dict(order["packages"][0])))
        compare(clock)
        assert _kept(order_id) == {"SAME1": [2]}

    def test_very_many_packages_are_named_by_whole_numbers_and_nothing_differs_afterwards(
        self, world: Sandbox, clock: MovableClock
    ) -> None:
        order_id = acknowledged(world, line("HP-LAMP-01", 12))
        numbers = [f"1Z999AA1012345{number:04}" for number in range(12)]
        for number in numbers:
            world.dsco.ship_in_portal(order_id, number, {"HP-LAMP-01": 1})
        compare(clock)
        reference = shipment_of(order_id).remote_reference
        assert numbers_in(reference) == numbers[: len(numbers_in(reference))]
        assert reference.endswith("…")
        compare(clock, order_ids=(order_id,))
        assert findings() == {}

    def test_what_lingxing_ships_afterwards_is_shown_and_not_reported(
        self, world: Sandbox, clock: MovableClock
    ) -> None:
        order_id = acknowledged(world, line("HP-LAMP-01", 2))
        world.dsco.ship_in_portal(order_id, "PORTAL0001")
        compare(clock)
        world.lingxing.ship(order_id)
        run("report_shipments")
        compare(clock)
        assert list(findings()) == ["tracking_changed"]
        assert effects(world, order_id)["shipment"] == 0
        assert len(world.dsco.orders[order_id]["packages"]) == 1

    def test_a_report_that_staff_gave_up_before_they_knew_that_it_had_arrived_is_taken_over(
        self, world: Sandbox, clock: MovableClock
    ) -> None:
        order_id = _given_up_in_doubt(world, "reset_after")
        compare(clock)
        shipment = shipment_of(order_id)
        (package,) = world.dsco.orders[order_id]["packages"]
        assert (shipment.status, shipment.remote_reference) == ("succeeded", package["trackingNumber"])
        run("report_invoices")
        assert effects(world, order_id) == {"acknowledgement": 1, "shipment": 1, "invoice": 1, "erp_order": 1}

    def test_a_report_that_staff_gave_up_and_dsco_never_had_stays_given_up(
        self, world: Sandbox, clock: MovableClock
    ) -> None:
        order_id = _given_up_in_doubt(world, "reset_before")
        compare(clock)
        assert findings(open_only=False) == {}
        assert shipment_of(order_id).status == "skipped"
        assert effects(world, order_id)["shipment"] == 0

    @pytest.mark.parametrize(("lost", "after"), [("reset_after", "succeeded"), ("reset_before", "skipped")])
    def test_an_acknowledgement_that_staff_gave_up_in_doubt_is_done_where_dsco_has_it(
        self, world: Sandbox, clock: MovableClock, lost: str, after: str
    ) -> None:
        order_id = pushed(world)
        world.lingxing.audit(order_id)
        world.faults.add(Fault("dsco", "acknowledge", lost))
        run_flow("acknowledge_orders")
        acknowledgement = acknowledgement_of(order_id)
        assert acknowledgement.status == "uncertain"
        staff.skip("acknowledgement", [acknowledgement.pk], "mei", "typed into the portal")
        compare(clock)
        assert acknowledgement_of(order_id).status == after
        assert effects(world, order_id)["acknowledgement"] == (1 if after == "succeeded" else 0)
        assert findings() == {}
        assert findings(open_only=False) == ({"acknowledged_after_all": [order_id]} if after == "succeeded" else {})

    def test_a_part_shipped_by_hand_waits_for_a_person(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = acknowledged(world, line("HP-LAMP-01", 2), line("HP-RUG-02", 1))
        world.dsco.ship_in_portal(order_id, "PORTAL0001", {"HP-LAMP-01": 2})
        compare(clock)
        assert findings() == {"partly_shipped": [order_id]}
        assert shipment_of(order_id).status == "waiting"
        world.dsco.ship_in_portal(order_id, "PORTAL0002")
        compare(clock)
        assert findings() == {}
        assert shipment_of(order_id).remote_reference == "PORTAL0001,PORTAL0002"

    def test_a_reported_package_that_dsco_took_away_is_shown(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = shipped(world, clock)
        number = shipment_of(order_id).remote_reference
        world.dsco.remove_shipment(order_id, number)
        compare(clock)
        assert findings() == {"shipment_lost": [order_id]}
        run("report_shipments")
        assert effects(world, order_id)["shipment"] == 1
        world.dsco.ship_in_portal(order_id, number)
        compare(clock)
        assert findings() == {}

    def test_a_package_that_somebody_added_is_shown(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = shipped(world, clock)
        packages = world.dsco.orders[order_id]["packages"]
        more = [*packages, {**packages[0], "trackingNumber": "ADDED0001"}]
        world.dsco.change_order(order_id, packages=more)
        compare(clock)
        assert findings() == {"more_packages_at_dsco": [order_id]}


class TestInvoices:
    def test_invoiced_by_hand_is_taken_over(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = shipped(world, clock)
        world.dsco.invoice_in_portal(order_id, "BY-HAND-1")
        compare(clock)
        invoice = Invoice.objects.get(order__dsco_order_id=order_id)
        assert (invoice.status, invoice.invoice_id) == ("succeeded", "BY-HAND-1")
        run("report_invoices")
        assert effects(world, order_id)["invoice"] == 0
        assert order_of(order_id).stage == Stage.INVOICED
        compare(clock)
        assert findings() == {}

    def test_an_invoice_that_names_only_a_po_number_of_two_orders_is_taken_over_for_neither(
        self, world: Sandbox, clock: MovableClock
    ) -> None:
        first = shipped(world, clock)
        second = shipped(world, clock, poNumber=world.dsco.orders[first]["poNumber"])
        world.dsco.invoice_in_portal(first, "BY-HAND-1")
        world.dsco.invoices["BY-HAND-1"] |= {"dscoOrderId": None, "dscoRetailerId": None}
        world.dsco.change_invoice("BY-HAND-1", 10.0)  # its log names no more than the invoice does
        compare(clock)
        assert findings() == {"maybe_invoiced_by_hand": sorted([first, second])}
        assert not Invoice.objects.filter(status="succeeded").exists()

    def test_shipped_and_invoiced_by_hand_at_once(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = acknowledged(world, line("HP-LAMP-01", 2))
        world.dsco.ship_in_portal(order_id)
        world.dsco.invoice_in_portal(order_id)
        compare(clock)
        assert order_of(order_id).stage == Stage.INVOICED
        assert effects(world, order_id) == {"acknowledgement": 1, "shipment": 0, "invoice": 0, "erp_order": 1}
        assert findings() == {}

    def test_our_own_invoices_are_no_difference(self, world: Sandbox, clock: MovableClock) -> None:
        invoiced(world, clock)
        compare(clock)
        assert findings(open_only=False) == {}

    def test_a_total_that_somebody_changed_is_shown(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = invoiced(world, clock)
        number = Invoice.objects.get().invoice_id
        world.dsco.change_invoice(str(number), 1.5)
        compare(clock)
        row = finding("amount_differs")
        assert (row.subject, row.theirs["totals"]) == (order_id, ["1.50"])

    def test_a_cost_that_changes_after_the_invoice_is_shown(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = invoiced(world, clock, line("HP-LAMP-01", 1))
        lines = world.dsco.orders[order_id]["lineItems"]
        settle(clock)
        world.dsco.change_order(order_id, lineItems=[{**lines[0], "expectedCost": 99.5}])
        compare(clock)
        assert findings() == {"cost_changed": [order_id]}
        assert list(finding("cost_changed").theirs["price"].values()) == ["99.50"]
        world.dsco.change_order(order_id, lineItems=lines)
        compare(clock)
        assert findings() == {}

    def test_a_lost_invoice_is_found_when_the_order_is_named(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = invoiced(world, clock)
        world.dsco.invoices.clear()
        compare(clock, order_ids=(order_id,))
        assert findings() == {"invoice_lost": [order_id]}
        run("report_invoices")
        assert effects(world, order_id)["invoice"] == 1


class TestStock:
    def test_stock_typed_in_the_portal_is_sent_again(self, world: Sandbox, clock: MovableClock) -> None:
        run("pull_orders")
        run("sync_inventory")
        before = StockItem.objects.get(dsco_sku="HP-LAMP-01").confirmed
        settle(clock)
        world.dsco.set_stock_in_portal("HP-LAMP-01", {"EAST": 900, "WEST": 0})
        result = compare(clock)
        assert findings() == {"stock_differs": ["HP-LAMP-01"]}
        assert "sync_inventory" in result.released
        run("pull_orders")
        run("sync_inventory")
        there = {one["code"]: one["quantity"] for one in world.dsco.items["HP-LAMP-01"]["warehouses"]}
        assert there == before
        compare(clock)
        assert findings() == {}

    def test_what_dsco_sold_since_is_no_difference(self, world: Sandbox, clock: MovableClock) -> None:
        run("pull_orders")
        run("sync_inventory")
        settle(clock)
        place(world, line("HP-LAMP-01", 3))
        told = StockItem.objects.get(dsco_sku="HP-LAMP-01").confirmed
        world.dsco.set_stock_in_portal("HP-LAMP-01", told | {"EAST": told["EAST"] - 3})
        clock.advance(15)
        run("pull_orders")
        assert OrderLine.objects.filter(sku="HP-LAMP-01").exists()
        compare(clock)
        assert findings(open_only=False) == {}

    def test_a_lost_batch_that_dsco_carries_out_very_late_is_undone(
        self, world: Sandbox, clock: MovableClock, settings: Any
    ) -> None:
        """Later than anybody waits for it: by then the newer figure was told and confirmed."""
        settings.BATCH_FROM = 5
        world.options.async_seconds = 3600
        world.faults.add(Fault("dsco", "inventory_batch", "reset_after"))
        run("pull_orders")
        run("sync_inventory", status="stopped")
        settings.BATCH_FROM = 100
        world.lingxing.set_stock("50", "LX-HP-LAMP-01", 1)
        settle(clock)
        run("sync_inventory")
        assert stock_at_dsco(world, "HP-LAMP-01") == {"EAST": 1, "WEST": 100}
        compare(clock)

        clock.advance(3600)
        world.dsco.tick()
        assert stock_at_dsco(world, "HP-LAMP-01") == {"EAST": 100, "WEST": 100}
        run("pull_orders")
        run("sync_inventory")  # knows nothing of it
        assert stock_at_dsco(world, "HP-LAMP-01") == {"EAST": 100, "WEST": 100}

        compare(clock)
        run("pull_orders")
        run("sync_inventory")
        assert stock_at_dsco(world, "HP-LAMP-01") == {"EAST": 1, "WEST": 100}
        compare(clock)
        assert findings() == {}

    @pytest.mark.parametrize("switched_off", [True, False], ids=["switched off", "not mapped"])
    def test_stock_that_others_keep_is_no_difference(
        self, world: Sandbox, clock: MovableClock, switched_off: bool
    ) -> None:
        run("pull_orders")
        run("sync_inventory")
        world.dsco.set_stock_in_portal("HP-LAMP-01", {"EAST": 900, "WEST": 0})
        compare(clock)
        assert findings() == {"stock_differs": ["HP-LAMP-01"]}
        mapping = SkuMapping.objects.filter(dsco_sku="HP-LAMP-01")
        if switched_off:
            mapping.update(sync_stock=False)
        else:
            mapping.delete()
        run("pull_orders")
        run("sync_inventory")
        world.dsco.set_stock_in_portal("HP-LAMP-01", {"EAST": 800, "WEST": 0})
        compare(clock)
        assert findings() == {}


def stock_at_dsco(sandbox: Sandbox, sku: str) -> dict[str, int]:
    return {one["code"]: one["quantity"] for one in sandbox.dsco.items[sku]["warehouses"]}

"""Reporting shipments: what the warehouse did, once and exactly; everything unclear is left to a person."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.utils import timezone

from integrations.deliveries import staff
from integrations.sandbox.demo import erp_sku
from inventory.models import SkuMapping, WarehouseMapping
from orders.models import Order, RetailerPolicy, ShippingMapping, Stage, StoreMapping

from .factories import map_everything
from .journeys import acknowledged, line, order_of, packages_of, place, push, run, shipment_of

LAMP, RUG = erp_sku("LAMP"), erp_sku("RUG")


def refresh(sandbox, clock) -> None:
    clock.advance(15)
    run("pull_orders")


def reported(sandbox, order_id: str) -> list[dict]:
    return [effect.detail for effect in sandbox.dsco.effects if effect.kind == "shipment" and effect.key == order_id]


def test_one_package_is_reported_with_everything_that_dsco_wants(sandbox):
    order_id = acknowledged(sandbox, line("LAMP", 2), line("RUG", 1))
    [tracking] = sandbox.lingxing.ship(order_id)
    result = run("report_shipments")
    row = shipment_of(order_id)
    assert (row.status, row.remote_reference) == ("succeeded", tracking)
    assert order_of(order_id).stage == Stage.SHIPPED
    [sent] = reported(sandbox, order_id)
    ordered = sandbox.dsco.orders[order_id]["lineItems"]
    assert [(item["sku"], item["quantity"]) for item in sent["lineItems"]] == [("LAMP", 2), ("RUG", 1)]
    for item, of_order in zip(sent["lineItems"], ordered, strict=True):
        for name in ("dscoItemId", "partnerSku", "lineNumber", "upc"):
            assert item[name] == of_order[name]
    assert sent["shippingServiceLevelCode"] == "FEHD"
    assert sent["warehouseCode"] == "EAST"
    assert datetime.fromisoformat(sent["shipDate"]) <= timezone.now()
    assert "report_invoices" in result.released
    assert sandbox.violations == []


def test_running_again_reports_nothing_twice(sandbox):
    order_id = acknowledged(sandbox)
    sandbox.lingxing.ship(order_id)
    for _time in range(3):
        run("report_shipments")
    assert len(reported(sandbox, order_id)) == 1


def test_a_label_without_a_shipment_is_not_reported(sandbox):
    order_id = acknowledged(sandbox)
    sandbox.lingxing.label_only(order_id, "LABEL1")
    run("report_shipments")
    sandbox.lingxing.set_status(order_id, 6)  # even if the order list says "shipped"
    run("report_shipments")
    row = shipment_of(order_id)
    assert (row.status, row.reason_code) == ("waiting", "waiting_for_outbound")
    assert reported(sandbox, order_id) == []


def test_an_order_that_is_shipped_without_any_outbound_order_is_shown_to_a_person_after_a_day(sandbox, clock):
    order_id = acknowledged(sandbox)
    sandbox.lingxing.set_status(order_id, 6)
    run("report_shipments")
    assert shipment_of(order_id).reason_code == "waiting_for_outbound"
    clock.advance(20 * 3600)
    run("report_shipments")
    assert shipment_of(order_id).status == "waiting"
    clock.advance(5 * 3600)
    for _round in range(2):
        run("report_shipments")
        row = shipment_of(order_id)
        assert (row.status, row.reason_code) == ("needs_attention", "no_outbound")
    sandbox.lingxing.set_status(order_id, 5)
    sandbox.lingxing.ship(order_id)
    run("report_shipments")
    assert shipment_of(order_id).status == "succeeded"


def test_a_waybill_is_no_tracking_number_and_after_a_day_a_person_is_told(sandbox, clock):
    order_id = acknowledged(sandbox)
    sandbox.lingxing.ship(order_id, [{"tracking": "", "waybill": "WB-1"}])
    run("report_shipments")
    assert (shipment_of(order_id).status, shipment_of(order_id).reason_code) == ("waiting", "no_tracking_number")
    clock.advance(25 * 3600)
    run("report_shipments")
    assert shipment_of(order_id).status == "needs_attention"
    assert reported(sandbox, order_id) == []


@pytest.mark.parametrize("mapped", ["before", "afterwards"])
def test_the_packages_of_an_order_that_a_person_created_in_lingxing_are_matched(sandbox, mapped):
    order_id = place(sandbox, line("LAMP", 2))
    map_everything(sandbox, without_skus=("LAMP",) if mapped == "afterwards" else ())
    run("pull_orders")
    sandbox.lingxing.add_product(LAMP, available={"50": 100})
    store_id = StoreMapping.objects.get(retailer_id=order_of(order_id).retailer_id).store.store_id
    sandbox.lingxing.create_by_hand(order_id, store_id, {LAMP: 2})
    staff.mark_done("erp_push", [order_of(order_id).erp_push.pk], "mei", "created by hand")
    SkuMapping.objects.get_or_create(dsco_sku="LAMP", erp_sku=LAMP)
    sandbox.lingxing.audit(order_id)
    run("acknowledge_orders")
    sandbox.lingxing.ship(order_id)
    run("report_shipments")
    assert shipment_of(order_id).status == "succeeded"
    assert len(reported(sandbox, order_id)) == 1


def test_a_future_ship_date_becomes_now(sandbox):
    order_id = acknowledged(sandbox)
    sandbox.lingxing.ship(order_id, [{"delivered_at": sandbox.clock.now() + 9000}])
    run("report_shipments")
    assert shipment_of(order_id).status == "succeeded"
    assert datetime.fromisoformat(reported(sandbox, order_id)[0]["shipDate"]) <= timezone.now()


def test_the_stock_movement_stands_in_for_a_missing_delivery_time_and_nothing_is_invented(sandbox):
    with_stock, without = place(sandbox), place(sandbox)
    push(sandbox)
    for order_id in (with_stock, without):
        sandbox.lingxing.audit(order_id)
    run("acknowledge_orders")
    moved = sandbox.clock.now() - 100
    sandbox.lingxing.ship(with_stock, [{"delivered_at": "", "stock_delivered_at": moved}])
    sandbox.lingxing.ship(without, [{"delivered_at": "", "stock_delivered_at": ""}])
    run("report_shipments")
    [sent] = reported(sandbox, with_stock)
    assert abs(datetime.fromisoformat(sent["shipDate"]).timestamp() - moved) < 2
    assert "shipDate" not in reported(sandbox, without)[0]


class TestSeveralPackages:
    def shipped_in_two(self, sandbox, **fields) -> str:
        order_id = acknowledged(sandbox, line("LAMP", 3), **fields)
        packages = [{"lines": {LAMP: 2}, "tracking": "T-1"}, {"lines": {LAMP: 1}, "tracking": "T-2"}]
        sandbox.lingxing.ship(order_id, packages)
        return order_id

    def test_they_are_recorded_in_full_and_left_to_a_person(self, sandbox):
        order_id = self.shipped_in_two(sandbox)
        result = run("report_shipments")
        row = shipment_of(order_id)
        assert (row.status, row.reason_code) == ("needs_attention", "several_packages")
        assert "2 packages" in row.last_error
        assert "T-1" in row.last_error
        assert "T-2" in row.last_error
        assert result.counts["several_packages"] == 1
        assert reported(sandbox, order_id) == []
        packages = {one.tracking_number: one for one in packages_of(order_id)}
        assert {number: one.lines.get().quantity for number, one in packages.items()} == {"T-1": 2, "T-2": 1}

    def test_the_policy_may_let_them_go_together(self, sandbox):
        RetailerPolicy.objects.create(retailer_id="1000041001", automatic_packages=True)
        order_id = self.shipped_in_two(sandbox)
        run("report_shipments")
        assert shipment_of(order_id).remote_reference == "T-1,T-2"
        sent = reported(sandbox, order_id)
        assert [item["lineItems"][0]["quantity"] for item in sent] == [2, 1]
        assert all(item["lineItems"][0]["packageSpanFlag"] is True for item in sent)
        assert sandbox.requests["dsco", "single_shipment"] == 1

    def test_a_part_of_an_order_never_goes_by_itself(self, sandbox):
        RetailerPolicy.objects.create(retailer_id="1000041001", automatic_packages=True)
        order_id = acknowledged(sandbox, line("LAMP", 3))
        packages = [{"lines": {LAMP: 1}, "tracking": "T-1"}, {"lines": {LAMP: 1}, "tracking": "T-2"}]
        sandbox.lingxing.ship(order_id, packages, status=6)
        run("report_shipments")
        assert shipment_of(order_id).status == "needs_attention"
        assert "LAMP: 1 missing" in shipment_of(order_id).last_error
        assert reported(sandbox, order_id) == []

    def test_a_deleted_outbound_order_heals_it(self, sandbox):
        order_id = acknowledged(sandbox, line("LAMP", 3))
        packages = [{"lines": {LAMP: 3}, "tracking": "OLD"}, {"lines": {LAMP: 3}, "tracking": "NEW"}]
        sandbox.lingxing.ship(order_id, packages)
        run("report_shipments")
        assert shipment_of(order_id).reason_code == "several_packages"
        old = next(out for out in sandbox.lingxing.outbound_of(order_id) if out["tracking_no"] == "OLD")
        sandbox.lingxing.delete_outbound(old["wo_number"])
        run("report_shipments")
        assert shipment_of(order_id).remote_reference == "NEW"
        assert {one.tracking_number: one.ignored for one in packages_of(order_id)} == {"OLD": "deleted", "NEW": ""}

    def test_several_numbers_in_one_field_are_several_packages(self, sandbox):
        RetailerPolicy.objects.create(retailer_id="1000041001", automatic_packages=True)
        order_id = acknowledged(sandbox)
        sandbox.lingxing.ship(order_id, [{"tracking": "T-1,T-2"}])
        run("report_shipments")
        assert shipment_of(order_id).reason_code == "several_packages"
        assert reported(sandbox, order_id) == []

    def test_a_package_without_contents_is_never_sent(self, sandbox):
        RetailerPolicy.objects.create(retailer_id="1000041001", automatic_packages=True)
        order_id = acknowledged(sandbox, line("LAMP", 3))
        sandbox.lingxing.ship(order_id, [{"lines": {LAMP: 3}, "tracking": "T-1"}, {"lines": {}, "tracking": "T-2"}])
        run("report_shipments")
        assert shipment_of(order_id).reason_code == "several_packages"

    def test_outbound_orders_under_one_number_are_one_package(self, sandbox):
        order_id = acknowledged(sandbox, line("LAMP", 3))
        packages = [{"lines": {LAMP: 2}, "tracking": "T-1"}, {"lines": {LAMP: 1}, "tracking": "T-1"}]
        sandbox.lingxing.ship(order_id, packages)
        run("report_shipments")
        [sent] = reported(sandbox, order_id)
        assert (sent["trackingNumber"], sent["lineItems"][0]["quantity"]) == ("T-1", 3)


class TestRearrangedOrders:
    def test_a_split_order_waits_for_all_parts(self, sandbox):
        order_id = acknowledged(sandbox, line("LAMP", 1), line("RUG", 1))
        first, second = sandbox.lingxing.split(order_id)
        sandbox.lingxing.ship(first, [{"tracking": "T-1"}])
        run("report_shipments")
        assert (shipment_of(order_id).status, shipment_of(order_id).reason_code) == ("waiting", "partly_shipped")
        sandbox.lingxing.ship(second, [{"tracking": "T-2"}])
        run("report_shipments")
        assert shipment_of(order_id).reason_code == "several_packages"
        assert reported(sandbox, order_id) == []

    def test_parts_of_a_split_order_in_one_parcel_are_reported(self, sandbox):
        order_id = acknowledged(sandbox, line("LAMP", 1), line("RUG", 1))
        for part in sandbox.lingxing.split(order_id):
            sandbox.lingxing.ship(part, [{"tracking": "T-1"}])
        run("report_shipments")
        assert shipment_of(order_id).remote_reference == "T-1"

    def test_each_order_of_a_merged_one_gets_its_own_lines(self, sandbox):
        ids = [place(sandbox, line("LAMP", 2)), place(sandbox, line("RUG", 1))]
        push(sandbox)
        merged = sandbox.lingxing.merge(ids)
        sandbox.lingxing.audit(merged)
        run("acknowledge_orders")
        [tracking] = sandbox.lingxing.ship(merged)
        run("report_shipments")
        for order_id, wanted in zip(ids, [("LAMP", 2), ("RUG", 1)], strict=True):
            [sent] = reported(sandbox, order_id)
            assert sent["trackingNumber"] == tracking
            assert [(item["sku"], item["quantity"]) for item in sent["lineItems"]] == [wanted]

    def test_a_reshipment_is_no_package_of_the_order(self, sandbox):
        order_id = acknowledged(sandbox)
        [tracking] = sandbox.lingxing.ship(order_id)
        sandbox.lingxing.resend(order_id, ship=True)
        run("report_shipments")
        assert shipment_of(order_id).remote_reference == tracking
        assert sorted(one.ignored for one in packages_of(order_id)) == ["", "reshipment"]

    def test_an_outbound_order_that_shows_up_late_is_waited_for(self, sandbox, clock):
        order_id = acknowledged(sandbox)
        sandbox.lingxing.outbound_delay_seconds = 60
        sandbox.lingxing.ship(order_id)
        run("report_shipments")
        assert (shipment_of(order_id).status, shipment_of(order_id).reason_code) == ("waiting", "waiting_for_outbound")
        clock.advance(70)
        run("report_shipments")
        assert shipment_of(order_id).status == "succeeded"

    def test_the_same_sku_on_two_lines_is_told_apart_by_its_line_number(self, sandbox):
        order_id = acknowledged(sandbox, line("LAMP", 2), line("LAMP", 1))
        sandbox.lingxing.ship(order_id)
        run("report_shipments")
        [sent] = reported(sandbox, order_id)
        assert [(item["lineNumber"], item["quantity"]) for item in sent["lineItems"]] == [(1, 2), (2, 1)]

    def test_a_bundle_is_counted_once(self, sandbox):
        order_id = place(sandbox, line("SET", 2))
        push(sandbox)
        sandbox.lingxing.add_product(erp_sku("SET"), components={"PART-A": 2, "PART-B": 1})
        sandbox.lingxing.audit(order_id)
        run("acknowledge_orders")
        sandbox.lingxing.ship(order_id)
        run("report_shipments")
        [sent] = reported(sandbox, order_id)
        assert [(item["sku"], item["quantity"]) for item in sent["lineItems"]] == [("SET", 2)]

    @pytest.mark.parametrize("lines", [{LAMP: 1}, {LAMP: 3}, {LAMP: 2, RUG: 1}])
    def test_a_package_that_is_not_the_order_needs_a_person(self, sandbox, lines):
        order_id = acknowledged(sandbox, line("LAMP", 2))
        sandbox.lingxing.ship(order_id, [{"lines": lines}], status=6)
        run("report_shipments")
        row = shipment_of(order_id)
        assert (row.status, row.reason_code) == ("needs_attention", "quantities_differ")
        assert reported(sandbox, order_id) == []

    def test_an_order_of_months_ago_is_found(self, sandbox, clock):
        order_id = acknowledged(sandbox)
        clock.advance(60 * 86400)
        sandbox.lingxing.ship(order_id)
        run("report_shipments")
        assert shipment_of(order_id).status == "succeeded"


class TestWhatIsOwedElsewhere:
    @pytest.mark.parametrize("spelt", ["SAME1", "same1"])
    def test_a_tracking_number_of_another_order_needs_a_person(self, sandbox, spelt):
        first, second = place(sandbox), place(sandbox)
        push(sandbox)
        for order_id in (first, second):
            sandbox.lingxing.audit(order_id)
        run("acknowledge_orders")
        sandbox.lingxing.ship(first, [{"tracking": "SAME1"}])
        run("report_shipments")
        sandbox.lingxing.ship(second, [{"tracking": spelt}])
        run("report_shipments")
        assert shipment_of(first).status == "succeeded"
        assert shipment_of(second).reason_code == "tracking_number_used"

    def test_a_shipment_reported_by_hand_is_not_repeated(self, sandbox, clock):
        order_id = acknowledged(sandbox)
        order = sandbox.dsco.orders[order_id]
        package = {"trackingNumber": "T-1", "items": [], "returnedFlag": False}
        sandbox.dsco.change_order(order_id, packages=[*(order["packages"] or []), package])
        refresh(sandbox, clock)
        sandbox.lingxing.ship(order_id, [{"tracking": "T-1"}])
        run("report_shipments")
        row = shipment_of(order_id)
        assert (row.status, row.remote_reference) == ("succeeded", "T-1")
        assert row.confirmed_at is not None
        assert order_of(order_id).stage == Stage.SHIPPED
        assert reported(sandbox, order_id) == []

    def test_a_part_of_a_package_reported_by_hand_is_not_the_whole(self, sandbox, clock):
        order_id = acknowledged(sandbox, line("LAMP", 2))
        sandbox.dsco.ship_in_portal(order_id, "T-1", {"LAMP": 1})
        refresh(sandbox, clock)
        sandbox.lingxing.ship(order_id, [{"tracking": "T-1"}])
        run("report_shipments")
        row = shipment_of(order_id)
        assert (row.status, row.reason_code) == ("needs_attention", "reported_differently")
        assert "LAMP: 1 missing" in row.last_error
        sandbox.dsco.ship_in_portal(order_id, "T-2", {"LAMP": 1})
        refresh(sandbox, clock)
        run("report_shipments")
        assert shipment_of(order_id).status == "succeeded"
        assert reported(sandbox, order_id) == []

    def test_another_package_at_dsco_needs_a_person(self, sandbox, clock):
        order_id = acknowledged(sandbox)
        package = {"trackingNumber": "HAND", "items": [], "returnedFlag": False}
        sandbox.dsco.change_order(order_id, packages=[package])
        refresh(sandbox, clock)
        sandbox.lingxing.ship(order_id, [{"tracking": "T-1"}])
        run("report_shipments")
        assert shipment_of(order_id).reason_code == "reported_differently"


class TestCarriersAndWarehouses:
    def bare(self, sandbox, **fields) -> str:
        """An order that says nothing about its shipping."""
        names = ("requestedShipCarrier", "requestedShipMethod", "requestedShippingServiceLevelCode")
        names += ("shipCarrier", "shipMethod", "shippingServiceLevelCode")
        return acknowledged(sandbox, line("LAMP", 1), **dict.fromkeys(names), **fields)

    def test_an_order_that_names_no_carrier_takes_the_mapping_of_the_method_used(self, sandbox):
        order_id = self.bare(sandbox)
        sandbox.lingxing.ship(order_id)
        sandbox.lingxing.outbound_of(order_id)[0]["logistics_type_id"] = "7788"
        run("report_shipments")
        row = shipment_of(order_id)
        assert (row.status, row.reason_code) == ("needs_attention", "no_carrier")
        assert "7788" in row.last_error
        ShippingMapping.objects.create(
            warehouse_code="*", service_level="*", logistics_type_id="7788",
            report_carrier="UPS", report_method="Ground",
        )  # fmt: skip
        run("report_shipments")
        [sent] = reported(sandbox, order_id)
        assert (sent["shipCarrier"], sent["shipMethod"]) == ("UPS", "Ground")

    def test_a_retailer_may_demand_carrier_and_method(self, sandbox):
        RetailerPolicy.objects.create(retailer_id="1000041001", require_carrier=True)
        order_id = acknowledged(sandbox)
        sandbox.lingxing.ship(order_id)
        Order.objects.update(ship_carrier="", ship_method="")
        run("report_shipments")
        assert shipment_of(order_id).reason_code == "no_carrier"
        ShippingMapping.objects.update(report_carrier="FedEx", report_method="Home Delivery")
        run("report_shipments")
        [sent] = reported(sandbox, order_id)
        assert (sent["shipCarrier"], sent["shippingServiceLevelCode"]) == ("FedEx", "FEHD")

    def test_the_warehouse_comes_from_its_mapping_when_the_order_names_none(self, sandbox):
        RetailerPolicy.objects.create(retailer_id="1000041001", require_warehouse_code=True)
        order_id = acknowledged(sandbox, line("LAMP", 1), warehouse=None)
        sandbox.lingxing.ship(order_id)
        wid = sandbox.lingxing.outbound_of(order_id)[0]["wid"]
        mappings = list(WarehouseMapping.objects.filter(wid=wid))
        WarehouseMapping.objects.all().delete()
        run("report_shipments")
        assert shipment_of(order_id).reason_code == "no_warehouse_code"
        WarehouseMapping.objects.bulk_create(mappings)
        sandbox.dsco.add_warehouse(mappings[0].dsco_code)
        run("report_shipments")
        assert reported(sandbox, order_id)[0]["warehouseCode"] == mappings[0].dsco_code

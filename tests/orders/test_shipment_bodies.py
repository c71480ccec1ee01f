"""What DSCO is told about packages: identifiers, quantities, carriers, dates; nothing invented."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.models import Order, OrderLine, RetailerPolicy, ShippingMapping
from orders.packages import coverage_of, parcels_of
from orders.shipment_bodies import CannotCompose, compose, exceeds, numbers_in, report_of

from .test_packages import NOW, lines_of, outbound, pack, product


class Names:
    """Mappings of a test."""

    def __init__(self, mapping: ShippingMapping | None = None, warehouse: str | None = None) -> None:
        self.mapping, self.warehouse = mapping, warehouse

    def shipping_for(self, logistics_type_id: str) -> ShippingMapping | None:
        return self.mapping

    def dsco_warehouse(self, wid: str) -> str | None:
        return self.warehouse


def order_with(**fields) -> Order:
    return Order(pk=1, dsco_order_id="900", **{"service_level": "FEHD", **fields})


def body_of(lines, *rows, order=None, policy=None, names=None):
    parcels = parcels_of(pack(lines, *rows))
    return compose(order or order_with(), lines, parcels, policy or RetailerPolicy(), names or Names(), NOW)


def one_line(**fields) -> OrderLine:
    return OrderLine(pk=1, order_id=1, position=0, **{"sku": "A", "erp_sku": "A", "quantity": 1, **fields})


def test_a_line_carries_every_identifier_that_the_order_gave():
    line = one_line(
        line_number=7, dsco_item_id="70001", partner_sku="P-A", upc="012345678905", ean="4006381333931"
    )  # fmt: skip
    [shipment] = body_of([line], outbound("1", product("A", 1)))
    assert shipment["lineItems"] == [
        {
            "lineNumber": 7, "dscoItemId": "70001", "sku": "A", "partnerSku": "P-A", "upc": "012345678905",
            "ean": "4006381333931", "quantity": 1,
        }
    ]  # fmt: skip


def test_what_the_order_does_not_give_is_left_out():
    [shipment] = body_of([one_line()], outbound("1", product("A", 1)))
    assert shipment == {
        "trackingNumber": "T-1",
        "shipDate": "2026-03-01T02:00:00Z",
        "shippingServiceLevelCode": "FEHD",
        "lineItems": [{"sku": "A", "quantity": 1}],
    }


def test_a_line_that_spans_packages_is_flagged_in_each_of_them():
    lines = lines_of(("A", 3), ("B", 1))
    body = body_of(lines, outbound("1", product("A", 2), product("B", 1)), outbound("2", product("A", 1)))
    flags = [(item["sku"], item.get("packageSpanFlag")) for shipment in body for item in shipment["lineItems"]]
    assert flags == [("A", True), ("B", None), ("A", True)]


def test_the_ship_date_is_never_in_the_future():
    [shipment] = body_of([one_line()], outbound("1", product("A", 1), delivered_at="2026-03-05 08:00:00"))
    assert shipment["shipDate"] == "2026-03-02T08:00:00Z"


@pytest.mark.parametrize("nothing", ["", "0000-00-00 00:00:00", None])
def test_without_any_time_there_is_no_ship_date(nothing):
    [shipment] = body_of([one_line()], outbound("1", product("A", 1), delivered_at=nothing))
    assert "shipDate" not in shipment


CARRIER = {"ship_carrier": "UPS", "ship_method": "Ground"}
MAPPED = {"report_carrier": "FedEx", "report_method": "Home", "report_service_level": "FEHX"}


@pytest.mark.parametrize(
    ("order", "mapping", "require", "told"),
    [
        ({"service_level": "FEHD"}, None, False, (None, None, "FEHD")),
        ({"service_level": "", **CARRIER}, None, False, ("UPS", "Ground", None)),
        ({"service_level": "FEHD", **CARRIER}, MAPPED, True, ("UPS", "Ground", "FEHD")),
        ({"service_level": "FEHD", "ship_carrier": "UPS"}, None, False, (None, None, "FEHD")),
        ({"service_level": "FEHD"}, MAPPED, True, ("FedEx", "Home", "FEHD")),
        ({"service_level": ""}, MAPPED, False, ("FedEx", "Home", "FEHX")),
        ({"service_level": ""}, {"service_level": "FECG"}, False, (None, None, "FECG")),
        ({"service_level": "", "ship_carrier": "UPS"}, {"service_level": "FECG"}, False, (None, None, "FECG")),
    ],
)
def test_carrier_method_and_level_come_from_the_order_else_from_the_mapping(order, mapping, require, told):
    names = Names(ShippingMapping(**{"service_level": "*", **mapping}) if mapping else None)
    policy = RetailerPolicy(require_carrier=require)
    rows = outbound("1", product("A", 1), logistics_type_id="55")
    [shipment] = body_of([one_line()], rows, order=order_with(**order), policy=policy, names=names)
    members = ("shipCarrier", "shipMethod", "shippingServiceLevelCode")
    assert tuple(shipment.get(name) for name in members) == told


@pytest.mark.parametrize(
    ("order", "mapping", "require"),
    [
        ({"service_level": ""}, None, False),
        ({"service_level": "", "ship_carrier": "UPS"}, None, False),
        ({"service_level": ""}, {"service_level": "*"}, False),
        ({"service_level": "FEHD"}, {"service_level": "FEHD"}, True),
    ],
)
def test_without_a_carrier_nothing_is_composed(order, mapping, require):
    names = Names(ShippingMapping(**mapping) if mapping else None)
    with pytest.raises(CannotCompose) as problem:
        body_of(
            [one_line()], outbound("1", product("A", 1), logistics_type_id="55"),
            order=order_with(**order), policy=RetailerPolicy(require_carrier=require), names=names,
        )  # fmt: skip
    assert problem.value.code == "no_carrier"
    assert "900" in str(problem.value)


def test_the_orders_own_warehouse_comes_before_the_mapped_one():
    rows = outbound("1", product("A", 1), wid="5")
    names = Names(warehouse="WEST")
    assert body_of([one_line()], rows, names=names)[0]["warehouseCode"] == "WEST"
    own = order_with(warehouse_code="EAST")
    assert body_of([one_line()], rows, order=own, names=names)[0]["warehouseCode"] == "EAST"
    with pytest.raises(CannotCompose) as problem:
        body_of([one_line()], rows, policy=RetailerPolicy(require_warehouse_code=True))
    assert problem.value.code == "no_warehouse_code"


def test_a_body_survives_its_json_column():
    lines = lines_of(("A", 3))
    body = body_of(lines, outbound("1", product("A", 2)), outbound("2", product("A", 1)))
    report = report_of(order_with(), body)
    assert report.payload() == {"dscoOrderId": "900", "shipments": body}
    assert numbers_in(body) == ["T-1", "T-2"]


def test_a_body_exceeds_as_soon_as_a_line_is_cancelled():
    lines = lines_of(("A", 2), ("A", 1))
    body = body_of(lines, outbound("1", product("A", 3)))
    assert not exceeds(body, lines)
    lines[1].cancelled_quantity = 1
    assert exceeds(body, lines)
    assert exceeds(body, lines[:1])


def test_identifiers_that_dsco_adds_later_change_nothing():
    lines = lines_of(("A", 2))
    body = body_of(lines, outbound("1", product("A", 2)))
    lines[0].upc = "012345678905"
    lines[0].ean = "4006381333931"
    assert not exceeds(body, lines)


SKUS = st.sampled_from("AB")


@given(
    ordered=st.lists(st.tuples(SKUS, st.integers(1, 4)), min_size=1, max_size=3),
    boxes=st.lists(st.lists(st.tuples(SKUS, st.integers(1, 4)), min_size=1, max_size=3), min_size=1, max_size=3),
    ahead=st.integers(-5, 5),
)
def test_what_covers_an_order_never_reports_more_than_is_open(ordered, boxes, ahead):
    lines = lines_of(*ordered)
    left_at = (NOW + timedelta(hours=8 + ahead)).strftime("%Y-%m-%d %H:%M:%S")
    rows = [
        outbound(str(number), *(product(*item) for item in box), delivered_at=left_at)
        for number, box in enumerate(boxes)
    ]
    parcels = parcels_of(pack(lines, *rows))
    coverage = coverage_of(lines, parcels)
    body = compose(order_with(), lines, parcels, RetailerPolicy(), Names(), NOW) if not coverage.unmatched else []
    assert exceeds(body, lines) == bool(coverage.excess and body)
    assert all(shipment["shipDate"] <= "2026-03-02T08:00:00Z" for shipment in body)
    assert all(item["quantity"] > 0 for shipment in body for item in shipment["lineItems"])

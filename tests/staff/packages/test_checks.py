"""What may be reported by hand, and what exactly is sent: the pure part, as tables and with invented packages."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.composed_packages import ComposedPackage, ComposeFacts, body_of, check, missing_units
from orders.models import Order, OrderLine, RetailerPolicy
from orders.shipment_bodies import exceeds, report_of

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def line(pk: int, quantity: int, **fields) -> OrderLine:
    values = {"position": pk - 1, "line_number": pk, "dsco_item_id": f"70{pk}", "sku": f"SKU-{pk}"} | fields
    return OrderLine(pk=pk, quantity=quantity, **values)


def facts(*lines: OrderLine, policy: dict | None = None, **fields) -> ComposeFacts:
    order = Order(dsco_order_id="9100", dsco_status="shipment_pending")
    lines = lines or (line(1, 3), line(2, 2))
    return ComposeFacts(order, list(lines), RetailerPolicy(retailer_id="R", **(policy or {})), **fields)


def package(number: str = "1ZA", units: dict | None = None, **fields) -> ComposedPackage:
    values = {"carrier": "UPS", "method": "Ground", "ship_date": NOW - timedelta(hours=1)} | fields
    return ComposedPackage(number, {1: 3, 2: 2} if units is None else units, **values)


def codes(known: ComposeFacts, *packages: ComposedPackage, **arguments) -> list[str]:
    return [problem.code for problem in check(known, packages, NOW, **arguments)]


def test_packages_that_are_the_order_may_go():
    assert codes(facts(), package("A1", {1: 2}), package("A2", {1: 1, 2: 2})) == []


@pytest.mark.parametrize(
    ("expected", "packages"),
    [
        ("no_package", []),
        ("empty_package", [package(), package("B", {})]),
        ("empty_package", [package(), package("B", {1: 0})]),
        ("no_tracking_number", [package("")]),
        ("no_tracking_number", [package("  ")]),
        ("bad_tracking_number", [package("1Z 999")]),
        ("bad_tracking_number", [package("1Z9,1Z8")]),
        ("bad_tracking_number", [package("1Z９９９")]),
        ("bad_tracking_number", [package("1Z\u200b9")]),
        ("bad_tracking_number", [package("1" * 101)]),
        ("tracking_number_twice", [package("1za", {1: 3}), package("1ZA", {2: 2})]),
        ("over_shipped", [package("A", {1: 4, 2: 2})]),
        ("over_shipped", [package("A", {1: 3}), package("B", {1: 1, 2: 2})]),
        ("bad_quantity", [package("A", {1: -1, 2: 2}), package("B", {1: 4})]),
        ("unknown_line", [package("A", {1: 3, 2: 2, 99: 1})]),
        ("partial", [package("A", {1: 3})]),
        ("no_carrier", [package(carrier="", method="")]),
        ("no_carrier", [package(carrier="UPS", method="")]),
        ("no_carrier", [package(carrier="", method="Ground", service_level="FEHD")]),
        ("bad_text", [package(carrier="UPS\x00")]),
        ("bad_text", [package(warehouse_code="W" * 121)]),
        ("bad_text", [package(method="Ground\nExpress")]),
        ("future_date", [package(ship_date=NOW + timedelta(seconds=1))]),
        ("future_date", [package(ship_date=datetime(2026, 3, 2, 20, 1, tzinfo=ZoneInfo("Asia/Shanghai")))]),
        ("bad_date", [package(ship_date=datetime(2026, 3, 2))]),  # noqa: DTZ001
    ],
)
def test_what_is_wrong_is_told_and_nothing_else(expected, packages):
    assert codes(facts(), *packages) == [expected]


@pytest.mark.parametrize(
    ("expected", "policy", "fields"),
    [
        (["no_carrier"], {"require_carrier": True}, {"carrier": "", "method": "", "service_level": "FEHD"}),
        ([], {"require_carrier": True}, {"service_level": "FEHD"}),
        ([], {}, {"carrier": "", "method": "", "service_level": "FEHD"}),
        (["no_warehouse_code"], {"require_warehouse_code": True}, {}),
        ([], {"require_warehouse_code": True}, {"warehouse_code": "EAST"}),
        ([], {}, {"ship_date": None}),
    ],
)
def test_the_retailers_policy_decides_which_codes_are_wanted(expected, policy, fields):
    assert codes(facts(policy=policy), package(**fields)) == expected


def test_every_problem_is_told_at_once_with_its_place():
    found = check(facts(), [package("A", {1: 3}), package("", {2: 5}, carrier="", method="")], NOW)
    assert [(one.code, one.package, one.field, one.line) for one in found] == [
        ("no_tracking_number", 1, "tracking_number", None),
        ("no_carrier", 1, "carrier", None),
        ("over_shipped", None, "quantity", 2),
    ]


def test_a_number_of_another_order_is_named_with_that_order():
    known = facts(used={"1za": "9200"})
    [problem] = check(known, [package("1Za")], NOW)
    assert problem.code == "tracking_number_used"
    assert "9200" in problem.message


def test_what_dsco_shows_already_is_neither_sent_again_nor_open():
    known = facts(reported={1: 2}, numbers_at_dsco=frozenset({"old"}))
    assert codes(known, package("OLD", {1: 1, 2: 2})) == ["already_reported"]
    assert codes(known, package("NEW", {1: 2, 2: 2})) == ["over_shipped"]
    assert codes(known, package("NEW", {1: 1, 2: 2})) == []


def test_a_part_goes_only_with_a_tick_and_a_reason():
    part = package("A", {1: 1})
    assert codes(facts(), part) == ["partial"]
    assert codes(facts(), part, partial_reason="lost") == ["partial"]
    assert codes(facts(), part, partial=True, partial_reason="  ") == ["partial_reason"]
    assert codes(facts(), part, partial=True, partial_reason="the rest is lost") == []


def test_a_cancelled_order_is_not_reported():
    known = facts(line(1, 2, cancelled_quantity=2))
    assert codes(known, package(units={1: 2})) == ["order_cancelled"]


def test_cancelled_units_are_not_open():
    assert codes(facts(line(1, 3, cancelled_quantity=1)), package(units={1: 3})) == ["over_shipped"]


def flags(known: ComposeFacts, *packages: ComposedPackage) -> list[list[bool]]:
    return [
        [item.get("packageSpanFlag", False) for item in shipment["lineItems"]] for shipment in body_of(known, packages)
    ]


def test_the_span_flag_stands_on_every_part_of_a_line_and_nowhere_else():
    assert flags(facts(), package("A", {1: 2}), package("B", {1: 1, 2: 2})) == [[True], [True, False]]
    assert flags(facts(), package("A", {1: 3}), package("B", {2: 2})) == [[False], [False]]
    assert flags(facts(), package("A", {1: 1, 2: 2})) == [[True, False]]  # the rest of line 1 is elsewhere
    assert flags(facts(reported={1: 2}), package("A", {1: 1, 2: 2})) == [[True, False]]


def test_two_lines_that_dsco_cannot_tell_apart_are_one_item_that_spans():
    same = {"line_number": None, "dsco_item_id": "", "sku": "SAME"}
    known = facts(line(1, 1, **same), line(2, 1, **same))
    assert flags(known, package("A", {1: 1}), package("B", {2: 1})) == [[True], [True]]
    apart = facts(line(1, 1, dsco_item_id="7", sku="SAME"), line(2, 1, dsco_item_id="7", sku="SAME"))
    assert flags(apart, package("A", {1: 1}), package("B", {2: 1})) == [[False], [False]]


def test_the_body_is_exactly_what_was_typed():
    typed = package(" 1ZA ", {2: 2, 1: 3}, carrier=" UPS ", service_level="", warehouse_code="EAST ")
    assert body_of(facts(), [typed]) == [
        {
            "trackingNumber": "1ZA",
            "shipDate": "2026-03-02T11:00:00Z",
            "shipCarrier": "UPS",
            "shipMethod": "Ground",
            "warehouseCode": "EAST",
            "lineItems": [
                {"lineNumber": 1, "dscoItemId": "701", "sku": "SKU-1", "quantity": 3},
                {"lineNumber": 2, "dscoItemId": "702", "sku": "SKU-2", "quantity": 2},
            ],
        }
    ]


orders = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=5)
worlds = st.tuples(
    orders,
    st.lists(st.dictionaries(st.integers(1, 6), st.integers(-1, 7), max_size=6), max_size=5),
    st.booleans(),
)


@settings(max_examples=400, deadline=None)
@given(worlds)
def test_whatever_is_typed_nothing_over_ships_and_nothing_is_lost_in_silence(world):
    numbers, contents, partial = world
    lines = [line(pk, q, cancelled_quantity=min(c, q)) for pk, (q, c, _r) in enumerate(numbers, 1)]
    reported = {pk: min(r, q) for pk, (q, _c, r) in enumerate(numbers, 1)}
    known = facts(*lines, reported=reported)
    packages = [package(f"T{index}", units) for index, units in enumerate(contents)]
    if check(known, packages, NOW, partial=partial, partial_reason="said so"):
        return
    body = body_of(known, packages)
    assert not exceeds(body, lines)
    sent: Counter[int] = Counter()
    places: Counter[int] = Counter()
    for shipment in body:
        assert shipment["lineItems"]
        for item in shipment["lineItems"]:
            assert item["quantity"] > 0
            sent[item["lineNumber"]] += item["quantity"]
            places[item["lineNumber"]] += 1
    for one in lines:
        assert sent[one.pk] + reported[one.pk] <= max(one.open_quantity, reported[one.pk])
        assert partial or sent[one.pk] == known.remaining(one)
    for item in (item for shipment in body for item in shipment["lineItems"]):
        whole = places[item["lineNumber"]] == 1 and item["quantity"] == lines[item["lineNumber"] - 1].open_quantity
        assert item.get("packageSpanFlag", False) is not whole
    assert report_of(known.order, body).payload()["shipments"] == body
    assert bool(missing_units(known, packages)) <= partial


text = st.text(max_size=30)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(text, text, text, text, text), min_size=1, max_size=3))
def test_whatever_text_is_typed_is_refused_or_sendable(typed):
    known = facts(line(1, len(typed)))
    packages = [
        ComposedPackage(number, {1: 1}, carrier, method, level, code) for number, carrier, method, level, code in typed
    ]
    if check(known, packages, NOW):
        return
    for shipment in body_of(known, packages):
        assert shipment["trackingNumber"].isascii()
        assert " " not in shipment["trackingNumber"]
        assert all(value.isprintable() for value in shipment.values() if isinstance(value, str))


def test_messages_name_a_package_by_its_place_on_the_page():
    left_out_the_first = [package("", place=2), package("A", place=4), package("a", {2: 2}, place=5)]
    messages = [problem.message for problem in check(facts(), left_out_the_first, NOW)]
    assert messages[0].startswith("Package 2 has no tracking number")
    assert any(message.startswith("Packages 4 and 5 have the same") for message in messages)

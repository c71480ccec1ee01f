"""Outbound orders as packages: what counts, what lies in them, and how much of an order they cover."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.lingxing.schemas import OutboundOrderRow
from orders.models import Order, OrderLine
from orders.packages import ErpNumbers, coverage_of, packages_of, parcels_of, tracking_numbers

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def lines_of(*wanted: tuple[str, int]) -> list[OrderLine]:
    return [
        OrderLine(pk=number, order_id=1, position=number - 1, line_number=number, sku=sku, erp_sku=sku, quantity=units)
        for number, (sku, units) in enumerate(wanted, 1)
    ]


def product(sku: str, count: int, **members: Any) -> dict[str, Any]:
    return {"sku": sku, "count": count, "bundle_type": 0, "platform_order_no": "100", **members}


def outbound(name: str, *products: dict[str, Any], **members: Any) -> OutboundOrderRow:
    """An outbound order as LingXing sends it: shipped, with a tracking number of its own."""
    row = {
        "wo_number": name, "order_number": "G1", "platform_order_no": ["100"], "status": 3,
        "tracking_no": f"T-{name}", "product_info": list(products), "delivered_at": "2026-03-01 10:00:00",
    }  # fmt: skip
    return OutboundOrderRow.model_validate(row | members)


def pack(lines: list[OrderLine], *rows: OutboundOrderRow, live=("G1",), reshipments=()):
    return packages_of(Order(pk=1), lines, "100", rows, ErpNumbers(set(live), set(reshipments)), NOW)


def contents(one) -> dict[tuple[int | None, str], int]:
    return {(line.order_line_id, line.erp_sku): line.quantity for line in one.lines}


def test_a_package_carries_its_lines_and_its_evidence():
    [one] = pack(lines_of(("A", 2)), outbound("1", product("A", 2)))
    assert contents(one) == {(1, "A"): 2}
    assert (one.package.tracking_number, one.package.shipped, one.counts) == ("T-1", True, True)
    assert one.package.shipped_at == datetime(2026, 3, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"status": 4}, "deleted"),
        ({"order_number": "G9"}, "reshipment"),
        ({"order_number": "G7"}, "other_erp_order"),
    ],
)
def test_some_outbound_orders_never_count(members, why):
    [one] = pack(lines_of(("A", 2)), outbound("1", product("A", 2), **members), reshipments=["G9"])
    assert one.package.ignored == why
    assert parcels_of([one]) == []


def test_what_never_counts_takes_nothing_from_what_does():
    rows = [outbound("1", product("A", 2), status=4), outbound("2", product("A", 2))]
    packed = pack(lines_of(("A", 2)), *rows)
    assert coverage_of(lines_of(("A", 2)), parcels_of(packed)).exact


@pytest.mark.parametrize(("status", "tracking"), [(1, "T"), (2, "T"), (3, ""), (None, "T")])
def test_only_a_shipped_outbound_order_with_a_number_is_evidence(status, tracking):
    packed = pack(lines_of(("A", 1)), outbound("1", product("A", 1), status=status, tracking_no=tracking))
    assert parcels_of(packed) == []


def test_a_waybill_number_is_no_tracking_number():
    [one] = pack(lines_of(("A", 1)), outbound("1", product("A", 1), tracking_no="", waybill_no="W-1"))
    assert tracking_numbers(one.package) == []


@pytest.mark.parametrize("text", ["A,B", "A;B", "A， B", "A、B", " A ,,B,"])
def test_several_numbers_in_one_field_are_told_apart_and_are_no_parcel(text):
    [one] = pack(lines_of(("A", 1)), outbound("1", product("A", 1), tracking_no=text))
    assert tracking_numbers(one.package) == ["A", "B"]
    assert parcels_of([one]) == []


def test_bundles_count_once():
    rows = outbound(
        "1", product("SET", 2, bundle_type=1), product("PART", 4, bundle_type=2), product("NAIL", 2, bundle_type=2)
    )
    [one] = pack(lines_of(("SET", 2)), rows)
    assert contents(one) == {(1, "SET"): 2}


def test_the_same_sku_on_two_lines_fills_the_first_line_first_across_packages():
    lines = lines_of(("A", 2), ("B", 1), ("A", 3))
    packed = pack(lines, outbound("1", product("A", 3)), outbound("2", product("A", 2), product("B", 1)))
    assert [contents(one) for one in packed] == [{(1, "A"): 2, (3, "A"): 1}, {(3, "A"): 2, (2, "B"): 1}]
    assert coverage_of(lines, parcels_of(packed)).exact


def test_a_cancelled_quantity_is_not_covered():
    lines = lines_of(("A", 2))
    lines[0].cancelled_quantity = 1
    assert coverage_of(lines, parcels_of(pack(lines, outbound("1", product("A", 2))))).excess == {1: 1}
    assert coverage_of(lines, parcels_of(pack(lines, outbound("1", product("A", 1))))).exact


def test_too_much_too_little_and_foreign_products_are_seen():
    lines = lines_of(("A", 2), ("B", 2))
    coverage = coverage_of(lines, parcels_of(pack(lines, outbound("1", product("A", 3), product("C", 1)))))
    assert (coverage.excess, coverage.missing, coverage.unmatched) == ({1: 1}, {2: 2}, {"C": 1})
    assert not coverage.exact


class TestMergedOrders:
    def test_only_products_of_this_order_count(self):
        row = outbound("1", product("A", 1), product("B", 5, platform_order_no="200"), platform_order_no=["100", "200"])
        [one] = pack(lines_of(("A", 1)), row)
        assert contents(one) == {(1, "A"): 1}

    def test_a_product_that_names_no_order_is_never_guessed(self):
        row = outbound("1", product("A", 1, platform_order_no=""), platform_order_no=["100", "200"])
        [one] = pack(lines_of(("A", 1)), row)
        assert contents(one) == {(None, "A"): 1}

    def test_a_package_of_the_other_order_only_is_ignored(self):
        row = outbound("1", product("B", 1, platform_order_no="200"), platform_order_no=["100", "200"])
        [one] = pack(lines_of(("A", 1)), row)
        assert one.package.ignored == "other_order"


def test_outbound_orders_with_one_number_are_one_parcel():
    lines = lines_of(("A", 2), ("B", 1))
    packed = pack(
        lines, outbound("1", product("A", 2), tracking_no="T"), outbound("2", product("B", 1), tracking_no=" T ")
    )
    [parcel] = parcels_of(packed)
    assert parcel.quantities == {1: 2, 2: 1}


SKUS = st.sampled_from("ABC")
PRODUCTS = st.lists(st.tuples(SKUS, st.integers(1, 5)), max_size=4)


@given(
    ordered=st.lists(st.tuples(SKUS, st.integers(0, 5)), min_size=1, max_size=4),
    boxes=st.lists(PRODUCTS, max_size=4),
)
def test_no_unit_is_lost_or_made_up_and_exact_means_exact(ordered, boxes):
    lines = lines_of(*ordered)
    rows = [outbound(str(number), *(product(*item) for item in box)) for number, box in enumerate(boxes)]
    packed = pack(lines, *rows)
    units: Counter[str] = Counter()
    for one in packed:
        for line in one.lines:
            units[line.erp_sku] += line.quantity
    sent = Counter()
    for sku, count in (item for box in boxes for item in box):
        sent[sku] += count
    assert units == sent
    coverage = coverage_of(lines, parcels_of(packed))
    wanted: Counter[str] = Counter()
    for sku, count in ordered:
        wanted[sku] += count
    assert coverage.exact == (+wanted == +sent)

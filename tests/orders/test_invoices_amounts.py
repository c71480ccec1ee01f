"""What an invoice says: amounts to the cent, quantities as shipped, numbers that are free."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.dsco.schemas import DscoPackage, InvoiceBody
from orders.invoices import (
    CannotInvoice,
    Coverage,
    Shipped,
    base_number,
    compose,
    is_outdated,
    numbers_after,
    same_total,
    shipped_at_dsco,
    shipped_by_report,
    stored,
)
from orders.models import Order, OrderLine

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
COSTS = st.decimals(min_value=0, max_value=100_000, places=4)
QUANTITIES = st.integers(min_value=1, max_value=100_000)


def order_line(position: int = 0, **fields: Any) -> OrderLine:
    """An unsaved order line."""
    given_fields = {"quantity": 2, "line_number": position + 1, "sku": f"SKU-{position}", "expected_cost": Decimal("1")}
    return OrderLine(position=position, **(given_fields | fields))


def compose_all(lines: list[OrderLine], **options: Any) -> InvoiceBody:
    """The invoice when every line was shipped in full."""
    shipped = Shipped({line.position: line.quantity for line in lines}, [], Coverage.FULL)
    order = Order(dsco_order_id="91", po_number="PO-1", currency="USD")
    return compose(order, lines, shipped, invoice_id="PO-1", invoiced_at=NOW, **options)


@given(st.lists(st.tuples(COSTS, QUANTITIES), min_size=1, max_size=30))
def test_the_total_is_the_sum_of_its_parts_to_the_cent(amounts):
    lines = [order_line(i, expected_cost=cost, quantity=units) for i, (cost, units) in enumerate(amounts)]
    body = compose_all(lines, accept_rounding=True)
    assert body.total_amount == sum(line.unit_price * line.quantity for line in body.line_items)
    assert body.total_amount == sum(line.subtotal for line in body.line_items) == body.line_items_subtotal
    for line, (cost, units) in zip(body.line_items, amounts, strict=True):
        assert line.quantity == units
        assert abs(line.unit_price - cost) <= Decimal("0.005")
        assert line.unit_price == line.unit_price.quantize(Decimal("0.01"))


@given(st.lists(st.tuples(COSTS, QUANTITIES), min_size=1, max_size=30))
def test_what_is_invoiced_without_a_person_is_exactly_cost_times_quantity(amounts):
    lines = [order_line(i, expected_cost=cost, quantity=units) for i, (cost, units) in enumerate(amounts)]
    owed = [(cost * units).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP) for cost, units in amounts]
    rounded = [cost.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP) * units for cost, units in amounts]
    if rounded != owed:
        with pytest.raises(CannotInvoice, match="fractions of a cent"):
            compose_all(lines)
        return
    body = compose_all(lines)
    assert [line.subtotal for line in body.line_items] == owed
    assert body.total_amount == sum(owed)


@given(st.lists(st.tuples(COSTS, QUANTITIES), min_size=1, max_size=10))
def test_what_is_stored_is_what_is_sent_without_a_float(amounts):
    lines = [order_line(i, expected_cost=cost, quantity=units) for i, (cost, units) in enumerate(amounts)]
    body = compose_all(lines, accept_rounding=True)
    kept = json.loads(json.dumps(stored(body)), parse_float=lambda text: pytest.fail(f"{text} is a float"))
    assert InvoiceBody.from_payload(kept) == body
    sent = json.loads(json.dumps(body.payload()), parse_float=Decimal)
    assert Decimal(sent["totalAmount"]) == body.total_amount
    assert same_total({"totalAmount": str(sent["totalAmount"])}, body)


@pytest.mark.parametrize(
    ("cost", "cents"), [("0.005", "0.01"), ("0.0049", "0.00"), ("2.675", "2.68"), ("1.005", "1.01"), ("10", "10.00")]
)
def test_halves_of_a_cent_go_up(cost, cents):
    body = compose_all([order_line(quantity=1, expected_cost=Decimal(cost))])
    assert body.total_amount == Decimal(cents)


def test_lines_that_were_not_shipped_are_left_out():
    lines = [order_line(0), order_line(1)]
    order = Order(dsco_order_id="91", po_number="PO-1")
    shipped = Shipped({1: 2}, [], Coverage.FULL)
    body = compose(order, lines, shipped, invoice_id="PO-1", invoiced_at=NOW)
    assert [line.sku for line in body.line_items] == ["SKU-1"]
    assert body.number_of_line_items == 1


@pytest.mark.parametrize(
    ("now", "outdated"),
    [
        ([{}, {}], False),
        ([{"expected_cost": Decimal("1.20")}, {"expected_cost": Decimal("1.20")}], True),
        ([{"cancelled_quantity": 1}, {}], True),
    ],
)
def test_an_invoice_follows_changes_of_lines_that_cannot_be_told_apart(now, outdated):
    same = {"sku": "LAMP", "line_number": None}
    body = stored(compose_all([order_line(0, **same), order_line(1, **same)]))
    assert is_outdated(body, [order_line(place, **same, **change) for place, change in enumerate(now)]) is outdated


def test_an_invoice_of_a_line_that_is_gone_is_outdated_whatever_else_has_its_item():
    lines = [order_line(0, sku="LAMP"), order_line(1, sku="LAMP")]
    assert not is_outdated(stored(compose_all(lines)), lines)
    assert is_outdated(stored(compose_all(lines)), lines[:1])


def test_consumer_prices_never_take_the_place_of_a_missing_cost():
    lines = [order_line(0), order_line(1, expected_cost=None, consumer_price=Decimal(9), retail_price=Decimal(8))]
    with pytest.raises(CannotInvoice) as caught:
        compose_all(lines)
    assert caught.value.code == "missing_cost"
    assert "line 2 (SKU-1)" in str(caught.value)


# --- What was shipped ---------------------------------------------------------------------------------


def raw(*lines: dict[str, Any], packages: Any = ()) -> dict[str, Any]:
    """An order as DSCO shows it."""
    numbered = [{"quantity": 2, "sku": f"SKU-{i}", "lineNumber": i + 1} | line for i, line in enumerate(lines)]
    return {"dscoOrderId": "91", "lineItems": numbered, "packages": list(packages)}


def package(tracking: str, *items: tuple[int | None, str, int]) -> dict[str, Any]:
    """A package with (line number, SKU, quantity)."""
    lines = [{"lineNumber": number, "sku": sku, "quantity": units} for number, sku, units in items]
    return {"trackingNumber": tracking, "items": lines}


@pytest.mark.parametrize(
    ("shown", "coverage"),
    [
        (raw({"shippedQuantity": 2}, {"shippedQuantity": 2}), Coverage.FULL),
        (raw({"shippedQuantity": 2}, {"shippedQuantity": 0}), Coverage.PART),
        (raw({"shippedQuantity": None}, {}), Coverage.NOTHING),
        (raw({"shippedQuantity": 3}, {"shippedQuantity": 2}), Coverage.MORE),
        (raw({}, {}, packages=[package("T", (1, "SKU-0", 2), (2, "SKU-1", 2))]), Coverage.FULL),
        (raw({}, {}, packages=[package("T", (1, "SKU-0", 2))]), Coverage.PART),
        (raw({}, {}, packages=[package("T", (1, "SKU-0", 2)), package("T", (1, "SKU-0", 2))]), Coverage.PART),
    ],
)
def test_dscos_own_record_says_how_much_was_shipped(shown, coverage):
    assert shipped_at_dsco(shown, [order_line(0), order_line(1)]).coverage is coverage


def test_what_was_cancelled_is_not_missing():
    lines = [order_line(0), order_line(1, cancelled_quantity=2)]
    assert shipped_at_dsco(raw({"shippedQuantity": 2}, {}), lines).coverage is Coverage.FULL


def test_an_unreadable_order_shows_nothing():
    assert shipped_at_dsco({"dscoOrderId": "91", "lineItems": [{"quantity": "two"}]}, []).coverage is Coverage.NOTHING


def test_the_same_item_on_two_lines_is_told_apart_by_line_number_or_filled_in_order():
    lines = [order_line(0, sku="A"), order_line(1, sku="A")]
    numbered = shipped_by_report([DscoPackage.model_validate(package("T", (2, "A", 2)))], lines)
    assert numbered.quantities == {1: 2}
    unnumbered = shipped_by_report([DscoPackage.model_validate(package("T", (None, "A", 3)))], lines)
    assert unnumbered.quantities == {0: 2, 1: 1}


def test_lines_name_their_tracking_number_when_they_have_one():
    lines = [order_line(0), order_line(1)]
    packages = [package("T1", (1, "SKU-0", 2), (2, "SKU-1", 1)), package("T2", (2, "SKU-1", 1))]
    shipped = shipped_by_report([DscoPackage.model_validate(item) for item in packages], lines)
    order = Order(dsco_order_id="91", po_number="PO-1")
    body = compose(order, lines, shipped, invoice_id="PO-1", invoiced_at=NOW)
    assert [line.tracking_number for line in body.line_items] == ["T1", None]
    assert body.ship is None


# --- Its number ---------------------------------------------------------------------------------------


def test_numbers_are_tried_in_order():
    assert list(islice(numbers_after("PO"), 3)) == ["PO", "PO-2", "PO-3"]
    assert list(islice(numbers_after("PO", "PO"), 2)) == ["PO-2", "PO-3"]
    assert list(islice(numbers_after("PO", "PO-4"), 2)) == ["PO-5", "PO-6"]


def test_an_order_without_po_number_is_invoiced_under_its_dsco_id():
    assert base_number(Order(dsco_order_id="91", po_number=" ")) == "91"

"""Reading an order: tolerant of what DSCO leaves out, strict where goods or money could go wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.dsco.schemas import DscoOrder, UnreadableOrder, storable

from .examples import raw_order

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.just([]),
    st.just({}),
    st.just([None]),
)


def line_of(**members) -> object:
    return DscoOrder.parse(raw_order(lineItems=[{"quantity": 1, **members}])).line_items[0]


def test_the_least_that_can_be_read_is_an_id():
    order = DscoOrder.parse({"dscoOrderId": "9"})
    assert order.line_items == order.packages == order.shipping.address_lines == []
    assert (order.po_number, order.shipping.country, order.shipping.full_name) == (None, None, "")
    assert not order.test_flag
    assert not order.cancel_requested


def test_every_member_may_be_null():
    names = [field.alias for field in DscoOrder.model_fields.values()]
    order = DscoOrder.parse(dict.fromkeys(names) | {"dscoOrderId": 9100000001})
    assert order.dsco_order_id == "9100000001"
    assert order.line_items == []


@pytest.mark.parametrize("order_id", [None, "", "  ", True, 1.5, {}, []])
def test_an_order_without_id_is_unreadable(order_id):
    with pytest.raises(UnreadableOrder, match="dscoOrderId"):
        DscoOrder.parse(raw_order(dscoOrderId=order_id))


def test_something_else_than_an_order_is_unreadable():
    with pytest.raises(UnreadableOrder, match="dscoOrderId"):
        DscoOrder.parse("text")


@pytest.mark.parametrize("quantity", [None, "", "two", 1.5, "1.5", -1, True, [], "NaN", "Infinity", "1e300"])
def test_an_unreadable_quantity_names_order_and_place(quantity):
    lines = [{"quantity": 1}, {"quantity": quantity}]
    with pytest.raises(UnreadableOrder, match=r"9100000001.*lineItems\[1\]\.quantity"):
        DscoOrder.parse(raw_order(lineItems=lines))


def test_a_line_without_quantity_is_unreadable():
    with pytest.raises(UnreadableOrder, match=r"lineItems\[0\]\.quantity"):
        DscoOrder.parse(raw_order(lineItems=[{"sku": "SKU-A"}]))


@pytest.mark.parametrize("lines", [["text"], [None], {"quantity": 1}, "text"])
def test_lines_that_are_no_lines_are_never_left_out_silently(lines):
    with pytest.raises(UnreadableOrder, match="lineItems"):
        DscoOrder.parse(raw_order(lineItems=lines))


def test_a_cancelled_quantity_that_cannot_be_read_is_not_taken_as_zero():
    with pytest.raises(UnreadableOrder, match="cancelledQuantity"):
        line_of(cancelledQuantity="some")


@pytest.mark.parametrize(("value", "number"), [(3, 3), ("3", 3), ("3.0", 3), (3.0, 3), (Decimal(3), 3), (" 3 ", 3)])
def test_quantities_come_as_numbers_or_text(value, number):
    line = line_of(quantity=value, shippedQuantity=value, acceptedQuantity=value)
    assert (line.quantity, line.shipped_quantity, line.accepted_quantity) == (number, number, number)


def test_an_absent_quantity_of_a_state_is_zero_or_unknown():
    line = line_of(cancelledQuantity=None)
    assert (line.cancelled_quantity, line.rejected_quantity, line.accepted_quantity) == (0, 0, 0)
    assert (line.shipped_quantity, line.remaining_quantity) == (None, None)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("12.50", Decimal("12.50")),
        (12.5, Decimal("12.5")),
        (Decimal("12.505"), Decimal("12.505")),
        (12, Decimal(12)),
        (0.1 + 0.2, Decimal("0.30000000000000004")),
        ("US$12.50", None),
        ("NaN", None),
        ("", None),
        (None, None),
        (True, None),
        ({}, None),
    ],
)
def test_money_is_decimal_or_unknown(value, amount):
    assert line_of(expectedCost=value).expected_cost == amount


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-11-19T15:00:00.000+01:00", datetime(2025, 11, 19, 14, tzinfo=UTC)),
        ("2025-11-19T15:00:00Z", datetime(2025, 11, 19, 15, tzinfo=UTC)),
        ("2025-11-19T15:00:00+0100", datetime(2025, 11, 19, 14, tzinfo=UTC)),
        ("2025-11-19T15:00:00", datetime(2025, 11, 19, 15, tzinfo=UTC)),
        ("2025-11-19", datetime(2025, 11, 19, tzinfo=UTC)),
        ("0000-00-00T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("soon", None),
        ("", None),
        (None, None),
        (1763560000, None),
    ],
)
def test_times_are_utc_or_unknown(text, moment):
    assert DscoOrder.parse(raw_order(shipByDate=text)).ship_by_date == moment


@pytest.mark.parametrize(
    ("value", "flag"),
    [(True, True), ("true", True), (1, True), (False, False), ("false", False), (None, False), ("perhaps", False)],
)
def test_flags(value, flag):
    assert DscoOrder.parse(raw_order(testFlag=value)).test_flag is flag


def test_ids_stay_text_to_the_last_digit():
    order = DscoOrder.parse(raw_order(dscoRetailerId=900719925474099312345, poNumber="000123"))
    assert order.dsco_retailer_id == "900719925474099312345"
    assert order.po_number == "000123"


def test_unknown_states_and_members_are_taken_as_they_come():
    order = DscoOrder.parse(raw_order(dscoStatus="brand-new", dscoLifecycle="later", somethingNew={"a": 1}))
    assert (order.dsco_status, order.dsco_lifecycle) == ("brand-new", "later")


@pytest.mark.parametrize("shipping", [None, [], "text", 5])
def test_an_absent_address_is_an_empty_one(shipping):
    assert DscoOrder.parse(raw_order(shipping=shipping)).shipping.address_lines == []


def test_the_older_address_members_are_the_fallback():
    older = {"firstName": "Ann", "lastName": "Lee", "address1": "1 Road", "address2": None, "state": "CA"}
    address = DscoOrder.parse(raw_order(shipping=older)).shipping
    assert (address.full_name, address.address_lines, address.region_or_state) == ("Ann Lee", ["1 Road"], "CA")

    newer = {**older, "name": "Ann B. Lee", "address": ["2 Road", " ", None, "Unit 4"], "region": "NV"}
    address = DscoOrder.parse(raw_order(shipping=newer)).shipping
    assert (address.full_name, address.address_lines) == ("Ann B. Lee", ["2 Road", "Unit 4"])
    assert address.region_or_state == "NV"


def test_packages_carry_their_lines():
    packages = [
        {
            "trackingNumber": "1Z999",
            "shipDate": "2025-11-21T18:20:00Z",
            "returnedFlag": None,
            "items": [{"quantity": 2, "sku": "SKU-A", "lineNumber": 1, "dscoItemId": "7"}],
        },
        None,
        {"trackingNumber": None, "items": None},
    ]
    found = DscoOrder.parse(raw_order(packages=packages)).packages
    assert [package.tracking_number for package in found] == ["1Z999", None]
    line = found[0].line_items[0]
    assert (line.quantity, line.sku, line.line_number, line.dsco_item_id) == (2, "SKU-A", 1, "7")


@given(st.sampled_from([field.alias for field in DscoOrder.model_fields.values()]), JUNK)
def test_junk_is_read_or_refused_but_never_breaks(name, value):
    try:
        DscoOrder.parse(raw_order(**{name: value}))
    except UnreadableOrder as error:
        assert name in ("dscoOrderId", "lineItems", "packages"), error  # noqa: PT017


def test_storable_keeps_money_as_text_and_drops_what_no_database_holds():
    raw = {"a": Decimal("1.10"), "b": [datetime(2026, 3, 1, tzinfo=UTC), "x\x00"], "c": {"d": 1, "e": None}}
    kept = storable(raw)
    assert json.loads(json.dumps(kept)) == kept
    assert kept == {"a": "1.10", "b": ["2026-03-01T00:00:00+00:00", "x"], "c": {"d": 1, "e": None}}


@pytest.mark.parametrize("huge", ["1e999999999", "-1E+400000000", 10**30])
def test_a_number_that_would_fill_the_memory_is_not_made(huge):
    assert line_of(lineNumber=huge).line_number is None
    with pytest.raises(UnreadableOrder):
        line_of(quantity=huge)

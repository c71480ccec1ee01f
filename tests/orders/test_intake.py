"""Storing pages of raw orders: new, changed, unchanged, older, unreadable, and what is owed for new ones."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orders.models import Acknowledgement, ErpPush, Invoice, Order, OrderLine, RetailerPolicy, Shipment, Stage

from .factories import UPDATED, later, push_of, raw_line, raw_order, states, store, stored

pytestmark = pytest.mark.django_db
ALL_KINDS = ("erp_push", "acknowledgement", "shipment", "invoice")


def test_a_new_order_is_stored_with_its_lines_and_the_raw_payload():
    raw = raw_order(lineItems=[raw_line(1), raw_line(2, quantity=5, consumerPrice=Decimal("15.985"))])
    result = store(raw)
    order = Order.objects.get(dsco_order_id=raw["dscoOrderId"])
    assert (result.new, result.changed, result.unchanged, result.unreadable) == (1, 0, 0, 0)
    assert order.po_number == raw["poNumber"]
    assert order.warehouse_code == "EAST"
    assert order.service_level == "FEHD"
    assert order.dsco_updated_at == UPDATED
    assert order.payload["lineItems"][1]["consumerPrice"] == "15.985"
    second = order.lines.get(position=1)
    assert (second.sku, second.quantity, second.consumer_price) == ("SKU-2", 5, Decimal("15.985"))


def test_storing_the_same_page_again_changes_nothing():
    raws = [raw_order() for _ in range(5)]
    store(*raws)
    before = list(Order.objects.values())
    result = store(*raws)
    assert (result.new, result.changed, result.unchanged) == (0, 0, 5)
    assert list(Order.objects.values()) == before
    assert ErpPush.objects.count() == Acknowledgement.objects.count() == Shipment.objects.count() == 5
    assert not result.released


def test_the_newest_of_an_order_that_comes_twice_in_a_page_wins():
    raw = raw_order(poNumber="OLD")
    newer = later(raw, poNumber="NEW")
    result = store(newer, raw)
    assert Order.objects.get().po_number == "NEW"
    assert (result.new, result.unchanged) == (1, 1)


def test_an_older_state_never_replaces_a_newer_one():
    raw = raw_order()
    store(later(raw, poNumber="NEW"))
    result = store(raw)
    assert result.unchanged == 1
    assert Order.objects.get().po_number == "NEW"


def test_a_changed_order_updates_its_lines_and_loses_those_that_vanished():
    raw = raw_order(lineItems=[raw_line(1), raw_line(2), raw_line(3)])
    order = stored(raw)
    OrderLine.objects.filter(position=0).update(erp_sku="LX-1")
    kept = order.lines.get(position=0).pk
    result = store(later(raw, lineItems=[raw_line(1, quantity=9), raw_line(2)]))
    assert result.changed == 1
    assert list(order.lines.values_list("position", "quantity")) == [(0, 9), (1, 2)]
    first = order.lines.get(position=0)
    assert (first.pk, first.erp_sku) == (kept, "LX-1")


def test_a_change_keeps_what_is_ours():
    raw = raw_order()
    order = stored(raw)
    Order.objects.update(held=True, hold_reason="fraud check", stage=Stage.IN_ERP)
    first_seen = order.first_seen_at
    store(later(raw, poNumber="X"))
    order.refresh_from_db()
    assert (order.held, order.hold_reason, order.first_seen_at) == (True, "fraud check", first_seen)


def test_nulls_everywhere_are_tolerated():
    raw = dict.fromkeys(raw_order(), None) | {
        "dscoOrderId": "5",
        "lineItems": [
            raw_line()
            | dict.fromkeys(
                (
                    "lineNumber",
                    "dscoItemId",
                    "partnerSku",
                    "title",
                    "expectedCost",
                    "consumerPrice",
                    "cancelledQuantity",
                )
            )
        ],
    }
    order = stored(raw)
    assert (order.po_number, order.retailer_id, order.problem) == ("", "", "")
    assert order.lines.get().consumer_price is None
    assert states(raw)["erp_push"] == ("waiting", "unknown_status")


def test_an_unreadable_order_never_stops_its_neighbours():
    bad = raw_order(lineItems=[raw_line(quantity="two")])
    good = raw_order()
    result = store(bad, good)
    assert (result.new, result.unreadable) == (1, 1)
    order = Order.objects.get(dsco_order_id=bad["dscoOrderId"])
    assert "lineItems[0].quantity" in order.problem
    assert order.payload["lineItems"][0]["quantity"] == "two"
    assert order.po_number == bad["poNumber"]
    push = push_of(bad)
    assert (push.status, push.reason_code, push.last_error) == ("needs_attention", "unreadable_order", order.problem)
    assert push_of(good).status == "due"


def test_an_order_without_an_id_is_counted_and_noted():
    result = store(raw_order(""), raw_order(), {"poNumber": "x"})
    assert (result.new, result.unreadable) == (1, 2)
    assert "dscoOrderId" in result.notes[0]


@pytest.mark.parametrize(
    "members",
    [
        {"poNumber": "P" * 121},
        {"currencyCode": "DOLLARS"},
        {"lineItems": [raw_line(sku="S" * 201)]},
        {"lineItems": [raw_line(expectedCost="99999999999999999.99")]},
        {"lineItems": [raw_line(lineNumber=2**40)]},
        {"lineItems": {"not": "a list"}},
        {"packages": [{"trackingNumber": "T1", "items": [{"quantity": -3}]}]},
    ],
)
def test_values_that_fit_no_column_make_only_their_order_unreadable(members):
    bad, good = raw_order(**members), raw_order()
    result = store(bad, good)
    assert (result.new, result.unreadable) == (1, 1)
    assert Order.objects.get(dsco_order_id=bad["dscoOrderId"]).problem


def test_tracking_numbers_at_dsco_are_known_even_when_the_rest_is_unreadable():
    bad = raw_order(lineItems=[raw_line(quantity="?")], packages=[{"trackingNumber": "1Z9"}, {"trackingNumber": None}])
    assert stored(bad).reported_tracking_numbers == ["1Z9"]


def test_a_long_title_is_cut():
    assert len(stored(raw_order(lineItems=[raw_line(title="é" * 900)])).lines.get().title) == 500


def test_an_order_that_becomes_readable_is_pushed():
    bad = raw_order(lineItems=[raw_line(quantity="two")])
    store(bad)
    result = store(later(bad, lineItems=[raw_line()]))
    assert Order.objects.get().problem == ""
    assert push_of(bad).status == "due"
    assert "push_orders" in result.released


def test_an_order_that_becomes_unreadable_keeps_its_lines_and_is_not_pushed():
    raw = raw_order()
    order = stored(raw)
    store(later(raw, lineItems=[raw_line(quantity=None)]))
    assert order.lines.count() == 1
    assert states(raw)["erp_push"] == ("needs_attention", "unreadable_order")


@pytest.mark.parametrize(
    ("members", "cancelled"),
    [
        ({"cancelledQuantity": 1}, 1),
        ({"cancelledQuantity": 9}, 4),
        ({"rejectedQuantity": 1, "cancelledQuantity": 1}, 2),
        ({"status": "cancelled"}, 4),
        ({"status": "cancelled", "acceptedQuantity": 3}, 1),
        ({"status": "cancelled", "cancelledQuantity": 1, "shippedQuantity": 3}, 1),
        ({"status": "cancelled", "shippedQuantity": 3}, 1),
        ({"status": "accepted", "cancelledQuantity": None}, 0),
    ],
)
def test_units_that_nobody_wants_any_more(members, cancelled):
    line = stored(raw_order(lineItems=[raw_line(quantity=4, **members)])).lines.get()
    assert (line.cancelled_quantity, line.open_quantity) == (cancelled, 4 - cancelled)


def test_the_earliest_line_date_counts_for_the_order():
    raw = raw_order(
        shipByDate="2026-03-09T00:00:00Z",
        lineItems=[raw_line(1, shipByDate="2026-03-05T00:00:00+02:00"), raw_line(2, shipByDate=None)],
    )
    assert stored(raw).ship_by == datetime(2026, 3, 4, 22, tzinfo=UTC)


# --- What is owed for an order at first sight --------------------------------------------------------


def test_an_open_order_is_due_to_be_pushed_and_the_rest_waits():
    raw = raw_order()
    result = store(raw)
    assert states(raw) == {
        "erp_push": ("due", ""),
        "acknowledgement": ("waiting", "waiting_for_erp"),
        "shipment": ("waiting", "waiting_for_acknowledgement"),
        "invoice": ("waiting", "waiting_for_shipment"),
    }
    push = push_of(raw)
    assert (push.key, push.platform_order_no) == (f"erp_push:{raw['dscoOrderId']}", raw["dscoOrderId"])
    assert push.due_at is not None
    assert result.released == {"push_orders"}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"dscoStatus": "shipped"}, ("skipped", "already_shipped")),
        ({"dscoStatus": "completed"}, ("skipped", "already_shipped")),
        ({"dscoLifecycle": "completed"}, ("skipped", "already_shipped")),
        ({"dscoStatus": "cancelled"}, ("cancelled", "order_cancelled")),
        ({"lineItems": [raw_line(cancelledQuantity=2)]}, ("cancelled", "order_cancelled")),
        ({"testFlag": True}, ("skipped", "test_order")),
    ],
)
def test_an_order_that_is_closed_when_first_seen_owes_nothing(members, expected):
    raw = raw_order(**members)
    store(raw)
    assert states(raw) == dict.fromkeys(ALL_KINDS, expected)
    assert push_of(raw).finished_at is not None


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"dscoLifecycle": "received"}, ("waiting", "not_ready")),
        ({"dscoStatus": "on_the_moon"}, ("waiting", "unknown_status")),
        ({"dscoLifecycle": "teleported"}, ("waiting", "unknown_status")),
        ({"cancelRequested": True}, ("cancelled", "cancel_requested")),
        ({"dscoStatus": None}, ("due", "")),
        ({"dscoStatus": "Created", "dscoLifecycle": None}, ("due", "")),
    ],
)
def test_the_push_of_an_order_by_its_status(members, expected):
    raw = raw_order(**members)
    store(raw)
    assert states(raw)["erp_push"] == expected


def test_the_stage_of_orders_closed_at_first_sight():
    assert stored(raw_order(dscoStatus="shipped")).stage == Stage.CLOSED
    assert stored(raw_order(dscoStatus="cancelled")).stage == Stage.CANCELLED
    assert stored(raw_order()).stage == Stage.RECEIVED


@pytest.mark.parametrize(
    ("members", "skipped"),
    [
        ({"dscoLifecycle": "acknowledged", "dscoStatus": "shipment_pending"}, True),
        ({"dscoLifecycle": None, "dscoStatus": "shipment_pending"}, True),
        ({"dscoLifecycle": "created", "dscoStatus": "shipment_pending"}, False),
    ],
)
def test_an_order_that_is_acknowledged_already_is_not_acknowledged_again(members, skipped):
    raw = raw_order(**members)
    store(raw)
    expected = ("skipped", "already_acknowledged") if skipped else ("waiting", "waiting_for_erp")
    assert states(raw)["acknowledgement"] == expected
    assert states(raw)["erp_push"][0] == "due"


def test_a_retailer_may_want_test_orders_pushed():
    RetailerPolicy.objects.create(retailer_id="R1", push_test_orders=True)
    raw = raw_order(testFlag=True)
    store(raw)
    assert push_of(raw).status == "due"


def test_a_cancel_request_at_first_sight_starts_the_cancellation_flow():
    assert store(raw_order(cancelRequested=True)).released == {"apply_cancellations"}


def test_the_number_in_lingxing_can_be_the_po_number(settings):
    settings.LINGXING_ORDER_NUMBER_FIELD = "po_number"
    assert stored(raw_order(poNumber=" PO\t7 ")).erp_push.platform_order_no == "PO 7"
    without = stored(raw_order(poNumber=None))
    assert without.erp_push.platform_order_no == without.dsco_order_id


# --- In bulk, and with anything --------------------------------------------------------------------


def test_a_page_costs_a_fixed_number_of_queries(django_assert_max_num_queries):
    raws = [raw_order(lineItems=[raw_line(1), raw_line(2)]) for _ in range(20)]
    with django_assert_max_num_queries(15):
        store(*raws)
    with django_assert_max_num_queries(4):
        store(*raws)
    with django_assert_max_num_queries(15):
        store(*[later(raw, poNumber="changed") for raw in raws])


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.decimals(allow_nan=True),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    members=st.dictionaries(st.sampled_from(sorted(set(raw_order("1")) - {"dscoOrderId"})), anything, max_size=5),
    line=st.dictionaries(st.sampled_from(sorted(raw_line())), anything, max_size=4),
)
def test_whatever_a_payload_holds_it_is_kept_and_its_neighbour_is_stored(members, line):
    odd = raw_order(lineItems=[raw_line(1) | line]) | members
    good = raw_order()
    store(odd, good)
    assert push_of(good).status == "due"
    assert Order.objects.filter(dsco_order_id=odd["dscoOrderId"]).count() == 1
    assert Invoice.objects.filter(order__dsco_order_id=odd["dscoOrderId"]).count() == 1

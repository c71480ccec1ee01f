"""Rows that the database makes by itself are the rows that Django would have made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from integrations.deliveries.states import State
from integrations.sentences import Sentence
from integrations.upserts import upsert
from orders.intake import LINE_COLUMNS, ORDER_COLUMNS
from orders.models import Acknowledgement, ErpPush, Invoice, Order, OrderLine, OrderVersion, Shipment
from orders.order_rows import OrderRow, read_order
from orders.order_rows import raw_order as keyed

from .factories import later, raw_line, raw_order, store

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
ODD_TEXT = 'O\'Dwyer \\ "quoted" {braces} 林小雨 🎈 100% \t\n%s'


def rows_of(prefix: str) -> list[OrderRow]:
    """Orders with everything that is awkward to write down: the same ones, whatever their ids begin with."""
    raws = [
        raw_order(f"{prefix}-1", poNumber=ODD_TEXT, note=ODD_TEXT, packages=[{"trackingNumber": ODD_TEXT}]),
        raw_order(f"{prefix}-2", poNumber="2", lineItems=[raw_line(1, title=ODD_TEXT), raw_line(2, expectedCost=None)]),
        raw_order(f"{prefix}-3", poNumber="3", lineItems=[raw_line(1, quantity="many")]),  # cannot be read in full
        raw_order(f"{prefix}-4", poNumber="4", shipByDate="2026-03-05T08:00:00.5+08:00", lineItems=[]),
    ]
    found = [keyed(raw) for raw in raws]
    return [read_order(raw, NOW) for raw in found if raw is not None]


def stored_columns(prefix: str) -> list[dict[str, Any]]:
    orders = Order.objects.filter(dsco_order_id__startswith=prefix).order_by("dsco_order_id")
    shown = [{name: getattr(order, name) for name in ORDER_COLUMNS} for order in orders]
    for order in shown:
        del order["payload_hash"]
        order["payload"].pop("dscoOrderId")
        order["problem"] = order["problem"].replace(prefix, "")
    lines = OrderLine.objects.filter(order__in=orders).order_by("order__dsco_order_id", "position")
    return shown + [{name: getattr(line, name) for name in [*LINE_COLUMNS, "position"]} for line in lines]


def test_an_upsert_stores_what_bulk_create_stores():
    ours, djangos = rows_of("UP"), rows_of("BC")
    upsert([row.order for row in ours], unique=["dsco_order_id"], update=ORDER_COLUMNS)
    Order.objects.bulk_create([row.order for row in djangos])
    for row in [*ours, *djangos]:
        for line in row.lines or ():
            line.order = row.order
    upsert([line for row in ours for line in row.lines or ()], unique=["order", "position"], update=LINE_COLUMNS)
    OrderLine.objects.bulk_create([line for row in djangos for line in row.lines or ()])

    assert [row.order.pk for row in ours] == [
        Order.objects.get(dsco_order_id=row.order.dsco_order_id).pk for row in ours
    ]
    assert stored_columns("UP") == stored_columns("BC")
    unreadable = Order.objects.get(dsco_order_id="UP-3")
    assert isinstance(unreadable.problem, Sentence)
    assert isinstance(ours[2].order.problem, Sentence)
    assert OrderLine.objects.get(order__dsco_order_id="UP-1").consumer_price == Decimal("24.9900")


def test_an_upsert_of_what_is_there_keeps_the_row_and_takes_only_the_columns_it_was_given():
    row = rows_of("UP")[0]
    upsert([row.order], unique=["dsco_order_id"], update=ORDER_COLUMNS)
    before = row.order.pk
    Order.objects.update(held=True, hold_reason="Asked by the retailer")
    again = rows_of("UP")[0].order
    again.po_number = "NEW"
    upsert([again], unique=["dsco_order_id"], update=ORDER_COLUMNS)
    order = Order.objects.get()
    assert (order.pk, again.pk) == (before, before)
    assert (order.po_number, order.held, order.hold_reason) == ("NEW", True, "Asked by the retailer")


@pytest.mark.parametrize("model", [ErpPush, Acknowledgement, Shipment, Invoice])
def test_the_deliveries_of_a_page_are_as_if_each_had_been_saved(model: Any):
    store(raw_order("A"), raw_order("B"))
    made = model.objects.values().get(order__dsco_order_id="A")
    other = Order.objects.get(dsco_order_id="B")
    model.objects.filter(order=other).delete()
    state = model.objects.get(order__dsco_order_id="A")
    saved = model(
        order=other, key=f"{model.KIND}:B", status=state.status, due_at=state.due_at, reason_code=state.reason_code
    )
    if model is ErpPush:
        saved.platform_order_no = "B"
    saved.save()
    like = model.objects.values().get(order=other)
    assert timezone.now() - timedelta(minutes=1) < made["created_at"] <= made["changed_at"]
    for one in (made, like):
        for name in ("id", "order_id", "created_at", "changed_at"):
            del one[name]
    assert made == like | {"key": f"{model.KIND}:A"} | ({"platform_order_no": "A"} if model is ErpPush else {})


def test_orders_of_one_page_get_deliveries_in_different_states_with_their_reasons():
    store(
        raw_order("OPEN"),
        raw_order("SHIPPED", dscoStatus="shipped"),
        raw_order("BROKEN", lineItems=[raw_line(1, quantity="many")]),
    )
    pushes = {push.order.dsco_order_id: push for push in ErpPush.objects.select_related("order")}
    assert {name: push.status for name, push in pushes.items()} == {
        "OPEN": State.DUE, "SHIPPED": State.SKIPPED, "BROKEN": State.NEEDS_ATTENTION,
    }  # fmt: skip
    assert pushes["OPEN"].due_at
    assert pushes["OPEN"].finished_at is None
    assert pushes["SHIPPED"].finished_at
    assert isinstance(pushes["BROKEN"].last_error, Sentence)
    assert pushes["BROKEN"].last_error == pushes["BROKEN"].order.problem
    reasons = {row.order.dsco_order_id: row.reason_code for row in Invoice.objects.select_related("order")}
    assert reasons == {"OPEN": "waiting_for_shipment", "SHIPPED": "already_shipped", "BROKEN": "waiting_for_shipment"}


def test_a_number_that_had_to_be_cleaned_is_the_number_of_the_erp_push(settings):
    settings.LINGXING_ORDER_NUMBER_FIELD = "po_number"
    store(raw_order("A", poNumber="PO\x7f1"), raw_order("B", poNumber=""), raw_order("C", poNumber="PO-3"))
    numbers = dict(ErpPush.objects.values_list("order__dsco_order_id", "platform_order_no"))
    assert numbers == {"A": "PO 1", "B": "B", "C": "PO-3"}


def test_the_first_version_holds_the_payload_and_the_next_one_what_changed():
    raw = raw_order("A", note=ODD_TEXT)
    store(raw, raw_order("B"))
    store(later(raw, poNumber="NEW"))
    first, second = OrderVersion.objects.filter(order__dsco_order_id="A").order_by("id")
    assert (first.payload, first.changed) == (raw, [])
    assert (second.payload["poNumber"], second.changed) == ("NEW", ["dscoLastUpdate", "poNumber"])
    assert OrderVersion.objects.filter(order__dsco_order_id="B").count() == 1

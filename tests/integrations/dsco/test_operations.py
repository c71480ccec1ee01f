"""Each operation: the request that goes out, and what comes back when all is well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import pytest

from integrations.calls import collect_calls
from integrations.dsco import DscoClient
from integrations.dsco.schemas import Accepted, DscoOrder
from integrations.errors import ConfigurationError

from . import examples as example
from .conftest import BASE_URL, Vendor

SINCE = datetime(2026, 3, 1, 8, tzinfo=UTC)
UNTIL = datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)


def query(request) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(request.url).query)


def path(request) -> str:
    return request.url.removeprefix(BASE_URL).partition("?")[0]


WRITES = [
    ("acknowledge", [example.ACKNOWLEDGEMENT], "/order/acknowledge", 202, example.ACCEPTED),
    ("single_shipment", example.SHIPMENT, "/order/singleShipment", 201, example.DONE),
    ("shipment_batch", [example.SHIPMENT], "/order/shipment/batch/small", 202, example.ACCEPTED),
    ("cancel_items", example.CANCELLATION, "/order/item/cancel", 200, {**example.ACCEPTED, "status": "success"}),
    ("create_invoice", example.INVOICE, "/invoice", 201, example.DONE),
    ("invoice_batch", [example.INVOICE], "/invoice/batch/small", 202, example.ACCEPTED),
    ("update_inventory", example.STOCK, "/inventory/singleItem", 201, example.DONE),
    ("inventory_batch", [example.STOCK], "/inventory/batch/small", 202, example.ACCEPTED),
]


@pytest.mark.parametrize(("method", "body", "where", "status", "reply"), WRITES, ids=[row[0] for row in WRITES])
def test_a_write_posts_its_payload_with_the_documented_headers(
    vendor: Vendor, client, method, body, where, status, reply
):
    vendor.answers("POST", where, reply, status)
    with collect_calls() as calls:
        result = getattr(client, method)(body)

    assert result == (Accepted("request-1") if status == 202 else None)
    assert vendor.sent() == ([item.payload() for item in body] if isinstance(body, list) else body.payload())
    headers = vendor.requests[0].headers
    assert headers["Authorization"] == "bearer token-1"
    assert headers["Accept"] == headers["Content-Type"] == "application/json"
    assert [(call.vendor, call.operation, call.status) for call in calls][-1] == ("dsco", method, status)
    assert calls[-1].vendor_request_id == reply.get("requestId", "")


def test_a_cancellation_that_dsco_queues_is_accepted_and_not_done(vendor: Vendor, client):
    vendor.answers("POST", "/order/item/cancel", example.ACCEPTED, 202)
    assert client.cancel_items(example.CANCELLATION) == Accepted("request-1")


def test_inventory_batches_can_skip_what_dsco_does_not_know(vendor: Vendor, client):
    vendor.answers("POST", "/inventory/batch/small", example.ACCEPTED, 202)
    client.inventory_batch([example.STOCK], skip_missing=True)
    assert query(vendor.requests[0]) == [("skipItemsThatDontExist", "true")]


def test_an_empty_batch_is_a_mistake_and_sends_nothing(dsco: Vendor, client):
    with pytest.raises(ValueError, match="at least one"):
        client.acknowledge([])
    assert not dsco.mock.calls


def test_a_batch_above_five_megabytes_is_refused_before_it_is_sent(dsco: Vendor, client):
    item = example.ACKNOWLEDGEMENT.model_copy(update={"supplier_order_number": "9" * 5_000_000})
    with pytest.raises(ValueError, match="bytes"):
        client.acknowledge([item])
    assert not dsco.mock.calls


def test_reads_carry_the_headers_too(vendor: Vendor, client):
    vendor.answers("GET", "/hello", {"hello": "World!"})
    client.hello()
    headers = vendor.requests[0].headers
    assert headers["Authorization"] == "bearer token-1"
    assert headers["Accept"] == headers["Content-Type"] == "application/json"


def test_an_order_is_asked_for_by_its_dsco_order_id(vendor: Vendor, client):
    vendor.answers("GET", "/order/", example.raw_order())
    assert client.get_order("9100000001")["poNumber"] == "PO-1001"
    assert path(vendor.requests[0]) == "/order/"
    assert query(vendor.requests[0]) == [("orderKey", "dscoOrderId"), ("value", "9100000001")]


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, example.REFUSED), (404, b""), (200, {}), (200, []), (400, {"messages": [{"code": "notFound"}]})],
)
def test_an_order_that_dsco_does_not_know_is_none(vendor: Vendor, client, status, body):
    vendor.answers("GET", "/order/", body, status)
    assert client.get_order("9100000001") is None


def test_the_first_of_several_orders_is_taken(vendor: Vendor, client):
    vendor.answers("GET", "/order/", [example.raw_order(), example.raw_order(poNumber="other")])
    assert client.get_order("9100000001")["poNumber"] == "PO-1001"


def test_order_pages_ask_for_a_window_of_updates_with_test_orders(vendor: Vendor, client):
    vendor.answers("GET", "/order/page", {"orders": []})
    since = SINCE.astimezone(timezone(timedelta(hours=8)))
    assert list(client.order_pages(since=since, until=UNTIL)) == []
    assert query(vendor.requests[0]) == [
        ("ordersUpdatedSince", "2026-03-01T08:00:00Z"),
        ("until", "2026-03-01T09:00:00.123Z"),
        ("includeTestOrders", "true"),
        ("ordersPerPage", "1000"),
    ]


def test_order_pages_can_ask_by_creation_and_status(vendor: Vendor, client):
    vendor.answers("GET", "/order/page", {"orders": []})
    wanted = client.order_pages(
        since=SINCE,
        until=UNTIL,
        by="created",
        statuses=["created", "shipment_pending"],
        include_test_orders=False,
        page_size=10,
    )
    assert list(wanted) == []
    assert query(vendor.requests[0]) == [
        ("ordersCreatedSince", "2026-03-01T08:00:00Z"),
        ("until", "2026-03-01T09:00:00.123Z"),
        ("status", "created"),
        ("status", "shipment_pending"),
        ("includeTestOrders", "false"),
        ("ordersPerPage", "10"),
    ]


def test_a_time_without_zone_is_never_sent(client):
    with pytest.raises(ValueError, match="time zone"):
        client.order_pages(since=datetime(2026, 3, 1), until=UNTIL)  # noqa: DTZ001


def test_invoices_are_asked_for_by_our_number(vendor: Vendor, client):
    vendor.answers("GET", "/invoice", {"invoices": [{"invoiceId": "PO-1002", "totalAmount": 37.47}]})
    assert client.get_invoices("PO-1002") == [{"invoiceId": "PO-1002", "totalAmount": "37.47"}]
    assert query(vendor.requests[0]) == [("key", "invoiceId"), ("value", "PO-1002")]


def test_an_unknown_invoice_is_an_empty_list(vendor: Vendor, client):
    vendor.answers("GET", "/invoice", example.REFUSED, 404)
    assert client.get_invoices("PO-1002") == []


def test_invoices_of_another_retailers_order_with_the_same_po_number_are_left_out(vendor: Vendor, client):
    found = [{"invoiceId": "a", "dscoOrderId": "1"}, {"invoiceId": "b", "dscoOrderId": "2"}, {"invoiceId": "c"}]
    vendor.answers("GET", "/invoice", {"invoices": found})
    assert [item["invoiceId"] for item in client.get_invoices_by_order("1", "PO-1")] == ["a", "c"]
    assert query(vendor.requests[0]) == [("key", "poNumber"), ("value", "PO-1")]


def test_inventory_is_asked_for_by_our_sku(vendor: Vendor, client):
    vendor.answers("GET", "/inventory", {"sku": "SKU-A", "status": "in-stock", "warehouses": []})
    assert client.get_inventory("SKU-A")["status"] == "in-stock"
    assert query(vendor.requests[0]) == [("itemKey", "sku"), ("value", "SKU-A")]


def test_an_unknown_sku_is_none(vendor: Vendor, client):
    vendor.answers("GET", "/inventory", {"messages": [{"code": "notFound", "severity": "error"}]}, 404)
    assert client.get_inventory("SKU-X") is None


def test_warehouses_come_in_pages(vendor: Vendor, client):
    vendor.answers("GET", "/warehouse/page", {"scrollId": "s", "warehouses": [{"code": "WH-CA"}]})
    vendor.answers("GET", "/warehouse/page", {"scrollId": "s", "warehouses": []})
    assert list(client.warehouse_pages()) == [[{"code": "WH-CA"}]]


def test_money_is_kept_digit_for_digit_and_can_be_stored(vendor: Vendor, client):
    body = b'{"dscoOrderId":"9100000001","lineItems":[{"quantity":1,"expectedCost":1234567890123456.10}]}'
    vendor.answers("GET", "/order/", body)
    raw = client.get_order("9100000001")
    assert raw["lineItems"][0]["expectedCost"] == "1234567890123456.10"
    assert DscoOrder.parse(raw).line_items[0].expected_cost == Decimal("1234567890123456.10")


def test_characters_that_a_database_cannot_hold_are_dropped(vendor: Vendor, client):
    vendor.answers("GET", "/order/", b'{"dscoOrderId":"9100000001","message":"a\\u0000b\\ud800c \\u4e2d"}')
    assert client.get_order("9100000001")["message"] == "ab?c 中"


@pytest.mark.parametrize("name", ["DSCO_BASE_URL", "DSCO_CLIENT_ID", "DSCO_CLIENT_SECRET"])
def test_a_missing_setting_is_named(settings, name):
    setattr(settings, name, "")
    with pytest.raises(ConfigurationError, match=name) as caught:
        DscoClient.from_settings()
    assert (caught.value.vendor, caught.value.code) == ("dsco", "missing_setting")

"""Paged answers: their end, their five minutes, and logs that are longer than a page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.dsco import ScrollExpired
from integrations.dsco.schemas import ChangeLog, LogEntry
from integrations.errors import ConfigurationError, TransientError

from . import examples as example
from .conftest import Vendor
from .test_operations import query

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
WINDOW = {"since": NOW - timedelta(days=1), "until": NOW - timedelta(seconds=10)}
ORDERS = "/order/page"


def page(*numbers: int, scroll_id: str | None = "scroll-1") -> dict:
    orders = [{"dscoOrderId": str(number)} for number in numbers]
    return {"orders": orders} if scroll_id is None else {"scrollId": scroll_id, "orders": orders}


def ids(pages) -> list[list[str]]:
    return [[order["dscoOrderId"] for order in orders] for orders in pages]


def test_pages_follow_the_scroll_id_alone_until_an_empty_one(vendor: Vendor, client):
    for body in (page(1, 2), page(3), page()):
        vendor.answers("GET", ORDERS, body)
    assert ids(client.order_pages(**WINDOW)) == [["1", "2"], ["3"]]
    assert [query(request) for request in vendor.requests[1:]] == [[("scrollId", "scroll-1")]] * 2


@pytest.mark.parametrize("scroll_id", [None, ""])
def test_a_page_without_scroll_id_is_the_last(vendor: Vendor, client, scroll_id):
    vendor.answers("GET", ORDERS, page(1, scroll_id=scroll_id))
    assert ids(client.order_pages(**WINDOW)) == [["1"]]
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("body", [b"", example.REFUSED, "<html>"])
def test_a_page_that_dsco_has_forgotten_expires_the_scroll(vendor: Vendor, client, body):
    vendor.answers("GET", ORDERS, page(1))
    vendor.answers("GET", ORDERS, body, 404)
    pages = client.order_pages(**WINDOW)
    next(pages)
    with pytest.raises(ScrollExpired) as caught:
        next(pages)
    assert isinstance(caught.value, TransientError)
    assert (caught.value.code, caught.value.operation, caught.value.vendor) == ("scroll_expired", "order_pages", "dsco")


def test_a_404_of_the_first_page_is_no_expired_scroll(vendor: Vendor, client):
    vendor.answers("GET", ORDERS, "<html>", 404)
    with pytest.raises(ConfigurationError):
        next(client.order_pages(**WINDOW))


def test_five_minutes_between_pages_are_not_even_tried(vendor: Vendor, client, time_machine):
    time_machine.move_to(NOW, tick=False)
    vendor.answers("GET", ORDERS, page(1))
    vendor.answers("GET", ORDERS, page(2))
    pages = client.order_pages(**WINDOW)
    next(pages)
    time_machine.move_to(NOW + timedelta(minutes=5), tick=False)
    next(pages)
    time_machine.move_to(NOW + timedelta(minutes=10, seconds=1), tick=False)
    with pytest.raises(ScrollExpired):
        next(pages)
    assert len(vendor.requests) == 2


def test_a_scroll_that_does_not_move_is_stopped(vendor: Vendor, client):
    vendor.answers("GET", ORDERS, page(1))
    with pytest.raises(TransientError) as caught:
        list(client.order_pages(**WINDOW))
    assert caught.value.code == "scroll_stuck"


# --- Change logs ---------------------------------------------------------------------------------


def entry(status: str = "success", results: list | None = None, **payload) -> dict:
    return {"payload": payload, "status": status, "requestMethod": "api", "results": results or []}


LOGS = [("order_log", "/order/log"), ("invoice_log", "/invoice/log"), ("inventory_log", "/inventory/log")]


@pytest.mark.parametrize(("method", "where"), LOGS)
def test_a_log_is_asked_for_by_request_id(vendor: Vendor, client, method, where):
    vendor.answers("GET", where, {"status": "PROCESSING", "logs": []})
    log = getattr(client, method)("request-1")
    assert (log.completed, log.entries) == (False, [])
    assert query(vendor.requests[0]) == [("requestId", "request-1")]


def test_a_log_is_read_over_all_its_pages(vendor: Vendor, client):
    first = {"status": "COMPLETED", "scrollId": "s", "logs": [entry(id="1", type="DSCO_ORDER_ID")]}
    vendor.answers("GET", "/order/log", first)
    vendor.answers("GET", "/order/log", {"scrollId": "s", "logs": [entry("failure", id=2, type="DSCO_ORDER_ID")]})
    vendor.answers("GET", "/order/log", {"scrollId": "s", "logs": []})
    log = client.order_log("request-1")
    assert log.completed
    assert log.entry_for_order("1").status == "success"
    assert log.entry_for_order("2").status == "failure"
    assert log.entry_for_order("3") is None


@pytest.mark.parametrize("reply", [{"logs": []}, {"status": "PROCESSING", "logs": [entry(id="1")]}])
def test_a_log_without_completed_is_not_completed(vendor: Vendor, client, reply):
    vendor.answers("GET", "/order/log", reply)
    assert not client.order_log("request-1").completed


def test_a_log_that_dsco_does_not_know_yet_proves_nothing(vendor: Vendor, client):
    vendor.answers("GET", "/order/log", example.REFUSED, 404)
    log = client.order_log("request-1")
    assert (log.completed, log.entries) == (False, [])


def test_entries_are_found_by_what_was_sent(vendor: Vendor, client):
    logs = [
        entry(id="1", type="PO_NUMBER"),
        entry("failure", dscoOrderId="1", shipments=[]),
        entry("failure", invoiceId="PO-1", totalAmount=12.50),
        entry("success", sku="SKU-A"),
        entry("pending", sku="SKU-A"),
    ]
    vendor.answers("GET", "/order/log", {"status": "COMPLETED", "logs": logs})
    log = client.order_log("request-1")
    assert log.entry_for_order("1").payload == {"dscoOrderId": "1", "shipments": []}
    assert log.entry_for_invoice("PO-1").payload["totalAmount"] == "12.5"
    assert log.entry_for_sku("SKU-A").status == "success"
    assert log.entry_for_sku("SKU-B") is None


def test_the_reason_of_a_failure_comes_first():
    results = [
        {"code": "note", "severity": "info", "description": "looked at"},
        {"code": "partial-ship", "severity": "error", "description": {"text": "no partial shipments"}},
    ]
    found = LogEntry.parse({"payload": None, "status": "FAILURE", "results": results})
    assert found == LogEntry({}, "failure", "partial-ship: text: no partial shipments; note: looked at", "partial-ship")


@pytest.mark.parametrize(
    "payload",
    [
        {"id": 4711, "type": "DSCO_ORDER_ID"},
        {"id": "4711", "type": None},
        {"id": "4711"},
        {"dscoOrderId": 4711, "shipments": []},
        {"dscoOrderId": "4711", "id": None, "type": None},
    ],
)
def test_an_entry_is_found_by_the_order_id_however_dsco_spells_it(payload):
    log = ChangeLog(completed=True, entries=[LogEntry.parse({"payload": payload, "status": "SUCCESS"})])
    entry = log.entry_for_order("4711")
    assert entry is not None
    assert entry.status == "success"
    assert log.entry_for_order("12") is None

"""What DSCO's failures mean: one class per answer, with DSCO's words, code and request id."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import requests
import urllib3

from integrations.calls import collect_calls
from integrations.errors import ConfigurationError, RateLimited, Rejected, TransientError, Uncertain, VendorError
from integrations.models import RateLimit

from . import examples as example
from .conftest import Vendor

HTML = "<html><body>Bad gateway</body></html>"


def read(client):
    return client.get_order("9100000001")


def write(client):
    return client.single_shipment(example.SHIPMENT)


def error_of(call, client) -> VendorError:
    with pytest.raises(VendorError) as caught:
        call(client)
    return caught.value


TABLE = [
    # status, body, class when reading, class when writing
    (301, b"", ConfigurationError, ConfigurationError),
    (400, example.REFUSED, Rejected, Rejected),
    (400, HTML, Rejected, Rejected),
    (403, {"message": "Invalid key=value pair in Authorization header"}, ConfigurationError, ConfigurationError),
    (403, example.REFUSED, ConfigurationError, ConfigurationError),
    (404, HTML, ConfigurationError, ConfigurationError),
    (405, b"", ConfigurationError, ConfigurationError),
    (408, b"", TransientError, Uncertain),
    (409, example.REFUSED, Rejected, Rejected),
    (413, b"", Rejected, Rejected),
    (429, b"", RateLimited, RateLimited),
    (500, example.REFUSED, TransientError, Uncertain),
    (502, HTML, TransientError, Uncertain),
    (503, b"", TransientError, Uncertain),
    (504, HTML, TransientError, Uncertain),
    (200, HTML, TransientError, Uncertain),
    (200, b"", TransientError, Uncertain),
    (200, "true", TransientError, Uncertain),
    (200, b'{"dscoOrderId": "91', TransientError, Uncertain),
    (200, {"success": False}, Rejected, Rejected),
    (200, {"status": "failure"}, Rejected, Rejected),
    (201, example.REFUSED, Rejected, Rejected),
]


@pytest.mark.parametrize(("status", "body", "reading", "writing"), TABLE)
def test_every_answer_has_its_class(vendor: Vendor, client, status, body, reading, writing):
    vendor.answers("GET", "/order/", body, status)
    vendor.answers("POST", "/order/singleShipment", body, status)
    for call, kind, operation in ((read, reading, "get_order"), (write, writing, "single_shipment")):
        error = error_of(call, client)
        assert type(error) is kind
        assert (error.vendor, error.operation, error.http_status) == ("dsco", operation, status)
        assert error.code
        assert error.message


def test_a_refusal_carries_the_words_the_code_and_the_request_id(vendor: Vendor, client):
    vendor.answers("POST", "/order/singleShipment", example.REFUSED, 400)
    with collect_calls() as calls:
        error = error_of(write, client)
    assert error.code == "VALIDATION_FAILED"
    assert error.message == "VALIDATION_FAILED: Ship carrier is required; sku too; note: looked at"
    assert error.request_id == calls[-1].vendor_request_id == "request-9"
    assert "request-9" in str(error)


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ("plain", "c: plain"),
        (["one", "two"], "c: one; two"),
        ({"text": "inside", "more": ["a", 1]}, "c: text: inside, more: a; 1"),
        (None, "c"),
    ],
)
def test_descriptions_can_be_text_list_or_object(vendor: Vendor, client, description, words):
    vendor.answers("GET", "/order/", {"messages": [{"code": "c", "description": description}]}, 422)
    assert error_of(read, client).message == words


@pytest.mark.parametrize("messages", [None, "just text", {"code": "x"}, [None, "text", 5, {}], [{"code": None}]])
def test_odd_message_lists_never_break_the_error(vendor: Vendor, client, messages):
    vendor.answers("GET", "/order/", {"messages": messages}, 400)
    assert type(error_of(read, client)) is Rejected


def test_a_write_that_finds_nothing_is_rejected(vendor: Vendor, client):
    vendor.answers("POST", "/order/singleShipment", {"messages": [{"code": "notFound"}]}, 404)
    assert (type(error_of(write, client)), error_of(write, client).code) == (Rejected, "notFound")


def test_a_wrong_address_does_not_look_like_an_unknown_order(vendor: Vendor, client):
    vendor.answers("GET", "/order/", "<h1>404</h1>", 404)
    error = error_of(read, client)
    assert type(error) is ConfigurationError
    assert "DSCO_BASE_URL" in error.message


def test_the_order_of_another_id_is_no_answer(vendor: Vendor, client):
    vendor.answers("GET", "/order/", example.raw_order(dscoOrderId="1"))
    assert error_of(read, client).code == "unreadable_reply"


def test_notes_and_warnings_do_not_spoil_a_success(vendor: Vendor, client):
    notes = [{"code": "cost", "severity": "warn", "description": "above msrp"}, {"code": "n", "severity": "info"}]
    vendor.answers("POST", "/inventory/singleItem", {"success": True, "messages": notes}, 201)
    client.update_inventory(example.STOCK)


def test_a_success_with_an_error_inside_is_uncertain(vendor: Vendor, client):
    messages = [{"code": "odd", "severity": "error", "description": "not processed"}]
    vendor.answers("POST", "/order/singleShipment", {"success": True, "messages": messages}, 201)
    error = error_of(write, client)
    assert (type(error), error.code) == (Uncertain, "odd")


def test_an_acceptance_without_request_id_is_uncertain(vendor: Vendor, client):
    vendor.answers("POST", "/order/acknowledge", {"status": "pending"}, 202)
    assert type(error_of(lambda client: client.acknowledge([example.ACKNOWLEDGEMENT]), client)) is Uncertain


def test_a_queued_shipment_is_not_a_done_one(vendor: Vendor, client):
    vendor.answers("POST", "/order/singleShipment", example.ACCEPTED, 202)
    error = error_of(write, client)
    assert (type(error), error.request_id) == (Uncertain, "request-1")


@pytest.mark.parametrize("page", [{}, {"orders": None}, {"orders": ["text"]}, []])
def test_a_page_without_its_list_is_no_empty_page(vendor: Vendor, client, page):
    vendor.answers("GET", "/order/page", page)
    window = {"since": datetime(2026, 3, 1, tzinfo=UTC), "until": datetime(2026, 3, 2, tzinfo=UTC)}
    error = error_of(lambda client: list(client.order_pages(**window)), client)
    assert (type(error), error.code) == (TransientError, "unreadable_reply")


# --- Slowing down --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Sun, 01 Mar 2026 09:00:30 GMT"}, 30.0),
        ({"Retry-After": "Sun, 01 Mar 2026 08:00:00 GMT"}, 0.0),
        ({"Retry-After": "99999999"}, 7200.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_can_be_seconds_or_a_date(vendor: Vendor, client, time_machine, header, seconds):
    time_machine.move_to(datetime(2026, 3, 1, 9, tzinfo=UTC), tick=False)
    vendor.answers("GET", "/order/", b"", 429, headers=header)
    assert error_of(read, client).retry_after == seconds


def test_a_429_makes_every_process_wait(vendor: Vendor, client, time_machine, settings):
    settings.RATE_LIMIT_SCALE = 1
    now = datetime(2026, 3, 1, 9, tzinfo=UTC)
    time_machine.move_to(now, tick=False)
    vendor.answers("POST", "/order/singleShipment", b"", 429, headers={"Retry-After": "600"})
    assert type(error_of(write, client)) is RateLimited
    assert RateLimit.objects.get(name="dsco:single_shipment").reserved_until == now.timestamp() + 600
    # The next caller would have to queue for too long, so it is handed back and nothing is sent.
    assert error_of(write, client).code == "local_queue"
    assert len(vendor.requests) == 1


def test_each_operation_has_its_own_limit(vendor: Vendor, client):
    vendor.answers("GET", "/order/", b"", 404)
    vendor.answers("GET", "/invoice", {"invoices": []})
    client.get_order("1")
    client.get_invoices("1")
    client.get_invoices_by_order("1", "2")
    names = set(RateLimit.objects.values_list("name", flat=True))
    assert names == {"dsco:token", "dsco:get_order", "dsco:get_invoices"}


# --- Lost connections ----------------------------------------------------------------------------


def connection_lost() -> Exception:
    return requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted."))


def test_a_read_on_a_stale_connection_is_sent_once_more(vendor: Vendor, client):
    vendor.answers("GET", "/order/", connection_lost())
    vendor.answers("GET", "/order/", example.raw_order())
    assert read(client)["poNumber"] == "PO-1001"
    assert len(vendor.requests) == 2


def test_a_read_is_not_sent_a_third_time(vendor: Vendor, client):
    for _time in range(3):
        vendor.answers("GET", "/order/", connection_lost())
    assert error_of(read, client).code == "connection_lost"
    assert len(vendor.requests) == 2


def test_a_read_that_timed_out_is_left_to_the_engine(vendor: Vendor, client):
    vendor.answers("GET", "/order/", requests.ReadTimeout())
    assert type(error_of(read, client)) is TransientError
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("failure", [connection_lost(), requests.ReadTimeout()])
def test_a_write_whose_reply_is_lost_is_uncertain_and_never_repeated(vendor: Vendor, client, failure):
    vendor.answers("POST", "/order/singleShipment", failure)
    assert type(error_of(write, client)) is Uncertain
    assert len(vendor.requests) == 1

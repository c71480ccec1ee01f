"""Our bodies, addresses, parameters and limits against DSCO's published contract and samples."""

from __future__ import annotations

import pytest

from integrations.dsco import operations
from integrations.dsco.operations import UNDOCUMENTED, Operation
from integrations.dsco.schemas import (
    AcknowledgeItem,
    CancelItems,
    ChangeLog,
    DscoOrder,
    InventoryItem,
    InvoiceBody,
    LogEntry,
    ShipmentReport,
)
from integrations.limits import Rate
from tests import contracts

from . import examples as example
from .conftest import Vendor
from .test_scrolling import WINDOW

pytestmark = pytest.mark.contracts
SPEC = "dsco-openapi.yaml"
OPERATIONS = [value for value in vars(operations).values() if isinstance(value, Operation)]
BODIES = [
    (operations.ACKNOWLEDGE, [example.ACKNOWLEDGEMENT, AcknowledgeItem(dsco_order_id="1")]),
    (operations.SINGLE_SHIPMENT, example.SHIPMENT),
    (operations.SHIPMENT_BATCH, [example.SHIPMENT]),
    (operations.CANCEL_ITEMS, example.CANCELLATION),
    (operations.CREATE_INVOICE, example.INVOICE),
    (operations.INVOICE_BATCH, [example.INVOICE]),
    (operations.UPDATE_INVENTORY, example.STOCK),
    (operations.INVENTORY_BATCH, [example.STOCK]),
]


@pytest.mark.parametrize(("operation", "body"), BODIES, ids=[operation.name for operation, _body in BODIES])
def test_every_body_is_valid(operation, body):
    payload = [item.payload() for item in body] if isinstance(body, list) else body.payload()
    contracts.request_schema(SPEC, operation.method, operation.path).validate(payload)


def test_every_write_has_its_body_checked():
    checked = {operation.name for operation, _body in BODIES}
    assert {operation.name for operation in OPERATIONS if operation.writes} == checked | {"token"}


@pytest.mark.parametrize(("operation", "body"), BODIES, ids=[operation.name for operation, _body in BODIES])
def test_every_member_that_we_send_is_in_the_contract(operation, body):
    """The document allows unknown members everywhere, DSCO does not always: a misspelt one must not slip through."""
    schema = contracts.request_schema(SPEC, operation.method, operation.path)
    items = body if isinstance(body, list) else [body]
    for item in items:
        assert_known_members(schema, item.payload(), is_array=isinstance(body, list))


def assert_known_members(validator, payload, *, is_array):
    document = contracts.document(SPEC)
    fragment = validator.schema["$ref"].partition("#")[2]
    schema = document
    for step in fragment.strip("/").split("/"):
        schema = schema[step.replace("~1", "/").replace("~0", "~")]
    walk(document, schema["items"] if is_array else schema, payload)


def walk(document, schema, value):
    known = members(document, schema)
    for name, item in value.items():
        assert name in known, name
        assert not known[name].get("readOnly") or name == "status", name
        inner = known[name].get("items", known[name])
        for child in item if isinstance(item, list) else [item]:
            if isinstance(child, dict):
                walk(document, inner, child)


def members(document, schema) -> dict:
    if "$ref" in schema:
        return members(document, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    found = dict(schema.get("properties", {}))
    for part in [*schema.get("allOf", []), *schema.get("anyOf", [])]:
        found |= members(document, part)
    return found


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_has_the_documented_address_and_limit(operation):
    documented = contracts.document(SPEC)["paths"][operation.path][operation.method.lower()]
    limit = documented.get("x-rate-limit")
    expected = Rate(limit["perSecond"], limit["perMinute"]) if limit else UNDOCUMENTED
    assert operation.rate == expected


def test_every_query_parameter_is_documented(vendor: Vendor, client):
    for path in ("/order/", "/invoice", "/inventory"):
        vendor.answers("GET", path, b"", 404)
    for path in ("/order/log", "/invoice/log", "/inventory/log"):
        vendor.answers("GET", path, {"logs": []})
    vendor.answers("GET", "/order/page", {"orders": []})
    vendor.answers("POST", "/inventory/batch/small", example.ACCEPTED, 202)
    calls = [
        lambda: client.get_order("1"),
        lambda: client.get_invoices("1"),
        lambda: client.get_invoices_by_order("1", "2"),
        lambda: client.get_inventory("1"),
        lambda: client.order_log("1"),
        lambda: client.invoice_log("1"),
        lambda: client.inventory_log("1"),
        lambda: list(client.order_pages(**WINDOW, statuses=["created"])),
        lambda: client.inventory_batch([example.STOCK], skip_missing=True),
    ]
    for call in calls:
        call()
    assert len(vendor.requests) == len(calls)
    for request in vendor.requests:
        path = request.path_url.partition("?")[0].removeprefix("/api/v3")
        known = contracts.query_parameters(SPEC, request.method, path)
        assert set(request.params) <= set(known)
        required = {name for name, item in known.items() if item.get("required")}
        assert required <= set(request.params)
        for name, value in request.params.items():
            allowed = known[name]["schema"].get("enum")
            assert not allowed or value in allowed


# --- The vendor's samples ------------------------------------------------------------------------


def test_the_sample_orders_are_read():
    orders = [DscoOrder.parse(raw) for raw in contracts.sample("dsco-order-page.json")["orders"]]
    assert [order.dsco_order_id for order in orders] == ["9100000001", "9100000002", "9100000003"]
    assert [len(order.line_items) for order in orders] == [1, 2, 1]
    assert str(orders[1].line_items[1].consumer_price) == "15.985"
    assert orders[1].retailer_create_date.isoformat() == "2025-11-19T14:00:00+00:00"
    assert orders[2].cancel_requested
    assert orders[2].shipping.country is None


def test_the_sample_pages_are_scrolled(vendor: Vendor, client):
    vendor.answers("GET", "/order/page", contracts.sample_bytes("dsco-order-page.json"))
    vendor.answers("GET", "/order/page", contracts.sample_bytes("dsco-order-page-last.json"))
    pages = list(client.order_pages(**WINDOW))
    assert [len(page) for page in pages] == [3]
    assert pages[0][1]["lineItems"][1]["consumerPrice"] == "15.985"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("dsco-single-shipment-request.json", ShipmentReport),
        ("dsco-invoice-request.json", InvoiceBody),
        ("dsco-inventory-single-item-request.json", InventoryItem),
        ("dsco-cancel-items-request.json", CancelItems),
    ],
)
def test_our_bodies_say_the_same_as_the_sample_requests(name, body):
    raw = contracts.sample(name)
    assert body.from_payload(raw).payload() == raw


@pytest.mark.parametrize(
    ("name", "body"),
    [("dsco-ack-request.json", AcknowledgeItem), ("dsco-multi-package-shipment-request.json", ShipmentReport)],
)
def test_our_batches_say_the_same_as_the_sample_requests(name, body):
    raw = contracts.sample(name)
    assert [body.from_payload(item).payload() for item in raw] == raw


def test_the_sample_replies_are_understood(vendor: Vendor, client):
    vendor.mock.remove("POST", "https://dsco.test/api/v3/oauth2/token")
    vendor.answers("POST", "/oauth2/token", contracts.sample_bytes("dsco-token-200.json"))
    vendor.answers("POST", "/order/acknowledge", contracts.sample_bytes("dsco-ack-202.json"), 202)
    vendor.answers("POST", "/order/shipment/batch/small", contracts.sample_bytes("dsco-async-202.json"), 202)
    vendor.answers("POST", "/order/singleShipment", contracts.sample_bytes("dsco-success-201.json"), 201)
    vendor.answers("GET", "/invoice", contracts.sample_bytes("dsco-invoice-get.json"))
    vendor.answers("GET", "/inventory", contracts.sample_bytes("dsco-error-404-not-found.json"), 404)
    assert client.acknowledge([example.ACKNOWLEDGEMENT]).request_id.startswith("11111111")
    assert client.shipment_batch([example.SHIPMENT]).request_id.startswith("22222222")
    client.single_shipment(example.SHIPMENT)
    assert client.get_invoices("INV-0002")[0]["totalAmount"] == "66.0"
    assert client.get_inventory("FICT-SKU-X") is None


def test_the_sample_logs_are_read(vendor: Vendor, client):
    vendor.answers("GET", "/order/log", contracts.sample_bytes("dsco-order-log-processing.json"))
    assert not client.order_log("r").completed
    vendor.mock.reset()
    vendor.answers("GET", "/order/log", contracts.sample_bytes("dsco-order-log-ack.json"))
    log = client.order_log("r")
    assert log.completed
    assert log.entry_for_order("9100000001").status == "success"
    failed = log.entry_for_order("9100009999")
    assert (failed.status, failed.code) == ("failure", "fictional-order-not-found")


def test_the_sample_shipment_failure_is_explained():
    raw = contracts.sample("dsco-order-log-shipment-failure.json")
    log = ChangeLog(completed=True, entries=[LogEntry.parse(item) for item in raw["logs"]])
    entry = log.entry_for_order("9100000002")
    assert (entry.status, entry.code) == ("failure", "fictional-partial-ship")
    assert "can be an object" in entry.messages_text

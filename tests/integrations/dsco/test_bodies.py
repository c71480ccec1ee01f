"""The bodies that we send: complete, exact to the cent, and readable again from storage."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from integrations.dsco.schemas import (
    AcknowledgeItem,
    CancelItems,
    InventoryItem,
    InvoiceBody,
    InvoiceLine,
    InvoiceShip,
    ShipmentLine,
    ShipmentReport,
)
from integrations.dsco.schemas.outbound import iso, to_cents

from . import examples as example

BODIES = [example.ACKNOWLEDGEMENT, example.SHIPMENT, example.CANCELLATION, example.INVOICE, example.STOCK]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_a_payload_survives_storage(body):
    stored = json.loads(json.dumps(body.payload()))
    assert type(body).from_payload(stored) == body


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_a_body_is_frozen(body):
    with pytest.raises(ValidationError, match="frozen"):
        body.dsco_order_id = "other"


def test_members_without_value_are_left_out():
    report = ShipmentReport.from_payload(
        {"dscoOrderId": "1", "shipments": [{"trackingNumber": "T", "lineItems": [{"sku": "A", "quantity": 1}]}]}
    )
    assert report.payload() == {
        "dscoOrderId": "1",
        "shipments": [{"trackingNumber": "T", "lineItems": [{"sku": "A", "quantity": 1}]}],
    }
    assert AcknowledgeItem(dsco_order_id="1").payload() == {"id": "1", "type": "DSCO_ORDER_ID"}


def test_an_order_is_named_by_its_dsco_order_id():
    assert example.CANCELLATION.payload()["id"] == "9100000003"
    assert example.CANCELLATION.payload()["type"] == "DSCO_ORDER_ID"


def test_an_invoice_ship_that_says_nothing_is_left_out():
    invoice = example.INVOICE.model_copy(update={"ship": InvoiceShip()})
    assert "ship" not in invoice.payload()


def test_the_tracking_number_is_never_at_the_top_of_an_invoice():
    payload = example.INVOICE.payload()
    assert "trackingNumber" not in payload
    assert payload["ship"]["trackingNumber"] == payload["lineItems"][0]["trackingNumber"] == "1Z999"


def test_amounts_are_json_numbers_with_two_decimals_at_most():
    line = InvoiceLine(line_number=1, sku="A", quantity=3, unit_price=Decimal("15.985"), subtotal=Decimal("0.10"))
    text = json.dumps(line.payload())
    assert '"unitPrice": 15.99' in text
    assert '"subtotal": 0.1' in text


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_no_cent_is_lost_on_the_wire(amount):
    assert json.loads(json.dumps(to_cents(amount)), parse_float=Decimal) == amount


def test_an_amount_too_large_to_be_exact_is_refused():
    with pytest.raises(ValueError, match="too large"):
        to_cents(Decimal("12345678901234567.89"))


@pytest.mark.parametrize(
    ("given_upc", "sku", "sent"),
    [("012345678905", "A", "012345678905"), ("12-34", "A", None), ("12-34", None, "12-34"), (None, "A", None)],
)
def test_a_upc_that_dsco_would_refuse_is_left_out_beside_a_better_identifier(given_upc, sku, sent):
    assert ShipmentLine(sku=sku, upc=given_upc, quantity=1).upc == sent


def test_times_are_sent_in_utc():
    assert iso(datetime.fromisoformat("2026-03-01T08:00:00+08:00")) == "2026-03-01T00:00:00Z"
    assert iso(datetime(2026, 3, 1, 0, 0, 0, 120999, tzinfo=UTC)) == "2026-03-01T00:00:00.120Z"


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValidationError):
        InvoiceShip(date=datetime(2026, 3, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (ShipmentReport, {"dscoOrderId": "1", "shipments": []}),
        (ShipmentReport, {"dscoOrderId": "", "shipments": [{"trackingNumber": "T", "lineItems": []}]}),
        (CancelItems, {"id": "1", "lineItems": [{"sku": "A", "cancelledQuantity": 0, "cancelCode": "CXSC"}]}),
        (InventoryItem, {"sku": "A", "status": "plenty", "warehouses": []}),
        (InventoryItem, {"sku": "A", "status": "in-stock", "warehouses": [{"code": "W", "quantity": -1}]}),
        (InvoiceBody, {"invoiceId": "1", "dscoOrderId": "1", "totalAmount": 1}),
    ],
)
def test_a_body_that_can_only_fail_is_not_made(body, payload):
    with pytest.raises(ValidationError):
        body.from_payload(payload)

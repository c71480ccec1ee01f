"""Raw DSCO orders, stored orders and mappings for tests."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from integrations.sandbox.demo import connect
from integrations.sandbox.sandbox import Sandbox
from orders.intake import IntakeResult, store_page
from orders.mapping_files import MappingFile, save_mappings
from orders.models import ErpPush, Order

_numbers = itertools.count(1)
UPDATED = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def raw_line(number: int = 1, **members: Any) -> dict[str, Any]:
    """One line as DSCO sends it, money as the client reads it (text)."""
    return {
        "lineNumber": number,
        "quantity": 2,
        "dscoItemId": f"70{number}",
        "sku": f"SKU-{number}",
        "partnerSku": f"P-{number}",
        "title": "Woven basket",
        "expectedCost": "12.5",
        "consumerPrice": "24.99",
        "retailPrice": "26",
        "cancelledQuantity": 0,
        "cancelRequested": False,
        "warehouseCode": "EAST",
    } | members


def raw_order(dsco_order_id: str | None = None, **members: Any) -> dict[str, Any]:
    """A complete order that is ready to be pushed; ``members`` replace or add top-level members."""
    number = next(_numbers)
    order_id = dsco_order_id if dsco_order_id is not None else str(7_000_000 + number)
    return {
        "dscoOrderId": order_id,
        "poNumber": f"PO-{order_id}",
        "dscoRetailerId": "R1",
        "dscoTradingPartnerName": "Northgate Home",
        "currencyCode": "USD",
        "dscoStatus": "created",
        "dscoLifecycle": "created",
        "dscoCreateDate": "2026-03-01T08:00:00Z",
        "dscoLastUpdate": UPDATED.isoformat(),
        "requestedWarehouseCode": "EAST",
        "shippingServiceLevelCode": "FEHD",
        "shipping": {
            "name": "Maren Holloway",
            "address": ["12 Heron Lane"],
            "city": "Brookhaven",
            "region": "NJ",
            "postal": "07099",
            "country": "US",
        },
        "lineItems": [raw_line(1)],
    } | members


def later(raw: dict[str, Any], **members: Any) -> dict[str, Any]:
    """The same order as DSCO sends it after a change."""
    moved = datetime.fromisoformat(raw["dscoLastUpdate"]) + timedelta(minutes=1)
    return raw | {"dscoLastUpdate": moved.isoformat()} | members


def store(*raws: dict[str, Any]) -> IntakeResult:
    """Store a page of raw orders."""
    return store_page(list(raws), timezone.now())


def stored(raw: dict[str, Any]) -> Order:
    """Store a raw order and return it."""
    store(raw)
    return Order.objects.get(dsco_order_id=str(raw["dscoOrderId"]))


def states(raw: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return ``{kind: (status, reason)}`` of the four deliveries of an order."""
    order = Order.objects.get(dsco_order_id=str(raw["dscoOrderId"]))
    rows = (order.erp_push, order.acknowledgement, order.shipment, order.invoice)
    return {row.KIND: (row.status, row.reason_code) for row in rows}


def push_of(raw: dict[str, Any]) -> ErpPush:
    """The ERP push of a raw order, as it stands in the database."""
    return ErpPush.objects.select_related("order").get(order__dsco_order_id=str(raw["dscoOrderId"]))


def map_everything(sandbox: Sandbox, without_skus: tuple[str, ...] = ()) -> None:
    """Furnish the sandbox's ERP for its present orders and load the mappings that fit."""
    save_mappings(MappingFile(**connect(sandbox, without_skus=without_skus)))

"""Bodies and raw objects that the tests of the DSCO client share; all invented."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.dsco.schemas import (
    AcknowledgeItem,
    CancelItems,
    CancelLine,
    InventoryItem,
    InventoryWarehouse,
    InvoiceBody,
    InvoiceLine,
    InvoiceShip,
    ShipmentLine,
    ShipmentPackage,
    ShipmentReport,
)

SHIPPED_AT = datetime(2026, 3, 1, 18, 20, tzinfo=UTC)
ACCEPTED = {"status": "pending", "requestId": "request-1", "eventDate": "2026-03-01T09:00:00Z", "messages": []}
DONE = {"success": True}
REFUSED = {
    "status": "failure",
    "requestId": "request-9",
    "eventDate": "2026-03-01T09:00:00Z",
    "messages": [
        {"code": "note", "severity": "info", "description": "looked at"},
        {"code": "VALIDATION_FAILED", "severity": "error", "description": ["Ship carrier is required", "sku too"]},
    ],
}

ACKNOWLEDGEMENT = AcknowledgeItem(dsco_order_id="9100000001", supplier_order_number="103700000000000001")
SHIPMENT = ShipmentReport(
    dsco_order_id="9100000001",
    shipments=[
        ShipmentPackage(
            tracking_number="1Z999",
            ship_date=SHIPPED_AT,
            ship_carrier="FedEx",
            ship_method="Home Delivery",
            shipping_service_level_code="FEHD",
            warehouse_code="WH-CA",
            currency_code="USD",
            line_items=[
                ShipmentLine(
                    line_number=1,
                    quantity=3,
                    dsco_item_id="700000001",
                    sku="SKU-A",
                    partner_sku="RET-111",
                    upc="012345678905",
                    ean="4006381333931",
                    package_span_flag=True,
                )
            ],
        )
    ],
)
CANCELLATION = CancelItems(
    dsco_order_id="9100000003",
    line_items=[
        CancelLine(
            line_number=1,
            dsco_item_id="700000003",
            sku="SKU-C",
            partner_sku="RET-333",
            cancelled_quantity=1,
            cancel_code="CXSC",
            cancelled_reason="the retailer asked for it",
        )
    ],
)
INVOICE = InvoiceBody(
    invoice_id="PO-1002",
    dsco_order_id="9100000002",
    invoice_date=SHIPPED_AT,
    currency_code="USD",
    total_amount=Decimal("37.47"),
    line_items_subtotal=Decimal("37.47"),
    number_of_line_items=1,
    ship=InvoiceShip(
        date=SHIPPED_AT,
        tracking_number="1Z999",
        carrier="FedEx",
        method="Home Delivery",
        service_level_code="FEHD",
        warehouse_code="WH-CA",
    ),
    line_items=[
        InvoiceLine(
            line_number=1,
            dsco_item_id="700000001",
            sku="SKU-A",
            partner_sku="RET-111",
            upc="012345678905",
            ean="4006381333931",
            quantity=3,
            unit_price=Decimal("12.49"),
            extended_amount=Decimal("37.47"),
            subtotal=Decimal("37.47"),
            tracking_number="1Z999",
        )
    ],
)
STOCK = InventoryItem(
    sku="SKU-A",
    status="in-stock",
    warehouses=[InventoryWarehouse(code="WH-CA", quantity=40), InventoryWarehouse(code="WH-NJ", quantity=0)],
    quantity_available=40,
)


def raw_order(**changes: Any) -> dict[str, Any]:
    """A raw order with one line, changed where a test says so."""
    return {
        "dscoOrderId": "9100000001",
        "poNumber": "PO-1001",
        "dscoRetailerId": "1000000001",
        "shipping": {"name": "A Person", "address": ["1 Some Road"], "city": "Town", "region": "CA", "postal": "90000"},
        "lineItems": [{"lineNumber": 1, "quantity": 2, "sku": "SKU-A", "expectedCost": "12.50"}],
        **changes,
    }

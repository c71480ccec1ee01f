"""Invented rows and orders in LingXing's shapes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from integrations.lingxing.schemas import NewErpLine, NewErpOrder


def new_order(number: str = "PO-1", **changes: Any) -> NewErpOrder:
    fields: dict[str, Any] = {
        "platform_order_no": number,
        "receiver_name": "Ada Example",
        "receiver_country_code": "US",
        "city": "Springfield",
        "address_line1": "1 Nowhere Road",
        "items": [NewErpLine(msku="SKU-A", quantity=2, unit_price=Decimal("12.5"))],
    }
    return NewErpOrder(**fields | changes)


def full_order(number: str = "PO-FULL") -> NewErpOrder:
    """An order with every member filled."""
    return new_order(
        number,
        address_line2="Unit 4",
        address_line3="Rear",
        state_or_region="CA",
        postal_code="90000",
        district="West",
        receiver_mobile="555-0100",
        buyer_email="ada@example.com",
        buyer_name="Ada",
        receiver_company_name="Example",
        address_type=1,
        amount_currency="USD",
        wid="50",
        logistics_type_id="825",
        global_purchase_time=1763561100,
        remark="Ring twice\nplease",
        items=[
            NewErpLine(sku="LX-A", msku="SKU-A", quantity=1, unit_price=Decimal("0")),
            NewErpLine(sku="LX-B", quantity=3, unit_price=Decimal("1.005")),
        ],
    )


def order_row(number: Any = "103664089112657920", platform: str = "PO-1", /, **changes: Any) -> dict[str, Any]:
    row = {
        "global_order_no": number,
        "store_id": "110000000000000001",
        "status": 5,
        "split_type": "1",
        "update_time": "1763690000",
        "platform_info": [{"platform_order_no": platform}],
        "item_info": [{"msku": "SKU-A", "local_sku": "LX-A", "quantity": "2", "platform_order_no": platform}],
        "logistics_info": {"status": 2, "tracking_no": " TRACK1 ", "logistics_type_id": "825"},
    }
    return row | changes


def outbound_row(number: str = "WO-1", /, **changes: Any) -> dict[str, Any]:
    row = {
        "wo_number": number,
        "order_number": "103664089112657920",
        "platform_order_no": ["PO-1"],
        "status": 3,
        "tracking_no": "TRACK1",
        "delivered_at": "2025-11-22 02:20:00",
        "product_info": [{"sku": "LX-A", "seller_sku": "SKU-A", "count": "2", "bundle_type": 0}],
    }
    return row | changes


def stock_row(sku: str = "LX-A", /, **changes: Any) -> dict[str, Any]:
    row = {"wid": 50, "sku": sku, "seller_id": "0", "product_total": 5, "product_valid_num": 4, "product_lock_num": 1}
    return row | {"third_inventory": []} | changes

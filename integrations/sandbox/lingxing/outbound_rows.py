"""Builds outbound orders (one package each) as wmsOrderList carries them, and renders them with loose types."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from .answers import LooseTypes, moment_text
from .catalogue import Catalogue

Row = dict[str, Any]

STATUS_NAMES = {1: "物流下单", 2: "发货中", 3: "已发货", 4: "已删除"}
LOGISTICS_NAMES = {2: "物流待下单", 5: "已下单", 41: "物流取消中", 43: "物流取消完成"}
# The warehouse list and the outbound list number the types differently.
WAREHOUSE_TYPES = {1: 1, 3: 3, 4: 2, 6: 3}
MOMENTS = ("delivered_at", "stock_delivered_at", "surface_print_time", "order_print_time", "platform_payment_time")
BLANK_TEXTS = (
    "batch_no",
    "reference_no",
    "deliver_deadline",
    "package_no",
    "transfer_tracking_no",
    "picker",
    "deliverer",
    "logistics_message",
    "order_buyer_notes",
    "process_sn",
    "surface_file_type",
    "apportion_message",
    "recipient_tax_no",
    "sender_tax_no",
)


def product_rows(order: Row, lines: Mapping[str, int] | None, first_id: int, catalogue: Catalogue) -> list[Row]:
    """The products of a package: the whole order or `lines` (local SKU → units); bundles bring their components."""
    left = dict(lines) if lines is not None else None
    rows: list[Row] = []
    for line in order["item_info"]:
        units = line["quantity"] if left is None else min(line["quantity"], left.get(line["local_sku"], 0))
        if units <= 0:
            continue
        if left is not None:
            left[line["local_sku"]] -= units
        rows.extend(_line_rows(line, units, first_id + len(rows), catalogue))
    # Units beyond the order's lines: a warehouse that packed too much, or something else.
    for sku, units in (left or {}).items():
        if units > 0:
            stray = {**order["item_info"][0], "local_sku": sku, "msku": ""}
            rows.extend(_line_rows(stray, units, first_id + len(rows), catalogue))
    return rows


def _line_rows(line: Row, units: int, first_id: int, catalogue: Catalogue) -> list[Row]:
    product = catalogue.products.get(line["local_sku"])
    components = product.components if product else {}
    header = _product_row(line, line["local_sku"], units, first_id, catalogue)
    if not components:
        return [header]
    rows = [{**header, "bundle_type": 1}]
    for sku, per_bundle in components.items():
        part = _product_row(line, sku, units * per_bundle, first_id + len(rows), catalogue)
        rows.append({**part, "bundle_type": 2, "bundle_wod_id": first_id, "seller_sku": ""})
    return rows


def _product_row(line: Row, sku: str, units: int, wod_id: int, catalogue: Catalogue) -> Row:
    product = catalogue.products.get(sku)
    price = Decimal(line["unit_price_amount"])
    return {
        "wod_id": wod_id,
        "global_item_no": line["global_item_no"],
        "platform_order_no": line["platform_order_no"],
        "product_id": product.product_id if product else 0,
        "sku": sku,
        "stock_sid": "0",
        "stock_seller_name": "",
        "bundle_type": 0,
        "bundle_wod_id": 0,
        "product_name": product.name if product else "",
        "count": units,
        "seller_sku": line["msku"],
        "customization": "",
        "item_unit_price": f"{price:.2f}",
        "item_total_price": f"{price * units:.2f}",
        "currency_code": "$",
        "stock_cost": "0.000000",
        "third_product_name": "",
        "third_product_code": "",
    }


def outbound_row(number: int, order: Row, products: list[Row], now: float, catalogue: Catalogue) -> Row:
    """A new outbound order in status 1 (logistics being ordered), without tracking number."""
    store = catalogue.stores[order["store_id"]]
    warehouse = catalogue.warehouses.get(order["wid"])
    return {
        "wo_id": 6880 + number,
        "wo_number": f"WO{103664100000000000 + number}",
        "sid": store.warehouse_sid,
        "wid": order["wid"],
        "warehouse_type": WAREHOUSE_TYPES[warehouse.type] if warehouse else 1,
        "warehouse_name": warehouse.name if warehouse else "",
        "order_number": order["global_order_no"],
        "order_from": "手工订单",
        **dict.fromkeys(BLANK_TEXTS, ""),
        **dict.fromkeys(MOMENTS, ""),
        "purchase_time": moment_text(order["global_purchase_time"]),
        "payment_time": moment_text(order["global_payment_time"]),
        "waybill_no": "",
        "tracking_no": "",
        "order_type": 2,
        **_status(1, 2),
        "order_customer_service_notes": order["remark"],
        "order_origin_amount": order["transaction_info"][0]["order_total_amount"].lstrip("$"),
        "order_currency_code": order["amount_currency"],
        **_logistics(order, catalogue),
        "is_lock_storage": 1,
        "remark_attachment": "[]",
        "tag_names": [],
        "seller_name": store.name,
        "site_text": "[自定义平台]",
        "platform_name": "Custom",
        "product_info": products,
        "surface_file": {"uri": "", "ext": "", "size": ""},
        "platform_order_no": [info["platform_order_no"] for info in order["platform_info"]],
        "package_delivered_data": [],
        "pkg_weight": "0.000",
        "pkg_weight_unit": "g",
        **_consignee(order["address_info"]),
        "create_at": moment_text(now),
        "update_at": moment_text(now),
    }


def _logistics(order: Row, catalogue: Catalogue) -> Row:
    method = catalogue.logistics_types.get(order["logistics_info"]["logistics_type_id"])
    return {
        "logistics_provider_id": method.provider_id if method else "0",
        "logistics_provider_name": method.provider_name if method else "",
        "logistics_type_id": method.type_id if method else "0",
        "logistics_type_name": method.name if method else "",
    }


def _consignee(address: Row) -> Row:
    return {
        "consignee": address["receiver_name"],
        "consignee_phone": address["receiver_mobile"],
        "consignee_postcode": address["postal_code"],
        "consignee_address": address["address_line1"],
    }


def _status(status: int, logistics_status: int) -> Row:
    return {
        "status": status,
        "status_name": STATUS_NAMES[status],
        "logistics_status": logistics_status,
        "logistics_status_name": LOGISTICS_NAMES[logistics_status],
    }


def with_status(row: Row, status: int, logistics_status: int, now: float, **changes: Any) -> Row:
    """The outbound order in another status, with these other changes."""
    return {**row, **_status(status, logistics_status), "update_at": moment_text(now), **changes}


def render_outbound(row: Row, loose: LooseTypes) -> Row:
    """The row as one answer carries it."""
    loose.next_row()
    return loose.surprise(
        {
            **row,
            **{name: loose.moment(row[name]) for name in MOMENTS},
            "wo_id": loose.number(row["wo_id"]),
            "sid": loose.number(row["sid"]),
            "wid": loose.identifier(row["wid"]),
            "warehouse_type": loose.number(row["warehouse_type"]),
            "order_number": loose.identifier(row["order_number"]),
            "status": loose.number(row["status"]),
            "logistics_status": loose.number(row["logistics_status"]),
            "logistics_provider_id": loose.identifier(row["logistics_provider_id"]),
            "logistics_type_id": loose.identifier(row["logistics_type_id"]),
            "tracking_no": loose.text(row["tracking_no"]),
            "waybill_no": loose.text(row["waybill_no"]),
            "platform_order_no": [loose.identifier(name) for name in row["platform_order_no"]],
            "product_info": [
                {
                    **product,
                    "count": loose.number(product["count"]),
                    "bundle_type": loose.number(product["bundle_type"]),
                    "wod_id": loose.number(product["wod_id"]),
                    "bundle_wod_id": loose.number(product["bundle_wod_id"]),
                    "platform_order_no": loose.identifier(product["platform_order_no"]),
                    "seller_sku": loose.text(product["seller_sku"]),
                }
                for product in row["product_info"]
            ],
        }
    )

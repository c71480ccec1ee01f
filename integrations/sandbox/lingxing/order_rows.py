"""Builds order rows as the order list carries them, and renders them with the vendor's loose types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from .answers import LooseTypes
from .catalogue import Catalogue, Store
from .request_shapes import PERMITTED_ORDER_FIELDS

Row = dict[str, Any]

UNPAIRED_TAG = {"tag_type": "系统处理类型", "tag_no": "3-8", "tag_name": "商品未配对"}
ZERO_AMOUNTS = (
    "wms_outbound_cost_amount",
    "stock_cost_amount",
    "cg_price_amount",
    "shipping_amount",
    "wms_shipping_price_amount",
    "customer_shipping_amount",
    "discount_amount",
    "customer_tip_amount",
    "tax_amount",
    "sales_revenue_amount",
    "transaction_fee_amount",
    "other_amount",
    "cod_amount",
    "gift_wrap_amount",
    "platform_tax_amount",
    "points_granted_amount",
    "other_fee",
)
EPOCHS = (
    "global_purchase_time",
    "global_payment_time",
    "global_review_time",
    "global_distribution_time",
    "global_print_time",
    "global_mark_time",
    "global_delivery_time",
    "global_latest_ship_time",
    "global_cancel_time",
    "update_time",
)


def amount(value: object) -> Decimal:
    """An amount of a request. ValueError when it is no plain number or negative."""
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(str(value)) from error
    if not number.is_finite() or number < 0:
        raise ValueError(str(value))
    return number


def line_row(number: int, sent: Mapping[str, Any], platform_number: str, sku: str, catalogue: Catalogue) -> Row:
    """One order line. `sku` is the local SKU, "" when the store SKU is not paired."""
    price = amount(sent["unit_price"])
    product = catalogue.products.get(sku)
    components = product.components if product else {}
    return {
        "id": str(8745000 + number),
        "global_item_no": str(203664000000000000 + number),
        "platform_order_no": platform_number,
        "order_item_no": sent.get("msku") or sku,
        "item_from_name": "本地",
        "msku": sent.get("msku", ""),
        "local_sku": sku,
        "product_no": "",
        "local_product_name": product.name if product else "",
        "variant_attr": "",
        "unit_price_amount": f"{price:.2f}",
        "item_price_amount": f"{price * sent['quantity']:.2f}",
        "quantity": sent["quantity"],
        "remark": "",
        "platform_status": "",
        "type": "产品",
        "is_bundled": 1 if components else 0,
        "sub_products": [{"sku": part, "qty": units * sent["quantity"]} for part, units in components.items()],
        "title": "Sandbox product",
        "stockCost": None,
        "customized_url": None,
        "platform_subsidy_amount": "",
        **dict.fromkeys(ZERO_AMOUNTS, "0.00"),
    }


def with_quantity(line: Row, quantity: int) -> Row:
    """The same line with another quantity."""
    before = line["quantity"]
    parts = [{**part, "qty": part["qty"] // before * quantity} for part in line["sub_products"]]
    price = Decimal(line["unit_price_amount"])
    return {**line, "quantity": quantity, "item_price_amount": f"{price * quantity:.2f}", "sub_products": parts}


def order_row(
    number: str, sent: Mapping[str, Any], lines: Sequence[Row], store: Store, now: float, granted: bool
) -> Row:
    """A new order in status 4. Without the permission (`granted`) state, postal code and phone are lost."""
    extra = {name: sent.get(name, "") if granted else "" for name in PERMITTED_ORDER_FIELDS}
    purchased = int(sent.get("global_purchase_time") or now)
    total = sum((Decimal(line["item_price_amount"]) for line in lines), Decimal(0))
    return {
        "global_order_no": number,
        "store_id": store.store_id,
        "order_from_name": "手工订单",
        "delivery_type": 2,
        "split_type": 1,
        "status": 4,
        **dict.fromkeys(EPOCHS, 0),
        "global_purchase_time": purchased,
        "global_payment_time": int(sent.get("global_payment_time") or purchased),
        "amount_currency": sent.get("amount_currency") or store.currency,
        "remark": sent.get("remark", ""),
        "reference_no": "",
        "supplier_id": None,
        "order_tag": [] if all(line["local_sku"] for line in lines) else [UNPAIRED_TAG],
        "exception_order_tag": [],
        "pending_order_tag": [],
        "wid": sent.get("wid") or "0",
        "item_info": list(lines),
        "platform_info": [_platform_info(sent, store, purchased)],
        "logistics_info": _logistics_info(sent.get("logistics_type_id", "")),
        "transaction_info": [_transaction(total)],
        "original_global_order_no": None,
        "customer_shipping_list": None,
        "is_delete": 0,
        "address_info": _address(sent, extra),
        "buyers_info": {
            "buyer_no": "",
            "buyer_email": extra["buyer_email"],
            "buyer_name": extra["buyer_name"],
            "buyer_note": sent.get("buyer_note", ""),
        },
    }


def _platform_info(sent: Mapping[str, Any], store: Store, purchased: int) -> Row:
    return {
        "order_from": "手工订单",
        "platform_order_no": sent["platform_order_no"],
        "platform_order_name": sent["platform_order_no"],
        "platform_code": str(store.platform_code),
        "store_Country_code": sent["receiver_country_code"],
        "status": "",
        "payment_status": "",
        "shipping_status": "",
        "purchase_time": purchased,
        "payment_time": purchased,
        "latest_ship_time": 0,
        "cancel_time": 0,
        "delivery_time": 0,
    }


def _logistics_info(type_id: str) -> Row:
    blank_texts = ("logistics_type_name", "logistics_provider_id", "logistics_provider_name", "actual_carrier")
    return {
        "status": 0,
        "logistics_type_id": type_id,
        **dict.fromkeys(blank_texts, ""),
        **dict.fromkeys(("waybill_no", "tracking_no", "mark_no"), ""),
        **dict.fromkeys(("pre_pkg_length", "pre_pkg_width", "pre_pkg_height"), "0.00"),
        "pre_weight": 0.0,
        "weight": 0.0,
        "weight_unit": "",
        "cost_currency_code": "",
        "pre_cost_amount": "-￥0.00",
        "cost_amount": "0",
        "logistics_time": 0,
    }


def _transaction(total: Decimal) -> Row:
    return {
        "order_item_amount": f"${total:.2f}",
        "order_total_amount": f"${total:.2f}",
        "customer_shipping_amount": "$0.00",
        "discount_amount": "$0.00",
        "transaction_fee_amount": "￥-0.00",
        "pre_cost_amount": "-￥0.00",
    }


def _address(sent: Mapping[str, Any], extra: Mapping[str, str]) -> Row:
    names = ("state_or_region", "postal_code", "district", "doorplate_no", "address_line2", "address_line3")
    return {
        "receiver_name": sent["receiver_name"],
        "receiver_mobile": extra["receiver_mobile"],
        "receiver_tel": "",
        "receiver_country_code": sent["receiver_country_code"],
        "city": sent["city"],
        "address_line1": sent["address_line1"],
        "company_name": sent.get("receiver_company_name", ""),
        **{name: extra[name] for name in names},
    }


def render_order(row: Row, loose: LooseTypes) -> Row:
    """The row as one answer carries it."""
    loose.next_row()
    logistics = row["logistics_info"]
    return loose.surprise(
        {
            **row,
            **{name: loose.epoch(row[name]) for name in EPOCHS},
            "global_order_no": loose.identifier(row["global_order_no"]),
            "status": loose.number(row["status"]),
            "split_type": loose.number(row["split_type"]),
            "delivery_type": loose.number(row["delivery_type"]),
            "is_delete": loose.number(row["is_delete"]),
            "store_id": loose.identifier(row["store_id"]),
            "wid": loose.identifier(row["wid"]),
            "remark": loose.text(row["remark"]),
            "reference_no": loose.text(row["reference_no"]),
            "item_info": [_render_line(line, loose) for line in row["item_info"]],
            "platform_info": [
                {
                    **info,
                    "platform_order_no": loose.identifier(info["platform_order_no"]),
                    "platform_code": loose.number(int(info["platform_code"])),
                    "cancel_time": loose.epoch(info["cancel_time"]),
                    "delivery_time": loose.epoch(info["delivery_time"]),
                }
                for info in row["platform_info"]
            ],
            "logistics_info": {
                **logistics,
                "status": loose.number(logistics["status"]),
                "tracking_no": loose.text(logistics["tracking_no"]),
                "waybill_no": loose.text(logistics["waybill_no"]),
                "logistics_time": loose.epoch(logistics["logistics_time"]),
            },
        }
    )


def _render_line(line: Row, loose: LooseTypes) -> Row:
    return {
        **line,
        "quantity": loose.number(line["quantity"]),
        "local_sku": loose.text(line["local_sku"]),
        "msku": loose.text(line["msku"]),
        "platform_order_no": loose.identifier(line["platform_order_no"]),
        "is_bundled": loose.number(line["is_bundled"]),
    }

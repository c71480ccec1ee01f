"""The request bodies that LingXing's contract knows, per operation of the stand-in. Anything else is refused."""

from __future__ import annotations

from .shapes import AnyObject, ListOf, Members, Scalar, Shape

TEXT = Scalar((str,))
WHOLE = Scalar((int,))
FLAG = Scalar((bool,))
NUMBER_OR_TEXT = Scalar((int, float, str))
WHOLE_OR_TEXT = Scalar((int, str))
OFFSET = Scalar((int,), minimum=0)
TEXTS = ListOf(TEXT)

ORDER_LINE = Members(
    {
        "sku": TEXT,
        "msku": TEXT,
        "quantity": Scalar((int,), minimum=1),
        "unit_price": NUMBER_OR_TEXT,
        "stock_deduction_type": WHOLE_OR_TEXT,
        "item_custom_fields": AnyObject(),
    },
    frozenset({"quantity", "unit_price"}),
)

LABEL = Members(
    {"tms_waybill_no": TEXT, "tms_tracking_no": TEXT, "file_name": TEXT, "base64File": TEXT},
    frozenset({"tms_waybill_no", "tms_tracking_no", "file_name", "base64File"}),
)

# Members of the vendor's page.
DOCUMENTED_ORDER: dict[str, Shape] = {
    **dict.fromkeys(
        (
            "platform_order_no",
            "site_code",
            "buyer_note",
            "receiver_country_code",
            "wid",
            "remark",
            "logistics_type_id",
            "receiver_name",
            "buyer_choose_express",
            "receiver_company_name",
            "city",
            "address_line1",
            "amount_currency",
            "sender_tax_no",
        ),
        TEXT,
    ),
    **dict.fromkeys(
        (
            "customer_shipping_amount",
            "customer_tax_amount",
            "order_total_amount",
            "global_purchase_time",
            "global_payment_time",
        ),
        NUMBER_OR_TEXT,
    ),
    "address_type": Scalar((int,), choices=(1, 2)),
    "items": ListOf(ORDER_LINE, at_least=1),
    "order_custom_fields": AnyObject(),
    "shipping_info": LABEL,
    "sender_tax_type": Scalar((int,), choices=(1, 2, 3, 4, 5, 7)),
}
# Members that need a permission which LingXing grants on request; without it their values vanish without a word.
PERMITTED_ORDER_FIELDS = (
    "district",
    "state_or_region",
    "postal_code",
    "doorplate_no",
    "address_line2",
    "address_line3",
    "receiver_mobile",
    "buyer_email",
    "buyer_name",
)

NEW_ORDER = Members(
    {**DOCUMENTED_ORDER, **dict.fromkeys(PERMITTED_ORDER_FIELDS, TEXT)},
    frozenset(
        {"platform_order_no", "receiver_country_code", "receiver_name", "city", "address_line1", "items"},
    ),
)

ADDRESS = Members(
    dict.fromkeys(
        (
            "address_line1",
            "address_line2",
            "address_line3",
            "city",
            "district",
            "doorplate_no",
            "postal_code",
            "receiver_company_name",
            "receiver_country_code",
            "receiver_mobile",
            "receiver_name",
            "receiver_tel",
            "state_or_region",
        ),
        TEXT,
    )
)

UPDATED_LINE = Members(
    {
        "mark": TEXT,
        "msku": TEXT,
        "price": NUMBER_OR_TEXT,
        "quantity": WHOLE,
        "sku": TEXT,
        "type": Scalar((int,), choices=(1, 2, 3)),
        "id": TEXT,
        "platformOrderNo": TEXT,
    },
    frozenset({"type"}),
)

UPDATED_ORDER = Members(
    {
        "global_order_no": WHOLE,
        "address_info": ADDRESS,
        "logistics": Members(
            {
                "cod_type": Scalar((str,), choices=("是", "否")),
                "sender_tax_no": TEXT,
                "sender_tax_type": Scalar((str,), choices=("VAT", "CPF", "IOSS", "EORI", "收件人税号")),
            }
        ),
        "order_item_list": ListOf(UPDATED_LINE),
    },
    frozenset({"global_order_no", "order_item_list"}),
)

SPLIT_LINE = Members(
    {
        **dict.fromkeys(("item_id", "quantity", "pid", "platform_order_no"), WHOLE_OR_TEXT),
        "order_item_no": TEXT,
        "msku": TEXT,
    },
    frozenset({"item_id", "quantity", "pid", "order_item_no", "msku", "platform_order_no"}),
)

LIST_ORDERS = Members(
    {
        "offset": OFFSET,
        "length": Scalar((int,), minimum=20, maximum=500),
        "date_type": Scalar(
            (str,),
            choices=(
                "update_time",
                "global_purchase_time",
                "global_delivery_time",
                "global_payment_time",
                "delivery_time",
            ),
        ),
        "start_time": WHOLE,
        "end_time": WHOLE,
        "store_id": TEXTS,
        "platform_code": ListOf(WHOLE_OR_TEXT),
        "platform_order_nos": ListOf(TEXT, at_most=200),
        "platform_order_names": ListOf(TEXT, at_most=200),
        "order_status": Scalar((int,), choices=tuple(range(1, 10))),
        "platform_shipping_status": ListOf(Scalar((str, type(None)))),
        "platform_payment_status": TEXTS,
        "include_delete": FLAG,
    },
    frozenset({"offset", "length"}),
)

OUTBOUND_ORDERS = Members(
    {
        "page": Scalar((int,), minimum=1),
        "page_size": Scalar((int,), minimum=1, maximum=200),
        "sid_arr": ListOf(WHOLE),
        "status_arr": ListOf(Scalar((int,), choices=(1, 2, 3, 4))),
        "logistics_status_arr": ListOf(Scalar((int,), choices=(1, 2, 3, 4, 5, 6, 7, 11, 41, 42, 43))),
        "platform_order_no_arr": TEXTS,
        "order_number_arr": TEXTS,
        "wo_number_arr": TEXTS,
        "time_type": Scalar((str,), choices=("create_at", "delivered_at", "stock_delivered_at", "update_at")),
        "start_date": TEXT,
        "end_date": TEXT,
    }
)

REQUEST_SHAPES: dict[str, Members] = {
    "create_orders": Members(
        {"platform_code": WHOLE, "store_id": TEXT, "orders": ListOf(NEW_ORDER, at_least=1)},
        frozenset({"platform_code", "store_id", "orders"}),
    ),
    "list_orders": LIST_ORDERS,
    "cancel_orders": Members({"order_list": ListOf(TEXT, at_least=1)}, frozenset({"order_list"})),
    "update_order": Members({"order_list": ListOf(UPDATED_ORDER, at_least=1)}, frozenset({"order_list"})),
    "set_remark": Members(
        {
            "orders": ListOf(
                Members(
                    {"global_order_no": TEXT, "remark": TEXT, "remark_is_append": FLAG},
                    frozenset({"global_order_no", "remark"}),
                ),
                at_least=1,
            )
        },
        frozenset({"orders"}),
    ),
    "edit_order": Members(
        {
            "order_list": ListOf(
                Members(
                    {
                        "global_order_no": WHOLE,
                        "logistics": Members(
                            {"logistics_type_id": WHOLE, "sys_wid": WHOLE},
                            frozenset({"logistics_type_id", "sys_wid"}),
                        ),
                    },
                    frozenset({"global_order_no", "logistics"}),
                ),
                at_least=1,
            )
        },
        frozenset({"order_list"}),
    ),
    "split_order": Members(
        {
            "split_mod": Scalar((int,), choices=(1, 2)),
            "global_order_no": TEXT,
            "order_item": ListOf(ListOf(SPLIT_LINE, at_least=1), at_least=2),
        },
        frozenset({"split_mod", "global_order_no", "order_item"}),
    ),
    "outbound_orders": OUTBOUND_ORDERS,
    "intercept_outbound": Members(
        {
            "orderNumbers": ListOf(TEXT, at_least=1),
            "tagType": Scalar((str,), choices=("3-5", "3-17")),
            "orderComment": TEXT,
        },
        frozenset({"orderNumbers", "tagType"}),
    ),
    "inventory_details": Members(
        {"wid": TEXT, "offset": OFFSET, "length": Scalar((int,), minimum=1, maximum=800), "sku": TEXT}
    ),
    "warehouses": Members(
        {
            "type": Scalar((int,), choices=(1, 3, 4, 6)),
            "sub_type": Scalar((int,), choices=(1, 2)),
            "is_delete": WHOLE_OR_TEXT,
            "offset": OFFSET,
            "length": Scalar((int,), minimum=1),
        }
    ),
    "stores": Members(
        {
            "offset": OFFSET,
            "length": Scalar((int,), minimum=1, maximum=200),
            "platform_code": ListOf(WHOLE),
            "is_sync": Scalar((int,), choices=(0, 1)),
            "status": Scalar((int,), choices=(0, 1)),
        }
    ),
    "pairs": Members(
        {
            "length": Scalar((int,), minimum=20),
            "offset": OFFSET,
            "msku": TEXTS,
            "sku": TEXTS,
            "start_time": TEXT,
            "end_time": TEXT,
            "platform_codes": TEXTS,
            "store_ids": TEXTS,
            "use_cursor": FLAG,
            "cursor_id": WHOLE_OR_TEXT,
        }
    ),
    "logistics_types": Members(
        {
            "param": Members(
                {
                    "provider_type": Scalar((int,), choices=(0, 1, 2, 4)),
                    "page": Scalar((int,), minimum=1),
                    "length": Scalar((int,), minimum=1),
                },
                frozenset({"provider_type"}),
            )
        },
        frozenset({"param"}),
    ),
}

"""What each vendor call is for, in the words of staff: every operation of the clients, by vendor."""

from __future__ import annotations

from typing import Final

from .sentences import gettext as _

VENDORS: Final[dict[str, str]] = {"dsco": "DSCO", "lingxing": _("LingXing")}
_TOKEN: Final = _("getting an access token")
_SETTINGS: Final = _("reading the settings")

PURPOSES: Final[dict[str, dict[str, str]]] = {
    "dsco": {
        "acknowledge": _("acknowledging orders"),
        "cancel_items": _("cancelling lines"),
        "create_invoice": _("sending an invoice"),
        "from_settings": _SETTINGS,
        "get_inventory": _("reading the stock of an item"),
        "get_invoices": _("reading invoices"),
        "get_order": _("reading an order"),
        "hello": _("checking the connection"),
        "inventory_batch": _("sending stock"),
        "inventory_log": _("asking what became of the stock sent"),
        "invoice_batch": _("sending invoices"),
        "invoice_log": _("asking what became of the invoices sent"),
        "order_log": _("asking what became of what was sent"),
        "order_pages": _("reading orders"),
        "shipment_batch": _("reporting shipments"),
        "single_shipment": _("reporting a shipment"),
        "token": _TOKEN,
        "update_inventory": _("sending the stock of an item"),
        "warehouse_pages": _("reading the warehouses"),
    },
    "lingxing": {
        "access_token": _TOKEN,
        "cancel_orders": _("cancelling orders"),
        "check_credentials": _("checking the connection"),
        "create_orders": _("creating orders"),
        "from_settings": _SETTINGS,
        "intercept_outbound": _("stopping outbound orders"),
        "inventory_pages": _("reading stock"),
        "logistics_types": _("reading the shipping methods"),
        "order_pages": _("reading orders"),
        "orders_by_platform_numbers": _("looking orders up"),
        "outbound_orders": _("reading outbound orders"),
        "pairs": _("reading the SKU pairs"),
        "refresh_token": _TOKEN,
        "renew_token": _TOKEN,
        "stores": _("reading the stores"),
        "warehouses": _("reading the warehouses"),
    },
}


def purpose(vendor: str, operation: str) -> str:
    """Return what a call is for; a call without words is named as it is."""
    return PURPOSES.get(vendor, {}).get(operation, operation)


def vendor_words(vendor: str) -> str:
    """Return a vendor's name as staff know it."""
    return VENDORS.get(vendor, vendor)


# LingXing's limits belong to an address, not to an operation of our client.
ADDRESSES: Final[dict[str, str]] = {
    "/api/auth-server/oauth/access-token": "access_token",
    "/api/auth-server/oauth/refresh": "refresh_token",
    "/basicOpen/wmsOrder/cancel": "intercept_outbound",
    "/erp/sc/data/local_inventory/warehouse": "warehouses",
    "/erp/sc/routing/data/local_inventory/inventoryDetails": "inventory_pages",
    "/erp/sc/routing/wms/WmsLogistics/listUsedLogisticsType": "logistics_types",
    "/erp/sc/routing/wms/order/wmsOrderList": "outbound_orders",
    "/pb/mp/listing/v2/getPairList": "pairs",
    "/pb/mp/order/v2/cancelOrder": "cancel_orders",
    "/pb/mp/order/v2/create": "create_orders",
    "/pb/mp/order/v2/list": "order_pages",
    "/pb/mp/shop/v2/getSellerList": "stores",
}


def whose_and_what(name: str) -> tuple[str, str]:
    """Return the vendor and the operation of a limit's name: ``dsco:get_order``, ``lingxing:/pb/mp/order/v2/list``."""
    vendor, _colon, operation = name.partition(":")
    return vendor, ADDRESSES.get(operation, operation)

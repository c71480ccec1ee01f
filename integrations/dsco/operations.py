"""The API operations that we use: address, effect and documented limit of each."""

from __future__ import annotations

from dataclasses import dataclass

from ..limits import Rate

# DSCO documents no number for these operations; we assume that a limit exists all the same.
UNDOCUMENTED = Rate(10, 600)


@dataclass(frozen=True, slots=True)
class Operation:
    """One API operation. ``name`` is the client method and the key of its rate limit."""

    name: str
    method: str
    path: str
    rate: Rate = UNDOCUMENTED
    large: str = ""
    """The member that lists large objects, which stay text until they are asked for (``pages.py``)."""

    @property
    def writes(self) -> bool:
        """Whether a lost reply leaves it open what happened at DSCO."""
        return self.method != "GET"


TOKEN = Operation("token", "POST", "/oauth2/token")
HELLO = Operation("hello", "GET", "/hello")

GET_ORDER = Operation("get_order", "GET", "/order/", Rate(10, 500))
ORDER_PAGES = Operation("order_pages", "GET", "/order/page", Rate(10, 500), large="orders")
ORDER_LOG = Operation("order_log", "GET", "/order/log")
ACKNOWLEDGE = Operation("acknowledge", "POST", "/order/acknowledge", Rate(15, 1000))
SINGLE_SHIPMENT = Operation("single_shipment", "POST", "/order/singleShipment", Rate(15, 300))
SHIPMENT_BATCH = Operation("shipment_batch", "POST", "/order/shipment/batch/small")
CANCEL_ITEMS = Operation("cancel_items", "POST", "/order/item/cancel")

GET_INVOICES = Operation("get_invoices", "GET", "/invoice", Rate(15, 1000))
CREATE_INVOICE = Operation("create_invoice", "POST", "/invoice", Rate(15, 1000))
INVOICE_BATCH = Operation("invoice_batch", "POST", "/invoice/batch/small")
INVOICE_LOG = Operation("invoice_log", "GET", "/invoice/log")

GET_INVENTORY = Operation("get_inventory", "GET", "/inventory", Rate(15, 300))
UPDATE_INVENTORY = Operation("update_inventory", "POST", "/inventory/singleItem", Rate(5, 300))
INVENTORY_BATCH = Operation("inventory_batch", "POST", "/inventory/batch/small")
INVENTORY_LOG = Operation("inventory_log", "GET", "/inventory/log")

WAREHOUSE_PAGES = Operation("warehouse_pages", "GET", "/warehouse/page")

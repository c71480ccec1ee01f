"""Tables of the order business."""

from .deliveries import Acknowledgement, Cancellation, CancellationAction, ErpPush, Invoice, Shipment
from .erp import ErpOrder, ErpStatus, OrderErpLink, Package, PackageLine
from .mappings import ShippingMapping, Store, StoreMapping
from .order import DEADLINE_STAGES, OPEN_STAGES, EventKind, Order, OrderEvent, OrderLine, OrderVersion, Stage
from .policies import InvoiceTiming, Mode, RetailerPolicy

__all__ = [
    "DEADLINE_STAGES",
    "OPEN_STAGES",
    "Acknowledgement",
    "Cancellation",
    "CancellationAction",
    "ErpOrder",
    "ErpPush",
    "ErpStatus",
    "EventKind",
    "Invoice",
    "InvoiceTiming",
    "Mode",
    "Order",
    "OrderErpLink",
    "OrderEvent",
    "OrderLine",
    "OrderVersion",
    "Package",
    "PackageLine",
    "RetailerPolicy",
    "Shipment",
    "ShippingMapping",
    "Stage",
    "Store",
    "StoreMapping",
]

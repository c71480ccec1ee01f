"""Tables of the order business."""

from .deliveries import Acknowledgement, Cancellation, CancellationAction, ErpPush, Invoice, Shipment
from .erp import ErpOrder, ErpStatus, OrderErpLink, Package, PackageLine
from .mappings import ShippingMapping, Store, StoreMapping
from .order import DEADLINE_STAGES, OPEN_STAGES, EventKind, Order, OrderEvent, OrderLine, OrderVersion, Stage
from .policies import InvoiceTiming, Mode, RetailerPolicy
from .reconciliation import DifferenceKind, Discrepancy, Reconciliation, Source

__all__ = [
    "DEADLINE_STAGES",
    "OPEN_STAGES",
    "Acknowledgement",
    "Cancellation",
    "CancellationAction",
    "DifferenceKind",
    "Discrepancy",
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
    "Reconciliation",
    "RetailerPolicy",
    "Shipment",
    "ShippingMapping",
    "Source",
    "Stage",
    "Store",
    "StoreMapping",
]

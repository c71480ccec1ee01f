"""Tables of the order business."""

from .cancelling import CancellationPause, PauseOutcome
from .deliveries import Acknowledgement, Cancellation, CancellationAction, ErpPush, Invoice, Shipment
from .erp import ErpOrder, ErpStatus, OrderErpLink, Package, PackageLine
from .invoicing import InvoiceDocument
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
    "CancellationPause",
    "DifferenceKind",
    "Discrepancy",
    "ErpOrder",
    "ErpPush",
    "ErpStatus",
    "EventKind",
    "Invoice",
    "InvoiceDocument",
    "InvoiceTiming",
    "Mode",
    "Order",
    "OrderErpLink",
    "OrderEvent",
    "OrderLine",
    "OrderVersion",
    "Package",
    "PackageLine",
    "PauseOutcome",
    "Reconciliation",
    "RetailerPolicy",
    "Shipment",
    "ShippingMapping",
    "Source",
    "Stage",
    "Store",
    "StoreMapping",
]

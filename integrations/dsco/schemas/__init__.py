"""What goes to DSCO and comes from it, typed. Inbound is tolerant, outbound is strict."""

from ..messages import storable
from .acknowledgements import AcknowledgeItem, CancelItems, CancelLine
from .inventory import InventoryItem, InventoryWarehouse, StockStatus
from .invoices import InvoiceBody, InvoiceLine, InvoiceShip
from .logs import Accepted, ChangeLog, LogEntry
from .orders import DscoAddress, DscoOrder, DscoOrderLine, DscoPackage, DscoPackageLine, UnreadableOrder
from .shipments import ShipmentLine, ShipmentPackage, ShipmentReport

__all__ = [
    "Accepted",
    "AcknowledgeItem",
    "CancelItems",
    "CancelLine",
    "ChangeLog",
    "DscoAddress",
    "DscoOrder",
    "DscoOrderLine",
    "DscoPackage",
    "DscoPackageLine",
    "InventoryItem",
    "InventoryWarehouse",
    "InvoiceBody",
    "InvoiceLine",
    "InvoiceShip",
    "LogEntry",
    "ShipmentLine",
    "ShipmentPackage",
    "ShipmentReport",
    "StockStatus",
    "UnreadableOrder",
    "storable",
]

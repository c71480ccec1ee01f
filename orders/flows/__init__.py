"""The flows of the order business; importing this package announces them and their kinds of delivery."""

from .. import cancellation_kind
from . import (
    acknowledge_orders,
    apply_cancellations,
    pull_orders,
    push_orders,
    reconcile,
    report_invoices,
    report_shipments,
)

__all__ = [
    "acknowledge_orders",
    "apply_cancellations",
    "cancellation_kind",
    "pull_orders",
    "push_orders",
    "reconcile",
    "report_invoices",
    "report_shipments",
]

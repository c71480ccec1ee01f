"""The trace of one order as data: what ``orderstatus`` prints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from integrations.deliveries.models import Delivery
from integrations.deliveries.references import numbers_in
from integrations.deliveries.states import State

from .models import Acknowledgement, Cancellation, ErpPush, Invoice, Order, OrderErpLink, Shipment

KINDS: tuple[type[ErpPush | Acknowledgement | Shipment | Invoice | Cancellation], ...] = (
    ErpPush, Acknowledgement, Shipment, Invoice, Cancellation,
)  # fmt: skip


def order_status(order: Order) -> dict[str, Any]:
    """Return where the order stands: the fixed members of ``orderstatus --json``; times are ISO 8601 in UTC."""
    rows = [row for model in KINDS for row in model._default_manager.filter(order=order).order_by("pk")]
    return {
        "dsco_order_id": order.dsco_order_id,
        "po_number": order.po_number,
        "stage": str(order.stage),
        "held": order.held,
        "lingxing_order_numbers": _erp_numbers(order),
        "deliveries": [_delivery(row) for row in rows],
    }


def waiting_reasons(order: Order) -> dict[str, str]:
    """Return why each kind of delivery that waits does so: its reason code."""
    rows = [row for model in KINDS for row in model._default_manager.filter(order=order, status=State.WAITING)]
    return {row.KIND: row.reason_code for row in rows if row.reason_code}


def _erp_numbers(order: Order) -> list[str]:
    """The ERP orders that carry the order now; re-shipments are none of them."""
    links = OrderErpLink.objects.filter(order=order, ended_at=None).select_related("erp_order").order_by("pk")
    numbers = [link.erp_order.global_order_no for link in links if not link.erp_order.resend_of]
    return numbers or numbers_in(order.erp_push.remote_reference)


def _delivery(row: Delivery) -> dict[str, Any]:
    return {
        "kind": row.KIND,
        "status": str(row.status),
        "attempts": row.attempts,
        "last_error_code": row.last_error_code,
        "last_error": row.last_error,
        "last_attempt_at": _iso(row.last_attempt_at),
        "next_attempt_at": _iso(row.next_attempt_at),
        "remote_reference": row.remote_reference,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None

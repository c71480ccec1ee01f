"""What the API tells about one order, as plain data. No names and addresses of consumers are in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from integrations.deliveries.models import Delivery
from integrations.deliveries.states import State
from integrations.models import ApiCall, Attempt

from ..models import (
    Acknowledgement,
    Cancellation,
    ErpOrder,
    ErpPush,
    Invoice,
    Order,
    OrderEvent,
    OrderLine,
    Package,
    Shipment,
)
from ..order_story import Story

Facts = dict[str, Any]
STEPS = ("erp_push", "acknowledgement", "shipment", "invoice")
COLUMNS = (
    "dsco_order_id", "po_number", "consumer_order_number", "supplier_order_number", "retailer_id", "retailer_name",
    "order_type", "test_order", "stage", "held", "hold_reason", "held_by", "held_at", "dsco_status", "dsco_lifecycle",
    "cancel_requested", "warehouse_code", "service_level", "ship_carrier", "ship_method", "currency",
    "acknowledge_by", "ship_by", "invoice_by", "cancel_after", "dsco_created_at", "dsco_updated_at", "first_seen_at",
    "read_at", "problem",
)  # fmt: skip
DELIVERY_COLUMNS = (
    "key", "status", "reason_code", "attempts", "last_error_code", "last_error", "last_attempt_at", "next_attempt_at",
    "remote_reference", "remote_request_id", "created_at", "changed_at", "finished_at",
)  # fmt: skip


def summary(order: Order, steps: Mapping[str, str | None]) -> Facts:
    """Return the order as lists show it. steps: see ``steps_of``."""
    return {name: getattr(order, name) for name in COLUMNS} | {"steps": steps}


def steps_of(order_ids: Sequence[int]) -> dict[int, dict[str, str | None]]:
    """Return the state of each step of these orders (primary keys): four small queries, however many orders.

    Of several shipments it is that of the first that is not done, else of the last.
    """
    found: dict[int, dict[str, str | None]] = {pk: dict.fromkeys(STEPS) for pk in order_ids}
    for model in (ErpPush, Acknowledgement, Invoice):
        rows = model._default_manager.filter(order__in=order_ids)
        for order_id, status in rows.values_list("order_id", "status"):
            found[order_id][model.KIND] = status
    reports = Shipment.objects.filter(order__in=order_ids).order_by("sequence")
    for order_id, status in reports.values_list("order_id", "status"):
        if found[order_id]["shipment"] in (None, State.SUCCEEDED):
            found[order_id]["shipment"] = status
    return found


def detail(story: Story) -> Facts:
    """Return the order with its lines, ERP orders, packages and deliveries."""
    return summary(story.order, steps_of([story.order.pk])[story.order.pk]) | {
        "lines": [_line(story, line) for line in story.lines],
        "erp_orders": [_erp_order(link.erp_order, ended=link.ended_at is not None) for link in story.links],
        "packages": [package(row, story.lines) for row in story.packages],
        "deliveries": [delivery(row) for row in story.deliveries],
        "missing_mappings": [{"code": one.code, "value": one.value, "message": one.message} for one in story.missing],
    }


def trace(story: Story) -> Facts:
    """Return the detail with everything that happened: attempts with their calls, events. Newest first."""
    return detail(story) | {
        "attempts": [_attempt(attempt, story.calls.get(attempt, [])) for attempt in story.attempts],
        "events": [event(one) for one in story.events],
    }


def delivery(row: Delivery) -> Facts:
    """Return one thing that is owed."""
    return {
        "kind": row.KIND, "id": row.pk,
        "action": row.action if isinstance(row, Cancellation) else None,
        "sequence": row.sequence if isinstance(row, Shipment) else None,
        **{name: getattr(row, name) for name in DELIVERY_COLUMNS},
    }  # fmt: skip


def event(row: OrderEvent) -> Facts:
    """Return something that happened to an order outside its deliveries."""
    return {"kind": row.kind, "at": row.at, "text": row.text, "actor": row.actor}


def money(amount: Decimal | None) -> str | None:
    """Return an amount as text, digit for digit: a JSON number would pass through a float at the reader."""
    return None if amount is None else f"{amount:f}"


def _line(story: Story, line: OrderLine) -> Facts:
    units = story.quantities[line.position]
    return {
        "position": line.position, "line_number": line.line_number, "sku": line.sku, "partner_sku": line.partner_sku,
        "dsco_item_id": line.dsco_item_id, "title": line.title, "erp_sku": story.erp_skus.get(line.position, ""),
        "expected_cost": money(line.expected_cost), "cancel_requested": line.cancel_requested,
        "ordered": units.ordered, "cancelled": units.cancelled, "in_erp": units.in_erp, "packed": units.packed,
        "reported": units.reported, "invoiced": units.invoiced,
    }  # fmt: skip


def _erp_order(row: ErpOrder, *, ended: bool) -> Facts:
    return {
        "number": row.global_order_no, "store_id": row.store_id, "status": row.status,
        "status_name": row.get_status_display() if row.status is not None else "", "deleted": row.deleted,
        "resend_of": row.resend_of, "no_longer_linked": ended, "warehouse_id": row.wid,
        "logistics_type_id": row.logistics_type_id, "tracking_number": row.tracking_no, "read_at": row.read_at,
    }  # fmt: skip


def package(row: Package, lines: Iterable[OrderLine]) -> Facts:
    """Return a package, its lines by their position in the order."""
    positions = {line.pk: line.position for line in lines}
    return {
        "outbound_order": row.wo_number, "erp_order_number": row.global_order_no,
        "tracking_number": row.tracking_number, "shipped": row.shipped, "shipped_at": row.shipped_at,
        "warehouse_id": row.wid, "logistics_type_id": row.logistics_type_id,
        "logistics_name": row.logistics_name, "carrier": row.carrier_name,
        "not_counted_because": row.ignored,
        "lines": [
            {"position": positions.get(one.order_line_id or 0), "erp_sku": one.erp_sku, "quantity": one.quantity}
            for one in row.lines.all()
        ],
    }  # fmt: skip


def _attempt(row: Attempt, calls: Iterable[ApiCall]) -> Facts:
    return {
        "delivery": {"kind": row.kind, "id": row.delivery_id}, "action": row.action, "started_at": row.started_at,
        "duration_ms": row.duration_ms, "outcome": row.outcome, "error_code": row.error_code, "message": row.message,
        "vendor_request_id": row.vendor_request_id, "actor": row.actor, "calls": [_call(call) for call in calls],
    }  # fmt: skip


def _call(call: ApiCall) -> Facts:
    names = ("id", "vendor", "operation", "method", "path", "status", "error", "started_at", "duration_ms")
    return {name: getattr(call, name) for name in names}

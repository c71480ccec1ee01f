"""Bringing orders to the ERP and further, for the tests of the later flows."""

from __future__ import annotations

from typing import Any

from integrations.flows import FlowResult, run_flow
from integrations.sandbox.sandbox import Sandbox
from orders.models import Acknowledgement, Order, Package, Shipment

from .factories import map_everything


def line(sku: str, quantity: int, **members: Any) -> dict[str, Any]:
    """One line for ``sandbox.dsco.add_order``."""
    return {"sku": sku, "quantity": quantity, **members}


def place(sandbox: Sandbox, *lines: dict[str, Any], **fields: Any) -> str:
    """Let a retailer place an order; return its DSCO order id."""
    order = sandbox.dsco.add_order(lines=list(lines) or [line("LAMP", 2)], **fields)
    return str(order["dscoOrderId"])


def run(name: str, *, status: str = "succeeded", order_ids: tuple[str, ...] = ()) -> FlowResult:
    """Run a flow and expect this end of it."""
    result = run_flow(name, order_ids=order_ids)
    assert result.status == status, (result.error_code, result.error)
    return result


def run_in_trouble(name: str) -> FlowResult:
    """Run a flow while a vendor fails: it may end early, but never by a fault of ours."""
    result = run_flow(name)
    assert result.status in ("succeeded", "stopped"), (result.error_code, result.error)
    return result


def pushed(sandbox: Sandbox, *lines: dict[str, Any], **fields: Any) -> str:
    """An order that is in the ERP, not reviewed there yet."""
    order_id = place(sandbox, *lines, **fields)
    push(sandbox)
    return order_id


def push(sandbox: Sandbox) -> None:
    """Bring all placed orders to the ERP."""
    map_everything(sandbox)
    run("pull_orders")
    result = run("push_orders")
    assert not result.counts.get("failed"), result


def acknowledged(sandbox: Sandbox, *lines: dict[str, Any], **fields: Any) -> str:
    """An order that is reviewed in the ERP and acknowledged at DSCO."""
    order_id = pushed(sandbox, *lines, **fields)
    sandbox.lingxing.audit(order_id)
    run("acknowledge_orders")
    assert acknowledgement_of(order_id).status == "succeeded"
    return order_id


def order_of(order_id: str) -> Order:
    """The stored order."""
    return Order.objects.get(dsco_order_id=order_id)


def acknowledgement_of(order_id: str) -> Acknowledgement:
    """The order's acknowledgement as it stands in the database."""
    return Acknowledgement.objects.get(order__dsco_order_id=order_id)


def shipment_of(order_id: str) -> Shipment:
    """The order's shipment as it stands in the database."""
    return Shipment.objects.get(order__dsco_order_id=order_id)


def packages_of(order_id: str) -> list[Package]:
    """The order's packages as they stand in the database."""
    return list(Package.objects.filter(order__dsco_order_id=order_id).prefetch_related("lines"))

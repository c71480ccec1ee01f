"""How many units of each line have come how far: ordered, in the ERP, packed, reported, invoiced, cancelled. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.deliveries.states import State

from .invoices import packages_of, shipped_by_report
from .models import ErpOrder, ErpPush, Invoice, Order, OrderLine, Package, Shipment

TOLD = (State.SUCCEEDED, State.ACCEPTED)


@dataclass(slots=True)
class LineQuantities:
    """Units of one line."""

    ordered: int
    in_erp: int
    packed: int
    reported: int
    invoiced: int
    cancelled: int


def line_quantities(
    order: Order, lines: Sequence[OrderLine], erp_orders: Iterable[ErpOrder], packages: Iterable[Package]
) -> dict[int, LineQuantities]:
    """Return the quantities by line position. packages: with their lines; erp_orders: those that carry the order now.

    What is in the ERP is what was pushed and not cancelled since, as long as LingXing has an order that is alive;
    only a live comparison can tell more.
    """
    alive = _is_in_erp(order.erp_push, list(erp_orders))
    packed = _packed(packages)
    reported = _reported(order, order.shipment, lines)
    invoiced = _invoiced(order.invoice, lines)
    return {
        line.position: LineQuantities(
            ordered=line.quantity,
            in_erp=line.open_quantity if alive and line.erp_sku else 0,
            packed=packed[line.pk],
            reported=reported.get(line.position, 0),
            invoiced=invoiced.get(line.position, 0),
            cancelled=line.cancelled_quantity,
        )
        for line in lines
    }


def _is_in_erp(push: ErpPush, erp_orders: Sequence[ErpOrder]) -> bool:
    if push.status != State.SUCCEEDED:
        return False
    return not erp_orders or any(not erp_order.dead for erp_order in erp_orders)


def _packed(packages: Iterable[Package]) -> Counter[int]:
    units: Counter[int] = Counter()
    for package in packages:
        if package.ignored:
            continue
        for line in package.lines.all():
            if line.order_line_id:
                units[line.order_line_id] += line.quantity
    return units


def _reported(order: Order, shipment: Shipment, lines: Sequence[OrderLine]) -> Mapping[int, int]:
    """What our report says; without one (it was reported elsewhere) what DSCO shows."""
    if shipment.status in TOLD and shipment.body:
        return shipped_by_report(packages_of(shipment.body), lines).quantities
    shown = order.payload.get("packages") if isinstance(order.payload, dict) else None
    return shipped_by_report(packages_of(shown if isinstance(shown, list) else []), lines).quantities


def _invoiced(invoice: Invoice, lines: Sequence[OrderLine]) -> Mapping[int, int]:
    """What our invoice says; its lines name items in the same way as packages do."""
    items: Any = invoice.body.get("lineItems") if isinstance(invoice.body, dict) else None
    if invoice.status not in TOLD or not items:
        return {}
    return shipped_by_report(packages_of([{"lineItems": items}]), lines).quantities

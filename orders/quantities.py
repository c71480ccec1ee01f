"""How many units of each line have come how far: ordered, in the ERP, packed, reported, invoiced, cancelled. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .erp_quantities import ErpUnits
from .invoices import packages_of, shipped_by_report
from .models import Invoice, Order, OrderLine, Package
from .reported import TOLD, units_told


@dataclass(slots=True)
class LineQuantities:
    """Units of one line. ``in_erp``: None while LingXing was not read."""

    ordered: int
    in_erp: int | None
    packed: int
    reported: int
    invoiced: int
    cancelled: int

    @property
    def differs_in_erp(self) -> bool:
        """Return whether LingXing holds other units than are to be delivered."""
        return self.in_erp is not None and self.in_erp != self.ordered - self.cancelled


def line_quantities(
    order: Order, lines: Sequence[OrderLine], in_erp: ErpUnits | None, packages: Iterable[Package]
) -> dict[int, LineQuantities]:
    """Return the quantities by line position. packages: with their lines; in_erp: see ``units_in_erp``."""
    packed = _packed(packages)
    reported = units_told(order, lines, order.shipments.all())
    invoiced = _invoiced(order.invoice, lines)
    return {
        line.position: LineQuantities(
            ordered=line.quantity,
            in_erp=None if in_erp is None else in_erp.by_line[line.pk],
            packed=packed[line.pk],
            reported=reported.get(line.position, 0),
            invoiced=invoiced.get(line.position, 0),
            cancelled=line.cancelled_quantity,
        )
        for line in lines
    }


def _packed(packages: Iterable[Package]) -> Counter[int]:
    units: Counter[int] = Counter()
    for package in packages:
        if package.ignored:
            continue
        for line in package.lines.all():
            if line.order_line_id:
                units[line.order_line_id] += line.quantity
    return units


def _invoiced(invoice: Invoice, lines: Sequence[OrderLine]) -> Mapping[int, int]:
    """What our invoice says; its lines name items in the same way as packages do."""
    items: Any = invoice.body.get("lineItems") if isinstance(invoice.body, dict) else None
    if invoice.status not in TOLD or not items:
        return {}
    return shipped_by_report(packages_of([{"lineItems": items}]), lines).quantities

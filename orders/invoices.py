"""What an invoice says: which quantities DSCO shows as shipped, what they cost, under which number. No database here.

Amounts are Decimal throughout. DSCO takes two decimal places, so a unit price is the expected cost to the cent and
the total is, to the cent, the sum of unit price times quantity. Where a cost has fractions of a cent that would
change what a line comes to, a person decides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from typing import Any, Protocol

from integrations.dsco.schemas import DscoOrder, DscoPackage, InvoiceBody, InvoiceLine, InvoiceShip, storable
from integrations.dsco.schemas.orders import DscoPackageLine, UnreadableOrder
from integrations.refusals import CannotDo
from integrations.sentences import gettext as _
from integrations.sentences import joined

from .models import Order, OrderLine
from .package_entries import one_for_each_number


class Named(Protocol):
    """What DSCO's invoices can name an order by."""

    @property
    def dsco_order_id(self) -> str:
        """DSCO's id."""

    @property
    def po_number(self) -> str:
        """The retailer's number."""

    @property
    def retailer_id(self) -> str:
        """The retailer."""


CENT = Decimal("0.01")
LONGEST_NUMBER = 120
IDENTIFIERS = ("dsco_item_id", "sku", "partner_sku", "upc", "ean")


class Coverage(Enum):
    """How much of what is owed DSCO shows as shipped."""

    NOTHING = "nothing"
    PART = "part"
    FULL = "full"
    MORE = "more"


class CannotInvoice(CannotDo):
    """A body cannot be composed; ``code`` and the message are for staff."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """What left for an order: units by line position, the packages, and how that compares with what is owed."""

    quantities: Mapping[int, int]
    packages: Sequence[DscoPackage]
    coverage: Coverage


def to_cents(amount: Decimal) -> Decimal:
    """Return an amount rounded to the cent, halves upwards."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


# --- What was shipped ---------------------------------------------------------------------------------


def packages_of(shipments: Any) -> list[DscoPackage]:
    """Read a stored list of DSCO shipments; what is no object is left out."""
    return [DscoPackage.model_validate(item) for item in shipments or [] if isinstance(item, dict)]


def shipped_by_report(packages: Sequence[DscoPackage], lines: Sequence[OrderLine]) -> Shipped:
    """Return what our own report says, once DSCO has confirmed that it has it."""
    whole = one_for_each_number(packages)
    return _shipped(_units(whole, lines), whole, lines)


def shipped_at_dsco(payload: Mapping[str, Any], lines: Sequence[OrderLine]) -> Shipped:
    """Return what DSCO's own order shows: its shipped quantities, else its packages, one for each tracking number."""
    try:
        order = DscoOrder.parse(payload)
    except UnreadableOrder:
        return Shipped({}, [], Coverage.NOTHING)
    listed = sum(item.quantity for package in order.packages for item in package.line_items)
    all_meant = listed <= sum(raw.shipped_quantity or 0 for raw in order.line_items)
    packages = one_for_each_number(order.packages, copies_count=all_meant)
    quantities = _units(packages, lines)
    for line, raw in zip(lines, order.line_items, strict=False):
        if raw.shipped_quantity:
            quantities[line.position] = raw.shipped_quantity
    return _shipped(quantities, packages, lines)


def _shipped(quantities: Mapping[int, int], packages: Sequence[DscoPackage], lines: Sequence[OrderLine]) -> Shipped:
    found = {position: units for position, units in quantities.items() if units}
    open_quantities = {line.position: line.open_quantity for line in lines}
    missing = any(found.get(position, 0) < units for position, units in open_quantities.items())
    if not found:
        coverage = Coverage.NOTHING
    elif any(units > open_quantities.get(position, 0) for position, units in found.items()):
        coverage = Coverage.MORE
    else:
        coverage = Coverage.PART if missing else Coverage.FULL
    return Shipped(found, list(packages), coverage)


def _units(packages: Iterable[DscoPackage], lines: Sequence[OrderLine]) -> Counter[int]:
    """Units by line position."""
    units: Counter[int] = Counter()
    for item in (item for package in packages for item in package.line_items):
        _add(units, item, lines)
    return units


def _add(units: Counter[int], item: DscoPackageLine, lines: Sequence[OrderLine]) -> None:
    """Count a package line; without a line number the lines with the same item are filled in their order."""
    left = item.quantity
    matching = matching_lines(item, lines)
    for line in matching:
        taken = left if line is matching[-1] else min(left, max(line.quantity - units[line.position], 0))
        units[line.position] += taken
        left -= taken


def matching_lines(item: DscoPackageLine, lines: Sequence[OrderLine]) -> list[OrderLine]:
    """Return the order lines that a package line can mean: by the first identifier they share, then by line number."""
    for name in IDENTIFIERS:
        value = getattr(item, name)
        same = [line for line in lines if value and getattr(line, name) == value]
        if same:
            numbered = [line for line in same if item.line_number is not None and line.line_number == item.line_number]
            return numbered or same
    return []


# --- What it costs ------------------------------------------------------------------------------------


def compose(
    order: Order,
    lines: Sequence[OrderLine],
    shipped: Shipped,
    *,
    invoice_id: str,
    invoiced_at: datetime,
    accept_rounding: bool = False,
) -> InvoiceBody:
    """Return the invoice for what was shipped, at expected cost.

    invoiced_at: aware. accept_rounding: a person has agreed that a cost with fractions of a cent is rounded.
    Raises CannotInvoice for a line without expected cost, or with such a cost, or when nothing is left to invoice.
    """
    invoiced = [(line, shipped.quantities[line.position]) for line in lines if shipped.quantities.get(line.position)]
    if not invoiced:
        raise CannotInvoice("nothing_to_invoice", _("Nothing of this order was shipped: there is nothing to invoice."))
    _check_costs(invoiced, accept_rounding)
    tracking = _tracking_by_position(shipped.packages, lines)
    items = [_line(line, quantity, tracking.get(line.position, set())) for line, quantity in invoiced]
    total = sum((item.subtotal for item in items if item.subtotal is not None), Decimal("0.00"))
    return InvoiceBody(
        invoice_id=invoice_id,
        dsco_order_id=order.dsco_order_id,
        invoice_date=invoiced_at,
        currency_code=order.currency or None,
        total_amount=total,
        line_items_subtotal=total,
        number_of_line_items=len(items),
        ship=_ship(shipped.packages),
        line_items=items,
    )


def _check_costs(invoiced: Sequence[tuple[OrderLine, int]], accept_rounding: bool) -> None:
    missing = [line for line, _quantity in invoiced if line.expected_cost is None]
    if missing:
        raise CannotInvoice(
            "missing_cost",
            _(
                "DSCO gave no expected cost for {lines}. Ask the retailer to add it to the order, wait for the next"
                " pull and retry; or invoice in the DSCO portal and mark this invoice as done."
            ).format(lines=_names(missing)),
        )
    fractions = [line for line, quantity in invoiced if _changes_by_rounding(line.expected_cost, quantity)]
    if fractions and not accept_rounding:
        raise CannotInvoice(
            "fraction_of_a_cent",
            _(
                "The expected cost of {lines} has fractions of a cent, but DSCO takes unit prices to the cent, which"
                " changes the amount. Retry to invoice at the rounded price, or invoice in the DSCO portal and mark"
                " this invoice as done."
            ).format(lines=_names(fractions)),
        )


def _changes_by_rounding(cost: Decimal | None, quantity: int) -> bool:
    return cost is not None and to_cents(cost) * quantity != to_cents(cost * quantity)


def _names(lines: Sequence[OrderLine]) -> str:
    named = (
        _("line {number} ({sku})").format(number=line.line_number or line.position + 1, sku=_item_name(line))
        for line in lines
    )
    return joined(named, ", ")


def _item_name(line: OrderLine) -> str:
    return line.sku or line.partner_sku or line.dsco_item_id


def _line(line: OrderLine, quantity: int, tracking: set[str]) -> InvoiceLine:
    unit_price = to_cents(line.expected_cost or Decimal(0))
    amount = unit_price * quantity
    return InvoiceLine(
        **line.identity(),
        quantity=quantity,
        unit_price=unit_price,
        extended_amount=amount,
        subtotal=amount,
        tracking_number=next(iter(tracking)) if len(tracking) == 1 else None,
    )


def _tracking_by_position(packages: Sequence[DscoPackage], lines: Sequence[OrderLine]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for package in packages:
        for position, units in _units([package], lines).items():
            if package.tracking_number and units:
                found[position].add(package.tracking_number)
    return found


def _ship(packages: Sequence[DscoPackage]) -> InvoiceShip | None:
    """How the goods went: what all packages have in common, and the day on which the last one left."""
    dates = [package.ship_date for package in packages if package.ship_date]
    ship = InvoiceShip(
        date=max(dates) if dates else None,
        tracking_number=_common(package.tracking_number for package in packages),
        carrier=_common(package.ship_carrier for package in packages),
        method=_common(package.ship_method for package in packages),
        service_level_code=_common(package.shipping_service_level_code for package in packages),
        warehouse_code=_common(package.warehouse_code for package in packages),
    )
    return ship if ship.model_dump(exclude_none=True) else None


def _common(values: Iterable[str | None]) -> str | None:
    found = set(values)
    return found.pop() if len(found) == 1 else None


# --- Its number, and how it is stored -----------------------------------------------------------------


def base_number(order: Order) -> str:
    """Return the number that the order's invoice would like to have: the PO number, else DSCO's order id."""
    return order.po_number.strip() or order.dsco_order_id


def numbers_after(base: str, current: str = "") -> Iterable[str]:
    """Yield the numbers to try, in order: the base, then base-2, base-3 …; with ``current`` only those after it."""
    if not current:
        yield base
    tail = current.rpartition("-")[2]
    number = int(tail) if tail.isdecimal() and current == _numbered(base, int(tail)) else 1
    while True:
        number += 1
        yield _numbered(base, number)


def _numbered(base: str, number: int) -> str:
    """Return the base with a number after it; a very long one gives way to that, so that it fits its column."""
    suffix = f"-{number}"
    return base[: LONGEST_NUMBER - len(suffix)] + suffix


def stored(body: InvoiceBody) -> dict[str, Any]:
    """Return the body as it is kept in a JSON column: amounts as text, digit for digit."""
    plain: dict[str, Any] = storable(body.model_dump(by_alias=True, exclude_none=True))
    return plain


def is_outdated(body: Mapping[str, Any], lines: Sequence[OrderLine]) -> bool:
    """Return whether the order has changed since the body was composed: a line is gone, costs something else, or has
    fewer units still owed.

    Of lines that cannot be told apart, no cost must be new, and the units of all of them count.
    """
    invoiced: Counter[tuple[int, ...]] = Counter()
    for raw in body.get("lineItems") or []:
        item = DscoPackageLine.model_validate(raw)
        meant = matching_lines(item, lines)
        if _is_gone(item, meant):
            return True
        if not meant:
            continue
        costs = {to_cents(line.expected_cost) for line in meant if line.expected_cost is not None}
        if costs and _amount(raw.get("unitPrice")) not in costs:
            return True
        places = tuple(line.position for line in meant)
        invoiced[places] += item.quantity
        if invoiced[places] > sum(line.open_quantity for line in meant):
            return True
    return False


def _is_gone(item: DscoPackageLine, meant: Sequence[OrderLine]) -> bool:
    if not meant:
        return any(getattr(item, name) for name in IDENTIFIERS)
    return item.line_number is not None and all(line.line_number not in (None, item.line_number) for line in meant)


def same_total(raw: Mapping[str, Any], body: InvoiceBody) -> bool:
    """Return whether DSCO's raw invoice has the total of this one."""
    return _amount(raw.get("totalAmount")) == to_cents(body.total_amount)


def belongs_to(raw: Mapping[str, Any], order: Named) -> bool | None:
    """Return whether DSCO's raw invoice is for this order; None where it does not say (any one number may name it)."""
    if raw.get("dscoOrderId"):
        return str(raw["dscoOrderId"]) == order.dsco_order_id
    retailer = str(raw.get("dscoRetailerId") or "").strip()
    if retailer and order.retailer_id and retailer != order.retailer_id:
        return False
    named = str(raw.get("poNumber") or "").strip()
    return False if named and order.po_number and named != order.po_number else None


def _amount(value: Any) -> Decimal | None:
    try:
        return to_cents(Decimal(str(value)))
    except ArithmeticError:
        return None

"""The rows of the three-column comparison: what is compared with what, and which cells differ from ours. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from integrations.deliveries.references import numbers_in
from integrations.dsco.schemas import DscoOrder, DscoOrderLine
from integrations.lingxing.schemas import ErpOrderRow, OutboundOrderRow
from integrations.sentences import listed, titled

from .invoices import packages_of, shipped_at_dsco, shipped_by_report
from .models import ErpStatus, Order, OrderLine
from .personal import consignee_of
from .reported import told_body
from .status_dictionary import DSCO_LIFECYCLES, DSCO_STATUSES


@dataclass(slots=True)
class Cell:
    """One value; None means that this side has no such thing or was not read.

    code: what the vendor itself calls the value, where ``text`` says it in our words.
    """

    text: str | None
    differs: bool = False
    code: str = ""


@dataclass(slots=True)
class Row:
    """One fact as each side has it. ``personal``: to be masked for people who may not see the consumer."""

    title: str
    ours: Cell
    dsco: Cell
    lingxing: Cell
    personal: bool = False

    @property
    def cells(self) -> tuple[Cell, Cell, Cell]:
        """Return the cells from left to right."""
        return self.ours, self.dsco, self.lingxing

    @property
    def differs(self) -> bool:
        """Return whether a vendor says something else than we have."""
        return any(cell.differs for cell in self.cells)


@dataclass(slots=True)
class Sides:
    """The three sides; a vendor that could not be read is None."""

    order: Order
    lines: Sequence[OrderLine]
    dsco: DscoOrder | None = None
    erp_orders: Sequence[ErpOrderRow] | None = None
    outbound: Sequence[OutboundOrderRow] = ()
    erp_units: Counter[str] = field(default_factory=Counter)
    shipped_units: Counter[str] = field(default_factory=Counter)

    @property
    def first_erp_order(self) -> ErpOrderRow | None:
        """Return the ERP order that stands for all in what they share (address, store)."""
        return next(iter(self.erp_orders or ()), None)


def compare(sides: Sides) -> list[Row]:
    """Return all rows: numbers, states, dates, lines, tracking numbers, address."""
    return [*_numbers(sides), *_states(sides), *_lines(sides), _tracking(sides), *_address(sides)]


def _row(title: str, ours: Any, dsco: Any = None, lingxing: Any = None, *, personal: bool = False) -> Row:
    cells = [None if value is None else Cell(_text(value)) for value in (ours, dsco, lingxing)]
    reference = cells[0]
    for cell in cells[1:]:
        if cell is not None and reference is not None:
            cell.differs = _plain(cell.text) != _plain(reference.text)
    here, there, erp = (cell or Cell(None) for cell in cells)
    return Row(capfirst(title), here, there, erp, personal)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(sorted(str(item) for item in value if item))
    return str(value).strip()


def _plain(text: str | None) -> str:
    return " ".join((text or "").casefold().split())


def _numbers(sides: Sides) -> list[Row]:
    order, dsco, erp = sides.order, sides.dsco, sides.erp_orders
    push = order.erp_push
    links = order.erp_links.filter(ended_at=None, erp_order__deleted=False).select_related("erp_order")
    numbers = [link.erp_order.global_order_no for link in links if not link.erp_order.resend_of]
    if not numbers:  # LingXing was not read since the push
        numbers = numbers_in(push.remote_reference)
    live = None if erp is None else [row.global_order_no for row in erp if not row.is_deleted]
    platform = None if erp is None else {number for row in erp for number in row.platform_order_nos}
    first = sides.first_erp_order
    return [
        _row(_("DSCO order id"), order.dsco_order_id, dsco and dsco.dsco_order_id),
        _row(_("PO number"), order.po_number, dsco and (dsco.po_number or "")),
        _row(_("platform order number"), push.platform_order_no, None, platform),
        _row(_("ERP order number"), numbers, None, live),
        _row(_("our number at DSCO"), order.supplier_order_number, dsco and (dsco.supplier_order_number or "")),
        _row(_("store"), push.store_id, None, first and first.store_id),
        _row(_("warehouse code"), order.warehouse_code, dsco and _warehouse(dsco)),
        _row(_("service level"), order.service_level, dsco and _service_level(dsco)),
    ]


def _warehouse(dsco: DscoOrder) -> str:
    return dsco.requested_warehouse_code or dsco.ship_warehouse_code or dsco.dsco_warehouse_code or ""


def _service_level(dsco: DscoOrder) -> str:
    return dsco.shipping_service_level_code or dsco.requested_shipping_service_level_code or ""


def _states(sides: Sides) -> list[Row]:
    order, dsco = sides.order, sides.dsco
    stored = [_status(erp.status) for erp in order.erp_orders.all() if not erp.resend_of]
    live = None if sides.erp_orders is None else [_status(row.status) for row in sides.erp_orders]
    status = _row(_("DSCO status"), order.dsco_status, dsco and (dsco.dsco_status or ""))
    lifecycle = _row(_("DSCO lifecycle"), order.dsco_lifecycle, dsco and (dsco.dsco_lifecycle or ""))
    return [
        _in_words(status, {code: label for code, (label, _meaning) in DSCO_STATUSES.items()}),
        _in_words(lifecycle, {code: label for code, (label, _meaning) in DSCO_LIFECYCLES.items()}),
        _row(_("cancellation requested"), order.cancel_requested, None if dsco is None else dsco.cancel_requested),
        _in_words(
            _row(_("status in LingXing"), stored, None, live), {str(each.value): each.label for each in ErpStatus}
        ),
        _row(_("updated at DSCO"), order.dsco_updated_at or "", dsco and (dsco.dsco_last_update or "")),
    ]


def _status(status: int | None) -> str:
    return _("unknown") if status is None else str(status)


def _in_words(row: Row, known: Mapping[str, str | Promise]) -> Row:
    """Say a row's codes in words; what differs was found by the codes."""
    for cell in row.cells:
        codes = (cell.text or "").split(", ")
        if any(code in known for code in codes):
            cell.code = ", ".join(code for code in codes if code in known)
            cell.text = listed(known.get(code, code) for code in codes)
    return row


# --- Lines --------------------------------------------------------------------------------------------


def _lines(sides: Sides) -> Iterable[Row]:
    reported = _reported(sides)
    at_dsco = _shipped_at_dsco(sides)
    shared = Counter(line.erp_sku for line in sides.lines if line.erp_sku)
    ordered, to_deliver, shipped = _("ordered"), _("to deliver"), _("shipped")
    for line in sides.lines:
        item = line.sku or line.partner_sku or line.dsco_item_id
        name = _("line %(number)s, %(sku)s") % {"number": line.line_number or line.position + 1, "sku": item}
        shown = _line_at_dsco(sides, line)
        # LingXing knows units by ERP SKU; where two lines share one, no line's own number exists there.
        in_erp = sides.erp_orders is not None and line.erp_sku and shared[line.erp_sku] == 1
        left = None if shown is None else shown.quantity - shown.cancelled_quantity - shown.rejected_quantity
        yield _row(titled(name, ordered), line.quantity, None if shown is None else shown.quantity)
        yield _row(
            titled(name, to_deliver), line.open_quantity, left, sides.erp_units[line.erp_sku] if in_erp else None
        )
        yield _row(
            titled(name, shipped), reported.get(line.position, 0),
            None if shown is None else at_dsco.get(line.position, 0),
            sides.shipped_units[line.erp_sku] if in_erp else None,
        )  # fmt: skip


def _line_at_dsco(sides: Sides, line: OrderLine) -> DscoOrderLine | None:
    items = sides.dsco.line_items if sides.dsco else []
    return items[line.position] if line.position < len(items) else None


def _reported(sides: Sides) -> dict[int, int]:
    body = told_body(sides.order.shipments.all())
    return dict(shipped_by_report(packages_of(body), sides.lines).quantities)


def _shipped_at_dsco(sides: Sides) -> dict[int, int]:
    if sides.dsco is None:
        return {}
    return dict(shipped_at_dsco(sides.dsco.model_dump(by_alias=True, mode="json"), sides.lines).quantities)


def _tracking(sides: Sides) -> Row:
    ours = {package.tracking_number for package in sides.order.packages.all() if not package.ignored}
    dsco = None if sides.dsco is None else {package.tracking_number or "" for package in sides.dsco.packages}
    erp = None if sides.erp_orders is None else {row.tracking_no for row in sides.outbound}
    return _row(_("tracking numbers"), ours, dsco, erp)


# --- The consignee ------------------------------------------------------------------------------------


def _address(sides: Sides) -> list[Row]:
    ours = consignee_of(sides.order.payload)
    dsco = sides.dsco.shipping if sides.dsco else None
    first = sides.first_erp_order
    erp = first.address if first else None
    phone = erp and (erp.receiver_mobile or erp.receiver_tel)
    name, state = pgettext("part of an address", "name"), pgettext("part of an address", "state")
    rows = [
        (name, ours.full_name, dsco and dsco.full_name, erp and erp.receiver_name, True),
        (
            _("street"), " ".join(ours.address_lines), dsco and " ".join(dsco.address_lines),
            erp and " ".join(filter(None, (erp.address_line1, erp.address_line2, erp.address_line3))), True,
        ),
        (_("city"), ours.city or "", dsco and (dsco.city or ""), erp and erp.city, False),
        (state, ours.region_or_state, dsco and dsco.region_or_state, erp and erp.state_or_region, False),
        (_("postal code"), ours.postal or "", dsco and (dsco.postal or ""), erp and erp.postal_code, True),
        (_("country"), ours.country or "", dsco and (dsco.country or ""), erp and erp.receiver_country_code, False),
        (_("phone"), ours.phone or "", dsco and (dsco.phone or ""), phone, True),
    ]  # fmt: skip
    return [_row(title, here, there, in_erp, personal=hidden) for title, here, there, in_erp, hidden in rows]

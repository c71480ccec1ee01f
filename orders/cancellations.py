"""What a retailer, or staff of ours, wants cancelled, and what staff are told about it. No database here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from integrations.deliveries.states import State
from integrations.dsco.schemas import CancelItems, CancelLine
from integrations.lingxing.schemas import ErpOrderRow
from integrations.sentences import gettext as _
from integrations.sentences import joined

from .conditions import is_cancelled
from .models import Cancellation, CancellationAction, ErpStatus, Order, OrderLine

# Reason codes that this flow gives and takes back.
CANCEL_REQUESTED = "cancel_requested"
ORDER_CANCELLED = "order_cancelled"
ALREADY_ADJUSTED = "already_adjusted"
WAITING_FOR_ERP = "waiting_for_erp"
WITHDRAWN = "withdrawn"
WITHDRAWN_TOO_LATE = "withdrawn_too_late"
# A person skipped the row: the request is refused.
REFUSED = "staff"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the retailer (or staff) wants cancelled.

    whole: nothing of the order is wanted any more; settled: DSCO has cancelled it already, so nothing is to be
    confirmed; asked: units by line that are requested but not cancelled yet; reduced: units by line that must not
    be shipped, cancelled or asked. Both as stored on a Cancellation: ``[{"position": 0, "quantity": 1}]``.
    """

    whole: bool
    settled: bool
    asked: list[dict[str, int]] = field(default_factory=list)
    reduced: list[dict[str, int]] = field(default_factory=list)


def wish_of(order: Order, lines: Sequence[OrderLine], rows: Iterable[Cancellation]) -> Wish | None:
    """Return what is to be cancelled of the order, or None. rows: its cancellations, for what staff decided."""
    if is_cancelled(order, lines):
        return Wish(whole=True, settled=True)
    open_lines = [line for line in lines if line.open_quantity]
    by_staff = decided_by_staff(rows)
    asked: dict[int, int] = {}
    for line in open_lines:
        if order.cancel_requested or line.cancel_requested:
            asked[line.position] = line.open_quantity
        elif line.position in by_staff:
            asked[line.position] = min(max(by_staff[line.position] - line.cancelled_quantity, 0), line.open_quantity)
    asked = {position: units for position, units in asked.items() if units}
    reduced = {line.position: line.cancelled_quantity for line in lines if line.cancelled_quantity}
    for position, units in asked.items():
        reduced[position] = reduced.get(position, 0) + units
    if not reduced:
        return None
    return Wish(
        whole=all(asked.get(line.position, 0) == line.open_quantity for line in open_lines),
        settled=not asked,
        asked=_stored(asked, by_staff),
        reduced=_stored(reduced),
    )


def decided_by_staff(rows: Iterable[Cancellation]) -> dict[int, int]:
    """Return how many units of each line (by position) are to be cancelled in the end, because staff said so.

    It stands as ``until`` on the lines of the confirmation to DSCO, and counts until that is skipped or closed.
    """
    return {
        int(item["position"]): int(item["until"])
        for row in rows
        if row.action == CancellationAction.DSCO and row.status not in (State.SKIPPED, State.CANCELLED)
        for item in row.lines
        if "until" in item
    }


def goes_beyond(told: Cancellation, wish: Wish, lines: Iterable[OrderLine]) -> bool:
    """Return whether more is wanted than DSCO was told, whether its list shows that already or not.

    Staff cancelled one unit of two and the retailer asks for the other one: then both say "one unit".
    """
    if told.lines != wish.asked:
        return True
    cancelled = {line.position: line.cancelled_quantity for line in lines}
    return any(
        "until" in item and cancelled.get(item["position"], 0) + item["quantity"] > item["until"] for item in told.lines
    )


def _stored(quantities: dict[int, int], until: dict[int, int] | None = None) -> list[dict[str, int]]:
    return [
        {"position": position, "quantity": units} | ({"until": until[position]} if until and position in until else {})
        for position, units in sorted(quantities.items())
    ]


def items_to_cancel(cancellation: Cancellation, lines: Iterable[OrderLine]) -> CancelItems | None:
    """Return the body that confirms a cancellation to DSCO, never more than is asked for now; None when nothing is.

    Where nothing is asked for any more (``withdrawn_text``), never more than is still open.
    """
    order, known = cancellation.order, list(lines)
    wish = wish_of(order, known, order.cancellations.all())
    left = {line.position: line.open_quantity for line in known}
    if wish is not None:
        left = {item["position"]: item["quantity"] for item in wish.asked}
    wanted = {int(item["position"]): item for item in cancellation.lines}
    items = []
    for line in known:
        item = wanted.get(line.position)
        units = min(int(item["quantity"]), left.get(line.position, 0)) if item else 0
        if item and units > 0:
            by_staff = staff_said(item, line, order) is not None
            items.append(_item(line, units, cancellation.cancel_code, by_staff=by_staff))
    return CancelItems(id=order.dsco_order_id, line_items=items) if items else None


def staff_said(item: Mapping[str, int], line: OrderLine, order: Order) -> int | None:
    """Return up to how many units of a line staff cancel, where it is they who do and not the retailer who asks."""
    asked = order.cancel_requested or line.cancel_requested
    return int(item["until"]) if "until" in item and not asked else None


def _item(line: OrderLine, quantity: int, code: str, *, by_staff: bool) -> CancelLine:
    reason = "Cancelled by the supplier" if by_staff else "Cancelled at the retailer's request"
    return CancelLine(
        line_number=line.line_number, dsco_item_id=line.dsco_item_id or None, sku=line.sku or None,
        partner_sku=line.partner_sku or None, upc=line.upc or None, ean=line.ean or None,
        cancelled_quantity=quantity, cancel_code=code, cancelled_reason=reason,
    )  # fmt: skip


# --- What LingXing shows ------------------------------------------------------------------------------


def original_orders(rows: Iterable[ErpOrderRow], store_id: str) -> list[ErpOrderRow]:
    """Return the ERP orders of one store without re-shipments, which are orders of their own."""
    return [
        row
        for row in rows
        if not row.original_global_order_nos and (not store_id or not row.store_id or row.store_id == store_id)
    ]


def is_dead(row: ErpOrderRow) -> bool:
    """Return whether nothing will ever leave the warehouse for this ERP order."""
    return row.is_deleted or row.status == ErpStatus.CANCELLED


def is_adjusted(
    rows: Iterable[ErpOrderRow], number: str, reduced: Sequence[dict[str, int]], lines: Iterable[OrderLine]
) -> bool:
    """Return whether the live ERP orders hold no more units than are still wanted of the reduced lines' SKUs.

    number: the order's platform order number; what a merged ERP order holds of others does not count.
    """
    less = {item["position"]: item["quantity"] for item in reduced}
    wanted: dict[str, int] = {}
    touched = set()
    for line in lines:
        if line.erp_sku:
            units = max(line.quantity - less.get(line.position, 0), 0)
            wanted[line.erp_sku] = wanted.get(line.erp_sku, 0) + units
            touched |= {line.erp_sku} if line.position in less else set()
    held: dict[str, int] = {}
    for row in rows:
        for item in row.items if not is_dead(row) else ():
            if not item.is_deleted and item.platform_order_no in ("", number):
                held[item.local_sku] = held.get(item.local_sku, 0) + item.quantity
    return all(held.get(sku, 0) <= wanted[sku] for sku in touched)


# --- What staff are told ------------------------------------------------------------------------------


def request_text() -> str:
    """A request waits for a person, by the retailer's policy."""
    return _(
        "The retailer asks to cancel, and the policy leaves that to you. Retry this row to accept: the order is stopped"
        " and the cancellation confirmed to DSCO. Skip it to refuse: the order goes on and is shipped."
    )


def after_shipment_text() -> str:
    """The goods have left."""
    return _(
        "The retailer cancelled, but the order has already left the warehouse. Either reject the request in the DSCO"
        " portal and skip this row: the shipment stands. Or recall the parcel, cancel in the DSCO portal, and mark this"
        " row as done."
    )


def merged_text(numbers: Iterable[str]) -> str:
    """The ERP order carries other orders too."""
    return _(
        "In LingXing this order was merged with {others}. Cancelling the ERP order would stop those as well: take this"
        " order out of it in LingXing by hand, then mark this row as done."
    ).format(others=", ".join(sorted(numbers)))


def partly_text(reduced: Sequence[dict[str, int]], lines: Iterable[OrderLine]) -> str:
    """Some units of an order that is in the ERP must not be shipped."""
    by_position = {line.position: line for line in lines}
    parts = (
        _("{quantity} of {sku} (line {number})").format(
            quantity=item["quantity"], sku=line.sku or line.partner_sku, number=line.line_number or line.position + 1
        )
        for item in reduced
        if (line := by_position.get(item["position"]))
    )
    return _(
        "Only a part of the order is cancelled: {parts}. Reduce the order in LingXing by hand, then mark this row as"
        " done; what the retailer only asked for is then confirmed to DSCO. Skip it to refuse."
    ).format(parts=joined(parts, ", "))


def refused_text(words: Iterable[str]) -> str:
    """LingXing would not stop the order."""
    return _(
        "LingXing neither cancelled nor intercepted the order: {words}. Stop it in LingXing by hand and mark this row"
        " as done, or skip it to let the order be shipped."
    ).format(words=joined(dict.fromkeys(words), "; "))


def withdrawn_text() -> str:
    """The request was taken back when the ERP order was already stopped."""
    return _(
        "The request to cancel was taken back or refused too late: LingXing has cancelled the order. Create it again in"
        " LingXing by hand and skip this row, or retry to cancel at DSCO all the same."
    )


def again_text() -> str:
    """A second, different cancellation of the same order."""
    return _(
        "The retailer wants more cancelled than what was already carried out for this order. Do this second step by"
        " hand in LingXing and in the DSCO portal, then retry (ship the rest) or skip this shipment."
    )

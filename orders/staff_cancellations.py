"""Staff cancel lines of an order because we cannot deliver them: the mirror of a retailer's request.

Nothing is called here. The order is stopped at once where nothing was sent, and the rows are made that the flow
``apply_cancellations`` carries out: first LingXing, then DSCO.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from integrations.deliveries.releases import park, release
from integrations.deliveries.states import IN_FLIGHT, State
from integrations.refusals import CannotDo
from integrations.sentences import gettext as _
from integrations.sentences import joined

from . import cancellations as words
from .cancellation_rows import close_following, has_shipped
from .cancellations import CANCEL_REQUESTED, WAITING_FOR_ERP, Wish, wish_of
from .conditions import is_cancelled
from .events import record_events
from .models import OPEN_STAGES, Cancellation, CancellationAction, ErpPush, EventKind, Order, OrderLine
from .policies import policies_for
from .stages import refresh_stages

ERP, DSCO = CancellationAction.ERP, CancellationAction.DSCO
# DSCO's codes for suppliers. A retailer may restrict them: DSCO then refuses, and says so on the row.
CANCEL_CODES: dict[str, str | Promise] = {
    "CXSS": gettext_lazy("out of stock"),
    "CXSD": gettext_lazy("discontinued"),
    "CXSN": gettext_lazy("not enough stock"),
    "CXSB": gettext_lazy("bad address"),
    "CXSI": gettext_lazy("invalid shipping instructions"),
    "CXST": gettext_lazy("cannot ship on time"),
    "CXSC": gettext_lazy("cancelled at the retailer's request"),
    "CXSO": gettext_lazy("other"),
}


class CannotCancel(CannotDo):
    """The lines cannot be cancelled (now); ``code`` and the message say why and what to do."""


def cancel_codes(order: Order) -> dict[str, str | Promise]:
    """Return the codes that staff can choose from for this order, the retailer's usual one included."""
    usual = policies_for([order.retailer_id])[order.retailer_id].cancel_code
    return CANCEL_CODES if usual in CANCEL_CODES else {usual: gettext_lazy("the retailer's own code"), **CANCEL_CODES}


def check_code(order: Order, code: str) -> None:
    """Raise CannotCancel for a code that is none of ``cancel_codes``."""
    if code not in (codes := cancel_codes(order)):
        text = _("Choose one of the cancel codes: %(codes)s.") % {"codes": ", ".join(codes)}
        raise CannotCancel("unknown_code", text)


def why_not(
    order: Order, lines: Iterable[OrderLine], push: ErpPush, rows: Iterable[Cancellation], *, shipped: bool
) -> str:
    """Return why nothing of the order can be cancelled by staff now, in a sentence, or ""."""
    try:
        _check_order(order, list(lines), push, list(rows), shipped=shipped)
    except CannotCancel as reason:
        return str(reason)
    return ""


@transaction.atomic
def cancel_lines(order_id: int, quantities: Mapping[int, int], code: str, reason: str, actor: str) -> None:
    """Cancel units of an order's lines, and keep who did it and why.

    order_id: primary key. quantities: units to cancel now, by line position. code: one of ``cancel_codes``.
    Raises CannotCancel with a sentence for staff; then nothing has changed.
    """
    now = timezone.now()
    order = Order.objects.select_for_update(no_key=True).get(pk=order_id)
    push = ErpPush.objects.select_for_update().get(order=order)
    rows = {row.action: row for row in Cancellation.objects.select_for_update().filter(order=order).order_by("pk")}
    lines = list(order.lines.all())
    _check_order(order, lines, push, list(rows.values()), shipped=has_shipped(order))
    check_code(order, code)
    wanted = _wanted(lines, quantities)
    until = [
        {"position": line.position, "quantity": wanted[line.position],
         "until": line.cancelled_quantity + wanted[line.position]}
        for line in lines if line.position in wanted
    ]  # fmt: skip
    confirmation = Cancellation(order=order, action=DSCO, status=State.WAITING, lines=until)
    wish = wish_of(order, lines, [confirmation])
    if wish is None:  # cannot be: something is asked
        raise CannotCancel("nothing_to_cancel", _("Nothing is left to cancel."))
    if _is_pushed(push):
        _stop_in_erp(order, lines, wish, rows, code, now)
    else:
        _stop_push(order, push, wish, now)
        _put(order, rows.get(DSCO), DSCO, State.DUE, "", "", wish.asked, code, now)
    what = joined((_words_of(line, wanted[line.position]) for line in lines if line.position in wanted), ", ")
    text = joined([_("Cancelled {what} with code {code}.").format(what=what, code=code), reason])
    record_events([order.pk], EventKind.STAFF, text, actor, now)
    refresh_stages([order.pk])


def _check_order(
    order: Order, lines: list[OrderLine], push: ErpPush, rows: list[Cancellation], *, shipped: bool
) -> None:
    if is_cancelled(order, lines):
        raise CannotCancel("already_cancelled", _("The order is cancelled at DSCO already."))
    if order.stage not in OPEN_STAGES or shipped:
        raise CannotCancel("already_shipped", _("The order has left the warehouse, or is closed: nothing to cancel."))
    if push.status in IN_FLIGHT or (push.maybe_sent and not _is_pushed(push)):
        raise CannotCancel(
            "push_under_way", _("The order is being created in LingXing at this moment. Try again in some minutes.")
        )
    if push.status == State.SKIPPED:
        raise CannotCancel("push_skipped", _("The ERP push was skipped: the order is handled elsewhere."))
    for row in rows:
        _check_row(row)


def _check_row(row: Cancellation) -> None:
    if row.status in IN_FLIGHT or row.status == State.SUCCEEDED:
        raise CannotCancel(
            "cancelled_before",
            _(
                "A cancellation of this order is under way or done already, and each exists once. Cancel the rest in"
                " LingXing and in the DSCO portal by hand."
            ),
        )
    if row.status not in (State.SKIPPED, State.CANCELLED):
        raise CannotCancel(
            "cancellation_open",
            _("A cancellation of this order is open. Retry that step to go on with it, or skip it first."),
        )


def _wanted(lines: list[OrderLine], quantities: Mapping[int, int]) -> dict[int, int]:
    open_units = {line.position: line.open_quantity for line in lines}
    wanted = {position: units for position, units in quantities.items() if units}
    if not wanted:
        raise CannotCancel("nothing_chosen", _("Say how many units of which line are to be cancelled."))
    if any(units < 0 or units > open_units.get(position, 0) for position, units in wanted.items()):
        raise CannotCancel("too_many", _("More units than are open cannot be cancelled."))
    return wanted


def _is_pushed(push: ErpPush) -> bool:
    return push.status == State.SUCCEEDED or bool(push.remote_reference)


def _stop_push(order: Order, push: ErpPush, wish: Wish, now: datetime) -> None:
    pushes = ErpPush.objects.filter(pk=push.pk)
    if wish.whole:
        park(pushes, State.CANCELLED, CANCEL_REQUESTED, "", now)
        close_following([order.pk], now)
        return
    if push.status in (State.FAILED, State.CANCELLED):
        release(pushes, now)
    pushes.filter(status=State.WAITING).update(reason_code=CANCEL_REQUESTED, changed_at=now)
    park(pushes, State.WAITING, CANCEL_REQUESTED, "", now)


def _stop_in_erp(
    order: Order, lines: list[OrderLine], wish: Wish, rows: Mapping[str, Cancellation], code: str, now: datetime
) -> None:
    if wish.whole:
        _put(order, rows.get(ERP), ERP, State.DUE, "", "", [], "", now)
    else:
        text = words.partly_text(wish.reduced, lines)
        _put(order, rows.get(ERP), ERP, State.NEEDS_ATTENTION, "partly_cancelled", text, wish.reduced, "", now)
    _put(order, rows.get(DSCO), DSCO, State.WAITING, WAITING_FOR_ERP, "", wish.asked, code, now)


def _put(
    order: Order, row: Cancellation | None, action: str, state: State, reason: str, text: str,
    lines: list[dict[str, int]], code: str, now: datetime,
) -> None:  # fmt: skip
    """Make the order's row for this action, or take the one that was given up before."""
    if row is None:
        Cancellation.objects.create(  # the order is locked: nobody else makes one
            key=f"cancellation:{order.dsco_order_id}:{action}", order=order, action=action, status=state,
            due_at=now if state == State.DUE else None, reason_code=reason, last_error_code=reason if text else "",
            last_error=text, lines=lines, cancel_code=code,
        )  # fmt: skip
        return
    rows = Cancellation.objects.filter(pk=row.pk)
    rows.update(lines=lines, cancel_code=code)
    if state == State.DUE:
        release(rows, now)
        return
    park(rows, State.WAITING, reason, "", now)
    if state != State.WAITING:
        park(rows, state, reason, text, now)


def _words_of(line: OrderLine, units: int) -> str:
    return _("{units} × {sku}").format(units=units, sku=line.sku or line.partner_sku or line.dsco_item_id)

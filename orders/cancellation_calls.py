"""The calls of the delivery kind ``cancellation``. They run in HTTP threads and touch no database.

Both actions are safe to repeat: each call reads first what is still to be stopped. The retailers' own operation for
requesting a cancellation is never called.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from integrations.deliveries import outcomes
from integrations.deliveries.kinds import Call
from integrations.deliveries.outcomes import Outcome
from integrations.dsco import DscoClient
from integrations.dsco.queued import unless_working
from integrations.dsco.schemas import DscoOrder, DscoOrderLine
from integrations.errors import Rejected
from integrations.lingxing import LingXingClient
from integrations.lingxing.schemas import ErpOrderRow
from integrations.sentences import gettext as _

from . import cancellations as words
from .cancellations import is_dead, items_to_cancel, original_orders, staff_said
from .models import Cancellation, ErpStatus, OrderLine
from .order_rows import line_key

NUMBERS_PER_CALL = 200
Verdict = Callable[[Sequence[ErpOrderRow]], Outcome]


# --- LingXing -----------------------------------------------------------------------------------------


def stop_in_erp(client: LingXingClient, row: Cancellation) -> Call[Cancellation]:
    """Return the call that stops one order in LingXing, as far as it is not stopped or shipped yet."""
    push = row.order.erp_push
    number, store_id = push.platform_order_no, push.store_id

    def run() -> dict[int, Outcome]:
        found = client.orders_by_platform_numbers([number])
        rows = original_orders(found, store_id)
        if found.unreadable or not rows:
            return {row.pk: outcomes.retry("not_listed", _("LingXing does not list the order at the moment."))}
        return {row.pk: seen(rows, number) or _cancel(client, rows, first_time=row.attempts <= 1)}

    return Call([row], run)


def _cancel(client: LingXingClient, rows: Sequence[ErpOrderRow], *, first_time: bool) -> Outcome:
    """Cancel the live orders; what is in the warehouse already is intercepted there."""
    live = [row.global_order_no for row in rows if not is_dead(row)]
    refused = client.cancel_orders(live).failed
    if refused:
        intercepted = client.intercept_outbound(list(refused), "Cancelled by the retailer")
        # A repetition is refused too while the first interception is under way: the list will tell.
        if intercepted.failed and first_time:
            reasons = [*intercepted.failed.values(), *(refused[number] for number in intercepted.failed)]
            return outcomes.needs_attention("erp_refused", words.refused_text(reasons))
    return outcomes.accepted("")


def seen(rows: Sequence[ErpOrderRow], number: str = "") -> Outcome | None:
    """Return what the list settles: everything stopped, something shipped, or merged with other orders; else None."""
    if not rows:
        return None
    if all(is_dead(row) for row in rows):
        return outcomes.succeeded(", ".join(row.global_order_no for row in rows))
    if any(row.status == ErpStatus.SHIPPED and not row.is_deleted for row in rows):
        return outcomes.needs_attention("cancelled_after_shipment", words.after_shipment_text())
    others = {other for row in rows if not is_dead(row) for other in row.platform_order_nos} - {number}
    if number and others:
        return outcomes.needs_attention("merged_erp_order", words.merged_text(others))
    return None


def verdict_of_doubt(row: Cancellation) -> Verdict:
    """Return what is made of LingXing's list after a lost reply.

    An order that is still alive is stopped again, which is safe, but not for ever.
    """
    since = timezone.now() - row.created_at
    for_long = since > timedelta(hours=settings.ATTENTION_AFTER_HOURS) and row.attempts > 1

    def verdict(rows: Sequence[ErpOrderRow]) -> Outcome:
        known = seen(rows)
        if known is None and rows and for_long:
            reason = _("it was asked several times and the order is still open")
            return outcomes.needs_attention("erp_refused", words.refused_text([reason]))
        return known or (outcomes.absent() if rows else outcomes.still_pending())

    return verdict


def looks(
    cancellations: Sequence[Cancellation], verdict_of: Callable[[Cancellation], Verdict]
) -> list[Call[Cancellation]]:
    """Return the reads of LingXing's list for many orders at once."""
    if not cancellations:
        return []
    client = LingXingClient.from_settings()
    starts = range(0, len(cancellations), NUMBERS_PER_CALL)
    return [_look(client, cancellations[start : start + NUMBERS_PER_CALL], verdict_of) for start in starts]


def _look(
    client: LingXingClient, cancellations: Sequence[Cancellation], verdict_of: Callable[[Cancellation], Verdict]
) -> Call[Cancellation]:
    pushes = {row.pk: row.order.erp_push for row in cancellations}
    verdicts = {row.pk: verdict_of(row) for row in cancellations}

    def run() -> dict[int, Outcome]:
        found = client.orders_by_platform_numbers(sorted({push.platform_order_no for push in pushes.values()}))
        by_number: dict[str, list[ErpOrderRow]] = defaultdict(list)
        for listed in found:
            for number in listed.platform_order_nos:
                by_number[number].append(listed)
        if found.unreadable:
            return {pk: outcomes.still_pending() for pk in pushes}
        return {
            pk: verdicts[pk](original_orders(by_number[push.platform_order_no], push.store_id))
            for pk, push in pushes.items()
        }

    return Call(cancellations, run)


# --- DSCO ---------------------------------------------------------------------------------------------


def confirm(client: DscoClient, row: Cancellation) -> Call[Cancellation]:
    """Return the call that cancels the row's items at DSCO. A refusal is looked into before it is believed."""
    body = items_to_cancel(row, row.order.lines.all())

    def run() -> dict[int, Outcome]:
        if body is None:
            return {row.pk: outcomes.cancelled("already_cancelled")}
        try:
            accepted = client.cancel_items(body)
        except Rejected as error:
            # Done already, perhaps by an earlier call whose reply was lost: the order itself tells.
            if _cancelled_at_dsco(client, row):
                return {row.pk: outcomes.succeeded()}
            return {row.pk: outcomes.rejected(error.code, error.message)}
        return {row.pk: outcomes.accepted(accepted.request_id) if accepted else outcomes.succeeded()}

    return Call([row], run)


def _cancelled_at_dsco(client: DscoClient, row: Cancellation) -> bool | None:
    """Return whether DSCO shows the quantities of the row as cancelled; None when it does not show the order."""
    raw = client.get_order(row.order.dsco_order_id)
    if raw is None:
        return None
    shown = DscoOrder.parse(raw)
    if (shown.dsco_status or "").lower() in ("cancelled", "canceled"):
        return True
    lines = {line.position: line for line in row.order.lines.all()}
    for item in row.lines:
        line = lines.get(int(item["position"]))
        there = _same_line(shown, line) if line is not None else None
        if line is None or there is None:
            return False
        units = staff_said(item, line, row.order)
        if units is None:
            units = line.cancelled_quantity + int(item["quantity"])
        if there.cancelled_quantity < min(units, there.quantity):
            return False
    return True


def _same_line(shown: DscoOrder, line: OrderLine) -> DscoOrderLine | None:
    """Return our line as DSCO shows it now, in whatever order it lists them; by its place where several look alike."""
    same = [item for item in shown.line_items if line_key(item) == line_key(line)]
    if len(same) == 1:
        return same[0]
    return shown.line_items[line.position] if line.position < len(shown.line_items) else None


def poll_log(client: DscoClient, row: Cancellation) -> Call[Cancellation]:
    """Return the call that asks DSCO's change log for the outcome, and the order itself when the log is silent."""

    def run() -> dict[int, Outcome]:
        log = client.order_log(row.remote_request_id)
        entry = log.entry_for_order(row.order.dsco_order_id)
        if entry is not None and entry.status == "success":
            return {row.pk: outcomes.succeeded()}
        if entry is not None and entry.status == "failure":
            return {row.pk: outcomes.rejected(entry.code or "cancel_refused", entry.messages_text)}
        if log.completed and _cancelled_at_dsco(client, row):
            return {row.pk: outcomes.succeeded()}
        return {row.pk: outcomes.still_working() if log.working else outcomes.still_pending()}

    return Call([row], run)


def verify_at_dsco(client: DscoClient, row: Cancellation) -> Call[Cancellation]:
    """Return the call that looks at the order at DSCO after a lost reply."""

    def run() -> dict[int, Outcome]:
        done = _cancelled_at_dsco(client, row)
        if done is None:
            return {row.pk: outcomes.still_pending()}
        if done:
            return {row.pk: outcomes.succeeded()}
        working = bool(row.remote_request_id) and client.order_log(row.remote_request_id).working
        return {row.pk: unless_working(outcomes.absent(), working=working)}

    return Call([row], run)

"""The delivery kind ``cancellation``: stop an order in LingXing, or confirm its cancellation to DSCO.

Both actions are safe to repeat: each call reads first what is still to be stopped. The retailers' own operation for
requesting a cancellation is never called.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone

from integrations.deliveries import outcomes
from integrations.deliveries.kinds import Call, DeliveryKind, Plan, register_kind
from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.releases import park, release
from integrations.deliveries.states import IN_FLIGHT, State
from integrations.dsco import DscoClient
from integrations.dsco.schemas import DscoOrder
from integrations.errors import Rejected
from integrations.lingxing import LingXingClient
from integrations.lingxing.schemas import ErpOrderRow
from integrations.sentences import gettext as _

from .. import cancellations as words
from ..cancellations import (
    ALREADY_ADJUSTED,
    CANCEL_REQUESTED,
    ORDER_CANCELLED,
    REFUSED,
    WAITING_FOR_ERP,
    WITHDRAWN,
    is_dead,
    items_to_cancel,
    original_orders,
    wish_of,
)
from ..conditions import blocked
from ..first_sight import FIRST_REASONS, FOLLOWING
from ..models import Cancellation, CancellationAction, ErpOrder, ErpPush, ErpStatus, Order, Package, Shipment
from ..policies import policies_for
from ..stages import refresh_stages

OPEN_ROWS = frozenset({State.WAITING, State.DUE, State.FAILED, State.NEEDS_ATTENTION})
NUMBERS_PER_CALL = 200
ERP, DSCO = CancellationAction.ERP, CancellationAction.DSCO
Verdict = Callable[[Sequence[ErpOrderRow]], Outcome]


# --- What both the flow and the kind need -------------------------------------------------------------


def has_shipped(order: Order) -> bool:
    """Return whether goods of the order have left, as far as we know: by LingXing, a package, or our own report."""
    return (
        Shipment.objects.filter(order=order, status__in=[*IN_FLIGHT, State.SUCCEEDED]).exists()
        or Package.objects.filter(order=order, shipped=True, ignored="").exists()
        or ErpOrder.objects.filter(
            order_links__order=order, order_links__ended_at=None, status=ErpStatus.SHIPPED, resend_of=[], deleted=False
        ).exists()
    )


def may_confirm(order: Order) -> bool:
    """Return whether DSCO may be told: nothing can be shipped any more, not pushed or stopped in LingXing.

    order: with ``erp_push`` and ``cancellations``. Whatever a push that was not sent waits for, it is not sent while
    the request is open (``undecided_requests``); waiting for it here would be waiting for each other.
    """
    stop = next((row for row in order.cancellations.all() if row.action == ERP), None)
    if stop is not None:
        return stop.status == State.SUCCEEDED or stop.reason_code == ALREADY_ADJUSTED
    push = order.erp_push
    return push.status not in IN_FLIGHT | {State.SUCCEEDED} and not push.maybe_sent and not push.remote_reference


def close_following(order_ids: Iterable[int], now: datetime) -> None:
    """Acknowledgement, shipment and invoice of a cancelled order are not owed any more."""
    ids = list(order_ids)
    for model in FOLLOWING:
        park(model._default_manager.filter(order__in=ids, maybe_sent=False), State.CANCELLED, ORDER_CANCELLED, "", now)


def resume(order_id: int, now: datetime) -> int:
    """The order goes on after all: undo what a request had stopped. Returns 1 when it is to be pushed."""
    stopped = ErpPush.objects.filter(
        order=order_id, status__in=[State.CANCELLED, State.WAITING], reason_code=CANCEL_REQUESTED
    )
    released = release(stopped, now)
    for model in FOLLOWING:
        closed = model._default_manager.filter(order=order_id, status=State.CANCELLED, reason_code=ORDER_CANCELLED)
        park(closed, State.WAITING, FIRST_REASONS[model], "", now)
    return released


# --- The kind -----------------------------------------------------------------------------------------


class CancellationKind(DeliveryKind[Cancellation]):
    """One action of a cancellation, at the vendor that the action names."""

    name: ClassVar[str] = "cancellation"
    vendor: ClassVar[str] = "lingxing"
    vendor_by = ("action", {ERP.value: "lingxing", DSCO.value: "dsco"})
    model = Cancellation
    claim_size: ClassVar[int] = 50
    deadline = F("order__ship_by")
    # DSCO queues some of these calls, and a lost reply does not say whether it did.
    absent_after_delays: ClassVar[int] = 3

    def queryset(self) -> QuerySet[Cancellation]:
        """Return cancellations with their orders, lines and pushes."""
        rows = Cancellation.objects.select_related("order", "order__erp_push").defer("order__payload")
        return rows.prefetch_related("order__lines", "order__cancellations")

    def check(self, deliveries: Sequence[Cancellation], now: datetime) -> dict[int, Outcome]:
        """Held, switched off, taken back, shipped meanwhile, or the other action comes first: nothing is sent."""
        policies = policies_for(row.order.retailer_id for row in deliveries)
        stopped = {}
        for row in deliveries:
            reason = blocked(row.order, policies[row.order.retailer_id].cancellation_mode) or _reason_not_to(row)
            if reason is not None:
                stopped[row.pk] = reason
        return stopped

    def plan_send(self, deliveries: Sequence[Cancellation]) -> Plan[Cancellation]:
        """Stop each order in LingXing, or cancel its items at DSCO."""
        plan: Plan[Cancellation] = Plan()
        for row in deliveries:
            if row.action == ERP:
                plan.calls.append(_stop_in_erp(LingXingClient.from_settings(), row))
            else:
                plan.calls.append(_confirm(DscoClient.from_settings(), row))
        return plan

    def plan_poll(self, deliveries: Sequence[Cancellation]) -> Plan[Cancellation]:
        """Ask LingXing's list and DSCO's change log what became of it."""
        at_dsco = [row for row in deliveries if row.action == DSCO]
        plan = Plan([_poll_log(DscoClient.from_settings(), row) for row in at_dsco])
        in_erp = [row for row in deliveries if row.action == ERP]
        plan.calls += _looks(in_erp, lambda row: lambda rows: _seen(rows) or outcomes.still_pending())
        return plan

    def plan_verify(self, deliveries: Sequence[Cancellation]) -> Plan[Cancellation]:
        """Look at the orders themselves."""
        at_dsco = [row for row in deliveries if row.action == DSCO]
        plan = Plan([_verify_at_dsco(DscoClient.from_settings(), row) for row in at_dsco])
        in_erp = [row for row in deliveries if row.action == ERP]
        plan.calls += _looks(in_erp, _verdict_of_doubt)
        return plan

    def recorded(self, pairs: Sequence[tuple[Cancellation, Outcome]], now: datetime) -> None:
        """What follows: the second action, the order's other deliveries, its stage."""
        for row, outcome in pairs:
            if row.status == State.SUCCEEDED and row.action == ERP:
                _erp_is_stopped(row, now)
            elif row.status == State.SUCCEEDED:
                refresh_stages([row.order_id])
            elif row.status == State.SKIPPED and row.reason_code == REFUSED:
                _request_is_refused(row, now)
            elif row.status == State.CANCELLED and outcome.code == WITHDRAWN:
                resume(row.order_id, now)
        refresh_stages(row.order_id for row, _outcome in pairs)


register_kind(CancellationKind())


def _reason_not_to(row: Cancellation) -> Outcome | None:
    """Return why this action may not be carried out now, or None."""
    order, lines = row.order, list(row.order.lines.all())
    wish = wish_of(order, lines, order.cancellations.all())
    if wish is None:
        return outcomes.cancelled(WITHDRAWN, _("The retailer took the request back."))
    if row.action == DSCO:
        if wish.settled or items_to_cancel(row, lines) is None:
            return outcomes.cancelled("already_cancelled", _("DSCO shows these items as cancelled already."))
        return None if may_confirm(order) else outcomes.waiting(WAITING_FOR_ERP)
    if row.lines or not wish.whole:
        return outcomes.needs_attention("partly_cancelled", words.partly_text(wish.reduced, lines))
    if has_shipped(order):
        return outcomes.needs_attention("cancelled_after_shipment", words.after_shipment_text())
    return None


def _erp_is_stopped(row: Cancellation, now: datetime) -> None:
    wish = wish_of(row.order, list(row.order.lines.all()), row.order.cancellations.all())
    confirmation = Cancellation.objects.filter(order=row.order_id, action=DSCO, status=State.WAITING)
    if wish is not None and not wish.settled:
        release(confirmation.filter(reason_code=WAITING_FOR_ERP), now)
    if not row.lines:
        close_following([row.order_id], now)


def _request_is_refused(row: Cancellation, now: datetime) -> None:
    """A person refused: nothing is confirmed to DSCO, and an order that was held back goes on."""
    waiting = Cancellation.objects.filter(order=row.order_id, action=DSCO, status=State.WAITING)
    park(waiting, State.SKIPPED, REFUSED, "", now)
    if row.action == DSCO:
        resume(row.order_id, now)


# --- LingXing -----------------------------------------------------------------------------------------


def _stop_in_erp(client: LingXingClient, row: Cancellation) -> Call[Cancellation]:
    push = row.order.erp_push
    number, store_id = push.platform_order_no, push.store_id

    def run() -> dict[int, Outcome]:
        found = client.orders_by_platform_numbers([number])
        rows = original_orders(found, store_id)
        if found.unreadable or not rows:
            return {row.pk: outcomes.retry("not_listed", _("LingXing does not list the order at the moment."))}
        return {row.pk: _seen(rows, number) or _cancel(client, rows, first_time=row.attempts <= 1)}

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


def _seen(rows: Sequence[ErpOrderRow], number: str = "") -> Outcome | None:
    """What the list settles: everything stopped, something shipped, or merged with other orders; else None."""
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


def _verdict_of_doubt(row: Cancellation) -> Verdict:
    """After a lost reply: an order that is still alive is stopped again, which is safe, but not for ever."""
    since = timezone.now() - row.created_at
    for_long = since > timedelta(hours=settings.ATTENTION_AFTER_HOURS) and row.attempts > 1

    def verdict(rows: Sequence[ErpOrderRow]) -> Outcome:
        seen = _seen(rows)
        if seen is None and rows and for_long:
            reason = _("it was asked several times and the order is still open")
            return outcomes.needs_attention("erp_refused", words.refused_text([reason]))
        return seen or (outcomes.absent() if rows else outcomes.still_pending())

    return verdict


def _looks(
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


def _confirm(client: DscoClient, row: Cancellation) -> Call[Cancellation]:
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
    before = {line.position: line.cancelled_quantity for line in row.order.lines.all()}
    wanted = {
        int(item["position"]): int(item.get("until", before.get(int(item["position"]), 0) + int(item["quantity"])))
        for item in row.lines
    }
    return all(
        position < len(shown.line_items)
        and shown.line_items[position].cancelled_quantity >= min(units, shown.line_items[position].quantity)
        for position, units in wanted.items()
    )


def _poll_log(client: DscoClient, row: Cancellation) -> Call[Cancellation]:
    def run() -> dict[int, Outcome]:
        log = client.order_log(row.remote_request_id)
        entry = log.entry_for_order(row.order.dsco_order_id)
        if entry is not None and entry.status == "success":
            return {row.pk: outcomes.succeeded()}
        if entry is not None and entry.status == "failure":
            return {row.pk: outcomes.rejected(entry.code or "cancel_refused", entry.messages_text)}
        if log.completed and _cancelled_at_dsco(client, row):
            return {row.pk: outcomes.succeeded()}
        return {row.pk: outcomes.still_pending()}

    return Call([row], run)


def _verify_at_dsco(client: DscoClient, row: Cancellation) -> Call[Cancellation]:
    def run() -> dict[int, Outcome]:
        done = _cancelled_at_dsco(client, row)
        if done is None:
            return {row.pk: outcomes.still_pending()}
        return {row.pk: outcomes.succeeded() if done else outcomes.absent()}

    return Call([row], run)

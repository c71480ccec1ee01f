"""The delivery kind ``cancellation``: stop an order in LingXing, or confirm its cancellation to DSCO.

The calls stand in ``orders/cancellation_calls.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from django.db.models import F, QuerySet

from integrations.deliveries import outcomes
from integrations.deliveries.kinds import DeliveryKind, Plan, register_kind
from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.releases import park, release
from integrations.deliveries.states import State
from integrations.dsco import DscoClient
from integrations.lingxing import LingXingClient
from integrations.sentences import gettext as _

from . import cancellation_calls as calls
from . import cancellations as words
from .cancellation_rows import (
    DSCO,
    ERP,
    cannot_repeat,
    close_following,
    has_shipped,
    is_cancelled_all_the_same,
    is_refused,
    may_confirm,
    resume,
    tell_withdrawn_too_late,
)
from .cancellations import REFUSED, WAITING_FOR_ERP, WITHDRAWN, WITHDRAWN_TOO_LATE, items_to_cancel, wish_of
from .conditions import blocked
from .models import Cancellation
from .policies import policies_for
from .shared_numbers import made_by_hand, under_anothers_number
from .stages import refresh_stages


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
        anothers = under_anothers_number(row.order.erp_push for row in deliveries if row.action == ERP)
        stopped = {}
        for row in deliveries:
            reason = blocked(row.order, policies[row.order.retailer_id].cancellation_mode) or _reason_not_to(row)
            if reason is None and row.action == ERP and row.order.erp_push.pk in anothers:
                reason = made_by_hand(row.order.erp_push.platform_order_no)
            if reason is not None:
                stopped[row.pk] = reason
        return stopped

    def plan_send(self, deliveries: Sequence[Cancellation]) -> Plan[Cancellation]:
        """Stop each order in LingXing, or cancel its items at DSCO."""
        plan: Plan[Cancellation] = Plan()
        for row in deliveries:
            if row.action == ERP:
                plan.calls.append(calls.stop_in_erp(LingXingClient.from_settings(), row))
            else:
                plan.calls.append(calls.confirm(DscoClient.from_settings(), row))
        return plan

    def plan_poll(self, deliveries: Sequence[Cancellation]) -> Plan[Cancellation]:
        """Ask LingXing's list and DSCO's change log what became of it."""
        at_dsco = [row for row in deliveries if row.action == DSCO]
        plan = Plan([calls.poll_log(DscoClient.from_settings(), row) for row in at_dsco])
        in_erp = [row for row in deliveries if row.action == ERP]
        plan.calls += calls.looks(in_erp, lambda row: lambda rows: calls.seen(rows) or outcomes.still_pending())
        return plan

    def plan_verify(self, deliveries: Sequence[Cancellation]) -> Plan[Cancellation]:
        """Look at the orders themselves."""
        at_dsco = [row for row in deliveries if row.action == DSCO]
        plan = Plan([calls.verify_at_dsco(DscoClient.from_settings(), row) for row in at_dsco])
        in_erp = [row for row in deliveries if row.action == ERP]
        plan.calls += calls.looks(in_erp, calls.verdict_of_doubt)
        return plan

    def recorded(self, pairs: Sequence[tuple[Cancellation, Outcome]], now: datetime) -> None:
        """What follows: the second action, the order's other deliveries, its stage."""
        for row, outcome in pairs:
            if row.status == State.SUCCEEDED and row.action == ERP:
                _erp_is_stopped(row, now)
            elif row.status == State.SUCCEEDED:
                _look_for_more(row, now)
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
    if wish is None and not _is_stopped_in_erp(row):
        return outcomes.cancelled(WITHDRAWN, _("The retailer took the request back."))
    if wish is None and not is_cancelled_all_the_same(row):
        return outcomes.needs_attention(WITHDRAWN_TOO_LATE, words.withdrawn_text())
    if wish is None or row.action == DSCO:
        if (wish is not None and wish.settled) or items_to_cancel(row, lines) is None:
            return outcomes.cancelled("already_cancelled", _("DSCO shows these items as cancelled already."))
        return None if may_confirm(order) else outcomes.waiting(WAITING_FOR_ERP)
    if row.lines or not wish.whole:
        return outcomes.needs_attention("partly_cancelled", words.partly_text(wish.reduced, lines))
    if has_shipped(order):
        return outcomes.needs_attention("cancelled_after_shipment", words.after_shipment_text())
    return None


def _is_stopped_in_erp(row: Cancellation) -> bool:
    """Whether ``row`` is the confirmation to DSCO of what LingXing has stopped already."""
    done = [one for one in row.order.cancellations.all() if one.action == ERP and one.status == State.SUCCEEDED]
    return row.action == DSCO and bool(done)


def _erp_is_stopped(row: Cancellation, now: datetime) -> None:
    rows = {one.action: one for one in Cancellation.objects.filter(order=row.order_id)}
    wish = wish_of(row.order, list(row.order.lines.all()), rows.values())
    if not row.lines:
        close_following([row.order_id], now)
    if wish is None or (not wish.settled and not row.lines and is_refused(rows.get(DSCO))):
        tell_withdrawn_too_late(row.order, now)
    elif not wish.settled:
        waiting = Cancellation.objects.filter(order=row.order_id, action=DSCO, status=State.WAITING)
        release(waiting.filter(reason_code=WAITING_FOR_ERP), now)


def _look_for_more(row: Cancellation, now: datetime) -> None:
    """Units that the retailer asked for while DSCO worked on fewer: nobody else would tell him."""
    rows = CancellationKind().queryset().filter(pk=row.pk, order__erp_push__status=State.CANCELLED)
    for fresh in rows:  # the order may have been read since it was claimed
        wish = wish_of(fresh.order, list(fresh.order.lines.all()), fresh.order.cancellations.all())
        if wish is not None and wish.asked and wish.asked != fresh.lines:
            cannot_repeat(fresh.order, now)


def _request_is_refused(row: Cancellation, now: datetime) -> None:
    """A person refused: nothing is confirmed to DSCO, and an order that was held back goes on."""
    waiting = Cancellation.objects.filter(order=row.order_id, action=DSCO, status=State.WAITING)
    park(waiting, State.SKIPPED, REFUSED, "", now)
    if row.action == DSCO:
        resume(row.order_id, now)

"""Flow ``acknowledge_orders`` and the delivery kind ``acknowledgement``: tell DSCO that we have an order, once.

An order is acknowledged when all ERP orders that carry it have reached a status that the retailer's policy takes
as "reviewed". DSCO only queues an acknowledgement; its change log says later what became of each order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy

from integrations.deliveries import outcomes
from integrations.deliveries.kinds import Call, Plan, register_kind
from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.states import State
from integrations.dsco import DscoClient
from integrations.dsco.queued import QueuedOnceKind, words_of
from integrations.dsco.schemas import AcknowledgeItem, ChangeLog, LogEntry
from integrations.flows.context import FlowContext
from integrations.flows.registry import flow
from integrations.lingxing import LingXingClient
from integrations.sentences import gettext as _

from ..conditions import CANCELLED_STATUSES, SHIPPED_STATUSES, blocked, is_cancelled, undecided_requests
from ..deciding import READY, decide
from ..erp_reading import note_unread, read_erp_orders
from ..erp_state import being_cancelled, cancelled_in_erp, is_dead, live_orders
from ..first_sight import is_acknowledged, is_closed_elsewhere
from ..models import Acknowledgement, ErpOrder, ErpStatus, OrderErpLink, RetailerPolicy
from ..policies import acknowledge_statuses, policies_for
from ..shared_numbers import made_by_hand, under_anothers_number
from ..stages import refresh_stages

CHECKED_TOGETHER = 1000
# LingXing lists an order seconds after its creation; after so long without it a person should look.
MISSING_AFTER = timedelta(hours=1)
# Parked by this flow, so it takes them back when LingXing says something else.
HEALING = ("cancelled_in_erp", "missing_in_erp")


@flow(
    "acknowledge_orders", gettext_lazy("Acknowledge orders"), interval_seconds=60, position=3,
    delivers="acknowledgement",
)  # fmt: skip
def acknowledge_orders(context: FlowContext) -> None:
    """Look at LingXing which waiting orders are reviewed, then acknowledge what is due."""
    DscoClient.from_settings()  # a missing setting ends the run before anything is claimed
    try:
        _release_reviewed(context)
    finally:  # what is due already does not wait for LingXing
        ids = None
        if context.order_ids:
            named = Acknowledgement.objects.filter(order__dsco_order_id__in=context.order_ids)
            ids = list(named.values_list("pk", flat=True))
        try:
            context.deliver("acknowledgement", ids=ids)
        finally:
            if context.counts["succeeded"] or context.counts["skipped"]:
                context.release("report_shipments")


def _release_reviewed(context: FlowContext) -> None:
    """Look at every waiting order once, some thousand at a time; what this run has no time for starts another."""
    context.look_at_all(partial(_waiting, context), partial(_look_at, context))


def _look_at(context: FlowContext, rows: Sequence[Acknowledgement]) -> None:
    now = context.now
    conditions = _conditions(rows)
    # What DSCO already settled needs no look at LingXing.
    decisions = {
        row.pk: conditions[row.pk] for row in rows if row.pk in conditions and conditions[row.pk].state != State.WAITING
    }
    asked = [row for row in rows if row.pk not in decisions]
    found = read_erp_orders(context, LingXingClient.from_settings(), [row.order.erp_push for row in asked])
    note_unread(context, len(asked) - len(found))
    policies = policies_for(row.order.retailer_id for row in asked)
    cancelling = being_cancelled(row.order_id for row in asked)
    anothers = under_anothers_number([row.order.erp_push for row in asked])
    for row in asked:
        if row.order_id in found:
            decision = _decision(row, found[row.order_id], policies[row.order.retailer_id], now, cancelling)
            if row.order.erp_push.pk in anothers:
                decision = made_by_hand(row.order.erp_push.platform_order_no)
            decisions[row.pk] = conditions.get(row.pk, READY) if decision is READY else decision
    settled = (State.SKIPPED, State.CANCELLED, State.SUCCEEDED)
    with transaction.atomic():
        counts = decide(rows, decisions, now)
        refresh_stages(row.order_id for row in rows if row.pk in decisions and decisions[row.pk].state in settled)
    context.count("checked", len(rows))
    context.count("released", counts[State.DUE])
    for state in (State.NEEDS_ATTENTION, *settled):
        if counts[state]:
            context.count(state.value, counts[state])
    _note_dropped_fields(context, found)


def _waiting(context: FlowContext, begun: datetime) -> list[Acknowledgement]:
    """Take the next rows that LingXing may have news for: not looked at since ``begun``, the oldest look first."""
    rows = Acknowledgement.objects.filter(
        Q(status=State.WAITING) | Q(status=State.NEEDS_ATTENTION, reason_code__in=HEALING),
        Q(checked_at=None) | Q(checked_at__lt=begun),
        maybe_sent=False,
        order__erp_push__status=State.SUCCEEDED,
    )
    if context.order_ids:
        rows = rows.filter(order__dsco_order_id__in=context.order_ids)
    rows = rows.select_related("order__erp_push").defer("order__payload").prefetch_related("order__lines")
    taken = list(rows.order_by(F("checked_at").asc(nulls_first=True), "pk")[:CHECKED_TOGETHER])
    Acknowledgement.objects.filter(pk__in=[row.pk for row in taken]).update(checked_at=context.now)
    return taken


def _decision(
    row: Acknowledgement, erp_orders: Sequence[ErpOrder], policy: RetailerPolicy, now: datetime, cancelling: set[int]
) -> Outcome:
    push = row.order.erp_push
    live = live_orders(erp_orders)
    if live:
        wanted = acknowledge_statuses(policy)
        reviewed = all(erp_order.status in wanted for erp_order in live)
        return READY if reviewed else outcomes.waiting("waiting_for_erp")
    names = {"order": row.order.dsco_order_id, "number": push.platform_order_no}
    if not erp_orders:
        if now - (push.finished_at or push.created_at) < MISSING_AFTER:
            return outcomes.waiting("waiting_for_erp")
        return outcomes.needs_attention(
            "missing_in_erp",
            _(
                "Order %(order)s was created in LingXing, but LingXing does not show it (platform order number"
                " %(number)s). Look for it there; if it is gone, create it again under that number. The"
                " acknowledgement then goes by itself."
            )
            % names,
        )
    if row.order_id in cancelling or not is_dead(erp_orders):
        return outcomes.waiting("waiting_for_erp")
    return cancelled_in_erp(row.order, push.platform_order_no)


def _note_dropped_fields(context: FlowContext, found: Mapping[int, list[ErpOrder]]) -> None:
    dropped = sorted({name for rows in found.values() for erp_order in rows for name in erp_order.dropped_fields})
    if dropped:
        context.note(
            _(
                "LingXing dropped address fields that were sent to it (%(fields)s). Ask LingXing to grant them to your"
                " app, and check the addresses of these orders before they are shipped."
            )
            % {"fields": ", ".join(dropped)}
        )


def _conditions(rows: Sequence[Acknowledgement]) -> dict[int, Outcome]:
    """Return why each of these must not be acknowledged now; what may is not in the answer."""
    policies = policies_for(row.order.retailer_id for row in rows)
    undecided = undecided_requests(row.order for row in rows)
    stopped: dict[int, Outcome] = {}
    for row in rows:
        order = row.order
        if is_cancelled(order, order.lines.all()):
            stopped[row.pk] = outcomes.cancelled("order_cancelled")
        elif is_acknowledged(order) or is_closed_elsewhere(order):
            # Ours, if it was ever sent: then an unclear answer has been cleared up by a later pull.
            stopped[row.pk] = outcomes.succeeded() if row.attempts else outcomes.skipped("already_acknowledged")
        elif order.pk in undecided:
            stopped[row.pk] = outcomes.waiting("cancel_requested", _("The retailer has asked to cancel the order."))
        elif reason := blocked(order, policies[order.retailer_id].acknowledge_mode):
            stopped[row.pk] = reason
    return stopped


class AcknowledgementKind(QueuedOnceKind[Acknowledgement]):
    """订单确认: up to 500 orders in one call, each with an outcome of its own in DSCO's change log."""

    name: ClassVar[str] = "acknowledgement"
    model = Acknowledgement
    claim_size: ClassVar[int] = 500
    deadline = Coalesce("order__acknowledge_by", "order__ship_by")

    def queryset(self) -> QuerySet[Acknowledgement]:
        """Return acknowledgements with order, lines and ERP push."""
        rows = Acknowledgement.objects.select_related("order__erp_push").defer("order__payload")
        return rows.prefetch_related("order__lines")

    def check(self, deliveries: Sequence[Acknowledgement], now: datetime) -> dict[int, Outcome]:
        """Cancelled, acknowledged meanwhile, held, switched off: nothing is sent."""
        return _conditions(deliveries)

    def plan_send(self, deliveries: Sequence[Acknowledgement]) -> Plan[Acknowledgement]:
        """One call for all, and one for each that has to go alone."""
        client = DscoClient.from_settings()
        numbers = _supplier_numbers(deliveries)
        together = [row for row in deliveries if not row.solo]
        groups = ([together] if together else []) + [[row] for row in deliveries if row.solo]
        return Plan([Call(group, partial(_send, client, group, numbers)) for group in groups])

    def entry(self, log: ChangeLog, row: Acknowledgement) -> LogEntry | None:
        """Return what the log says of the order."""
        return log.entry_for_order(row.order.dsco_order_id)

    def done(self, row: Acknowledgement, entry: LogEntry) -> Outcome:
        """DSCO has it, and with it our order number."""
        return outcomes.succeeded(str(entry.payload.get("supplierOrderNumber") or ""))

    def refused(self, row: Acknowledgement, entry: LogEntry) -> Outcome:
        """Refused for good: there is no other way to acknowledge."""
        return outcomes.rejected(entry.code or "refused", words_of(entry))

    def look(self, client: DscoClient, rows: Sequence[Acknowledgement]) -> Callable[[Acknowledgement], Outcome]:
        """Look at the order: its lifecycle, or our number on it."""
        numbers = _supplier_numbers(rows)
        return lambda row: _shown_by_order(client.get_order(row.order.dsco_order_id), numbers[row.order_id])

    def recorded(self, pairs: Sequence[tuple[Acknowledgement, Outcome]], now: datetime) -> None:
        """Keep the orders' stages in step."""
        settled = (State.SUCCEEDED, State.SKIPPED, State.CANCELLED)
        refresh_stages(row.order_id for row, _outcome in pairs if row.status in settled)


register_kind(AcknowledgementKind())


def _supplier_numbers(rows: Sequence[Acknowledgement]) -> dict[int, str]:
    """Return our number for each order (primary key): the ERP order that keeps the original, while it is alive."""
    links = OrderErpLink.objects.filter(
        order__in=[row.order_id for row in rows], ended_at=None, erp_order__deleted=False
    ).exclude(erp_order__status__in=[ErpStatus.CANCELLED, ErpStatus.HIDDEN])
    live: dict[int, list[str]] = defaultdict(list)
    for order_id, number, resend_of in links.values_list(
        "order_id", "erp_order__global_order_no", "erp_order__resend_of"
    ):
        if not resend_of:
            live[order_id].append(number)
    numbers = {}
    for row in rows:
        original, found = row.order.erp_push.remote_reference, live[row.order_id]
        numbers[row.order_id] = original if original in found or not found else min(found)
    return numbers


def _send(client: DscoClient, rows: Sequence[Acknowledgement], numbers: Mapping[int, str]) -> dict[int, Outcome]:
    items = [
        AcknowledgeItem(id=row.order.dsco_order_id, supplier_order_number=numbers[row.order_id] or None) for row in rows
    ]
    receipt = client.acknowledge(items)
    return {row.pk: outcomes.accepted(receipt.request_id) for row in rows}


def _shown_by_order(raw: Mapping[str, Any] | None, number: str) -> Outcome:
    if raw is None:
        return outcomes.still_pending()
    lifecycle, status = str(raw.get("dscoLifecycle") or "").lower(), str(raw.get("dscoStatus") or "").lower()
    if number and str(raw.get("supplierOrderNumber") or "") == number:
        return outcomes.succeeded(number)  # also where the retailer has cancelled since
    if status in CANCELLED_STATUSES:
        return outcomes.skipped("order_cancelled", _("DSCO shows the order as cancelled."))
    # The deprecated status counts only where DSCO gives no lifecycle: an order may arrive as shipment_pending.
    taken = lifecycle in ("acknowledged", "completed") or status in SHIPPED_STATUSES
    taken = taken or (not lifecycle and status == "shipment_pending")
    return outcomes.succeeded(number) if taken else outcomes.absent()

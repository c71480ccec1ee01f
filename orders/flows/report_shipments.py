"""Flow ``report_shipments``: what left the warehouse is told to DSCO.

Candidates are orders whose ERP orders are all shipped; the evidence is the outbound order (status 3 with a tracking
number). What may be reported by itself is decided in ``orders/shipment_decisions.py``, and sent by
``orders/shipment_kind.py``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy

from integrations.deliveries import outcomes
from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.states import FINISHED, State
from integrations.dsco import DscoClient
from integrations.flows.context import FlowContext
from integrations.flows.registry import flow
from integrations.lingxing import LingXingClient

from ..conditions import is_cancelled
from ..deciding import READY, decide
from ..erp_reading import note_unread, read_erp_orders
from ..erp_state import being_cancelled, cancelled_in_erp, is_dead, live_orders
from ..further_shipments import REST_LEFT
from ..mappings import MappingBook
from ..models import ErpOrder, Order, Package, Shipment
from ..package_reading import Wanted, read_packages
from ..packages import BY_STAFF, Packed, spellings, tracking_numbers
from ..policies import policies_for
from ..reported import still_to_report
from ..shipment_decisions import Decision, ShipmentFacts, judge, judge_rest, not_shipped_yet, waited_for_outbound
from ..shipment_kind import ShipmentKind, conditions
from ..shipment_siblings import other_shipments
from ..stages import refresh_stages

# Two calls of the outbound list, which LingXing answers one at a time: while portions take turns it is never idle.
CHECKED_TOGETHER = 400
# Parked for what LingXing, DSCO or a mapping may say differently next time; judged anew in every pass.
HEALING = (
    "several_packages", "quantities_differ", "no_carrier", "no_warehouse_code", "no_tracking_number", "no_outbound",
    "tracking_number_used", "reported_differently", "reported_meanwhile", "packages_changed",
    "cancel_requested", "cancelled_after_shipment",
    "cancelled_in_erp", "invalid_shipment", REST_LEFT,
)  # fmt: skip


@flow("report_shipments", gettext_lazy("Report shipments"), interval_seconds=60, position=4, delivers="shipment")
def report_shipments(context: FlowContext) -> None:
    """Look at LingXing what has left, then report what is due."""
    DscoClient.from_settings()  # a missing setting ends the run before anything is claimed
    try:
        _release_shipped(context)
    finally:  # what is due already does not wait for LingXing
        try:
            _deliver(context)
        finally:
            if context.counts["succeeded"]:
                context.release("report_invoices")


def _deliver(context: FlowContext) -> None:
    ids = None
    if context.order_ids:
        named = Shipment.objects.filter(order__dsco_order_id__in=context.order_ids)
        ids = list(named.values_list("pk", flat=True))
    context.deliver("shipment", ids=ids)
    # Refused in a batch: alone, each hears the reason in the same run.
    alone = Shipment.objects.filter(status=State.DUE, solo=True, due_at__lte=context.now)
    pks = list((alone if ids is None else alone.filter(pk__in=ids)).values_list("pk", flat=True))
    if pks:
        context.deliver("shipment", ids=pks)


def _release_shipped(context: FlowContext) -> None:
    """Look at every waiting order once, some thousand at a time; what this run has no time for starts another."""
    told = 0

    def look_at(rows: Sequence[Shipment]) -> None:
        nonlocal told
        _look_at(context, rows)
        if context.counts["released"] - told >= ShipmentKind.claim_size and not context.order_ids:
            # A full batch goes while LingXing's only place for outbound orders is busy with the next portion.
            told = context.counts["released"]
            context.deliver("shipment", to_the_end=False)

    context.look_at_all(partial(_waiting, context), look_at)


def _look_at(context: FlowContext, rows: Sequence[Shipment]) -> None:
    now = context.now
    composed = [row for row in rows if row.chosen_by]  # by a person: only the conditions count
    open_rows = [row for row in rows if not row.chosen_by]
    client = LingXingClient.from_settings()
    found = read_erp_orders(context, client, [row.order.erp_push for row in rows])
    note_unread(context, len({row.order_id for row in rows} - found.keys()))
    _read_again(context, client, composed, found)
    cancelling = being_cancelled(row.order_id for row in open_rows)
    decisions: dict[int, Decision] = {}
    candidates: dict[int, Wanted] = {}
    for row in open_rows:
        live = live_orders(found.get(row.order_id, []))
        reason = not_shipped_yet(live)
        if reason is None:
            candidates[row.pk] = Wanted(row.order, live)
        elif row.order_id in found:
            wanted = row.order_id not in cancelling and not is_cancelled(row.order, row.order.lines.all())
            lost = wanted and is_dead(found[row.order_id])
            number = row.order.erp_push.platform_order_no
            decisions[row.pk] = Decision(cancelled_in_erp(row.order, number) if lost else reason)
    judged = [row for row in open_rows if row.pk in candidates]
    decisions |= _judge_packages(context, client, judged, list(candidates.values()), now)
    decisions |= _nothing_left(open_rows)
    found_out = _with_conditions(rows, composed, decisions)
    _keep(context, rows, found_out, decisions, now)


def _waiting(context: FlowContext, begun: datetime) -> list[Shipment]:
    """Take the next rows that LingXing may have news for: not looked at since ``begun``, the oldest look first."""
    acknowledged = Q(order__acknowledgement__status__in=[State.SUCCEEDED, State.SKIPPED])
    parked = Q(status=State.NEEDS_ATTENTION, reason_code__in=HEALING)
    # Refused, and made due again by a person: what was corrected meanwhile belongs into the body.
    retried = Q(status=State.DUE, attempts__gt=0, failures=0, lease_token="", chosen_by="")
    retried |= Q(status=State.DUE, body=[], lease_token="")  # parked before it could be composed
    rows = Shipment.objects.filter(
        Q(status=State.WAITING) | parked | retried,
        acknowledged | Q(order__dsco_lifecycle__iexact="acknowledged"),
        Q(checked_at=None) | Q(checked_at__lt=begun),
        maybe_sent=False,
        order__erp_push__status=State.SUCCEEDED,
    )
    if context.order_ids:
        rows = rows.filter(order__dsco_order_id__in=context.order_ids)
    rows = rows.select_related("order__erp_push", "order__acknowledgement").defer("order__payload")
    rows = rows.prefetch_related("order__lines").order_by(F("checked_at").asc(nulls_first=True), "pk")
    taken = list(rows[:CHECKED_TOGETHER])
    Shipment.objects.filter(pk__in=[row.pk for row in taken]).update(checked_at=context.now)
    return taken


def _judge_packages(
    context: FlowContext, client: LingXingClient, rows: Sequence[Shipment], wanted: Sequence[Wanted], now: datetime
) -> dict[int, Decision]:
    """Read the outbound orders of the shipped orders, store their packages and judge them."""
    if not rows:
        return {}
    read = read_packages(context, client, wanted, now)
    if read.unreadable:
        context.count("unreadable", read.unreadable)
    readable = [row for row in rows if row.order_id in read.packed]
    note_unread(context, len(rows) - len(readable))
    policies = policies_for(row.order.retailer_id for row in readable)
    names = MappingBook.load([row.order for row in readable])
    used = _used_elsewhere(read.packed)
    others = other_shipments(readable)
    decisions = {}
    for row in readable:
        order = row.order
        lines = list(order.lines.all())
        facts = ShipmentFacts(
            order, lines, policies[order.retailer_id], read.packed[order.pk], used.get(order.pk, ()),
            others.get(row.pk, ()), waited_for_outbound(row, now),
        )  # fmt: skip
        decisions[row.pk] = judge(facts, names, now) if row.sequence == 1 else judge_rest(facts)
    return decisions


def _read_again(
    context: FlowContext, client: LingXingClient, composed: Sequence[Shipment], found: Mapping[int, list[ErpOrder]]
) -> None:
    """What a person composed is not judged again, but its packages must be those that he has seen."""
    wanted = [Wanted(row.order, live) for row in composed if (live := live_orders(found.get(row.order_id, [])))]
    read_packages(context, client, wanted, context.now)


def _nothing_left(rows: Sequence[Shipment]) -> dict[int, Decision]:
    """Shipments for the rest of an order, all of which is at DSCO by now, or cancelled: whatever LingXing shows."""
    rests = [row for row in rows if row.sequence > 1]
    others = other_shipments(rests)
    orders = Order.objects.in_bulk([row.order_id for row in rests])  # with what DSCO showed at the last pull
    return {
        row.pk: Decision(outcomes.skipped("nothing_left"))
        for row in rests
        if not still_to_report(orders[row.order_id], list(row.order.lines.all()), others.get(row.pk, ()))
    }


def _used_elsewhere(packed: Mapping[int, Sequence[Packed]]) -> dict[int, set[str]]:
    """Return tracking numbers that stand on packages of other orders too, by order.

    One outbound order may carry several orders (a merged ERP order): that is one package and no clash.
    """
    ours = [one.package for packages in packed.values() for one in packages if one.counts and one.package.shipped]
    numbers = {number for package in ours for number in tracking_numbers(package)}
    stored = Package.objects.filter(tracking_number__in=spellings(numbers), ignored__in=["", BY_STAFF], shipped=True)
    users: dict[str, set[tuple[int, str]]] = defaultdict(set)
    for number, order_id, wo_number in stored.values_list("tracking_number", "order_id", "wo_number"):
        users[number.casefold()].add((order_id, wo_number))
    used: dict[int, set[str]] = defaultdict(set)
    for package in ours:
        theirs = users[package.tracking_number.casefold()]
        own = {wo_number for order_id, wo_number in theirs if order_id == package.order_id}
        if any(wo_number not in own for _order_id, wo_number in theirs):
            used[package.order_id].add(package.tracking_number)
    return used


def _with_conditions(
    rows: Sequence[Shipment], composed: Sequence[Shipment], decisions: Mapping[int, Decision]
) -> dict[int, Outcome]:
    """What is ready still obeys holds, cancellations and the policy; the body is kept and shown all the same."""
    bodies = {row.pk: row.body for row in composed}
    bodies |= {pk: decision.body for pk, decision in decisions.items() if decision.outcome is READY}
    ready = [row for row in rows if row.pk in bodies]
    stopped = conditions(ready, bodies)
    decided = {pk: decision.outcome for pk, decision in decisions.items()}
    return decided | {row.pk: stopped.get(row.pk, READY) for row in ready}


def _keep(
    context: FlowContext, rows: Sequence[Shipment], found_out: Mapping[int, Outcome],
    decisions: Mapping[int, Decision], now: datetime,
) -> None:  # fmt: skip
    values: dict[int, dict[str, Any]] = {pk: {"body": decision.body} for pk, decision in decisions.items()}
    for pk, decision in decisions.items():
        if decision.reported:
            values[pk] = {"confirmed_at": now}
    with transaction.atomic():
        counts = decide(rows, found_out, now, values)
        refresh_stages(row.order_id for row in rows if row.pk in found_out and found_out[row.pk].state in FINISHED)
    context.count("checked", len(rows))
    context.count("released", counts[State.DUE])
    for state in (State.SUCCEEDED, State.NEEDS_ATTENTION):
        if counts[state]:
            context.count(state.value, counts[state])
    for outcome in found_out.values():
        if outcome.state == State.NEEDS_ATTENTION:
            context.count(outcome.code)

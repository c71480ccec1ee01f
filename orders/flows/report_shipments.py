"""Flow ``report_shipments``: what left the warehouse is told to DSCO.

Candidates are orders whose ERP orders are all shipped; the evidence is the outbound order (status 3 with a tracking
number). What may be reported by itself is decided in ``orders/shipment_decisions.py``, and sent by
``orders/shipment_kind.py``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy

from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.states import State
from integrations.dsco import DscoClient
from integrations.flows.context import FlowContext
from integrations.flows.registry import flow
from integrations.lingxing import LingXingClient
from integrations.lingxing.rows import Rows
from integrations.lingxing.schemas import OutboundOrderRow

from ..conditions import is_cancelled
from ..deciding import READY, decide
from ..erp_reading import read_erp_orders
from ..erp_state import being_cancelled, cancelled_in_erp, is_dead, live_orders
from ..mappings import MappingBook
from ..models import ErpOrder, Package, Shipment
from ..packages import BY_STAFF, ErpNumbers, Packed, packages_of, store_packages, tracking_numbers
from ..policies import policies_for
from ..shipment_decisions import Decision, ShipmentFacts, judge, not_shipped_yet
from ..shipment_kind import conditions
from ..stages import refresh_stages

CHECKED_PER_PASS = 2000
NUMBERS_PER_CALL = 200
# Without dates LingXing lists the outbound orders of the last month only.
RECENT = timedelta(days=25)
# Parked for what LingXing, DSCO or a mapping may say differently next time; judged anew in every pass.
HEALING = (
    "several_packages", "quantities_differ", "no_carrier", "no_warehouse_code", "no_tracking_number",
    "tracking_number_used", "reported_differently", "cancel_requested", "cancelled_after_shipment",
    "cancelled_in_erp", "invalid_shipment",
)  # fmt: skip


@flow("report_shipments", gettext_lazy("Report shipments"), interval_seconds=120, position=4, delivers="shipment")
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


@dataclass(slots=True)
class _Candidate:
    """A shipment whose ERP orders are all shipped."""

    row: Shipment
    erp_orders: list[ErpOrder]

    @property
    def number(self) -> str:
        return self.row.order.erp_push.platform_order_no


def _release_shipped(context: FlowContext) -> None:
    rows = _waiting(context)
    if not rows:
        return
    now = context.now
    composed = [row for row in rows if row.chosen_by]  # by a person: only the conditions count
    open_rows = [row for row in rows if not row.chosen_by]
    client = LingXingClient.from_settings()
    found = read_erp_orders(context, client, [row.order.erp_push for row in open_rows])
    cancelling = being_cancelled(row.order_id for row in open_rows)
    decisions: dict[int, Decision] = {}
    candidates = []
    for row in open_rows:
        live = live_orders(found.get(row.order_id, []))
        reason = not_shipped_yet(live)
        if reason is None:
            candidates.append(_Candidate(row, live))
        elif row.order_id in found:
            wanted = row.order_id not in cancelling and not is_cancelled(row.order, row.order.lines.all())
            lost = wanted and is_dead(found[row.order_id])
            number = row.order.erp_push.platform_order_no
            decisions[row.pk] = Decision(cancelled_in_erp(row.order, number) if lost else reason)
    decisions |= _judge_packages(context, client, candidates, now)
    outcomes = _with_conditions(rows, composed, decisions)
    _keep(context, rows, outcomes, decisions, now)


def _waiting(context: FlowContext) -> list[Shipment]:
    """The rows that LingXing may have news for, least recently checked first."""
    acknowledged = Q(order__acknowledgement__status__in=[State.SUCCEEDED, State.SKIPPED])
    parked = Q(status=State.NEEDS_ATTENTION, reason_code__in=HEALING)
    # Refused, and made due again by a person: what was corrected meanwhile belongs into the body.
    retried = Q(status=State.DUE, attempts__gt=0, failures=0, lease_token="", chosen_by="")
    retried |= Q(status=State.DUE, body=[], lease_token="")  # parked before it could be composed
    rows = Shipment.objects.filter(
        Q(status=State.WAITING) | parked | retried,
        acknowledged | Q(order__dsco_lifecycle__iexact="acknowledged"),
        maybe_sent=False,
        order__erp_push__status=State.SUCCEEDED,
    )
    if context.order_ids:
        rows = rows.filter(order__dsco_order_id__in=context.order_ids)
    rows = rows.select_related("order__erp_push", "order__acknowledgement").defer("order__payload")
    rows = rows.prefetch_related("order__lines").order_by(F("checked_at").asc(nulls_first=True), "pk")
    return list(rows[:CHECKED_PER_PASS])


def _judge_packages(
    context: FlowContext, client: LingXingClient, candidates: Sequence[_Candidate], now: datetime
) -> dict[int, Decision]:
    """Read the candidates' outbound orders, store their packages and judge them."""
    if not candidates:
        return {}
    rows = _outbound_rows(context, client, candidates, now)
    unreadable = {number for item in rows.unreadable for number in item.platform_order_nos}
    if rows.unreadable:
        context.count("unreadable", len(rows.unreadable))
    readable = [one for one in candidates if one.number not in unreadable]
    packed = _pack(readable, rows, now)
    store_packages([one for packages in packed.values() for one in packages])
    policies = policies_for(one.row.order.retailer_id for one in readable)
    names = MappingBook.load([one.row.order for one in readable])
    used = _used_elsewhere(packed)
    decisions = {}
    for one in readable:
        order = one.row.order
        lines = list(order.lines.all())
        facts = ShipmentFacts(order, lines, policies[order.retailer_id], packed[order.pk], used.get(order.pk, ()))
        decisions[one.row.pk] = judge(facts, names, now)
    return decisions


def _outbound_rows(
    context: FlowContext, client: LingXingClient, candidates: Sequence[_Candidate], now: datetime
) -> Rows[OutboundOrderRow]:
    """All outbound orders of the candidates, deleted ones included; older orders are asked for with dates."""
    recent = [one for one in candidates if now - one.row.order.first_seen_at < RECENT]
    older = [one for one in candidates if now - one.row.order.first_seen_at >= RECENT]

    def read(chunk: Sequence[_Candidate]) -> Rows[OutboundOrderRow]:
        numbers = sorted({one.number for one in chunk})
        first = min(one.row.order.first_seen_at for one in chunk)
        if now - first < RECENT:
            return client.outbound_orders(platform_order_nos=numbers)
        return client.outbound_orders(
            platform_order_nos=numbers,
            start_date=(first - timedelta(days=1)).date(),
            end_date=(now + timedelta(days=1)).date(),
        )

    chunks = [
        group[start : start + NUMBERS_PER_CALL]
        for group in (recent, older)
        for start in range(0, len(group), NUMBERS_PER_CALL)
    ]
    result: Rows[OutboundOrderRow] = Rows()
    found: dict[str, OutboundOrderRow] = {}
    for rows in context.in_parallel(read, chunks):
        found.update((row.wo_number, row) for row in rows)
        result.unreadable.extend(rows.unreadable)
    result.extend(found.values())
    return result


def _pack(candidates: Sequence[_Candidate], rows: Sequence[OutboundOrderRow], now: datetime) -> dict[int, list[Packed]]:
    by_number: dict[str, list[OutboundOrderRow]] = defaultdict(list)
    for row in rows:
        for number in row.platform_order_nos:
            by_number[number].append(row)
    live = {erp_order.global_order_no for one in candidates for erp_order in one.erp_orders}
    others = ErpOrder.objects.filter(global_order_no__in={row.order_number for row in rows} - live)
    reshipments = {number for number, of in others.values_list("global_order_no", "resend_of") if of}
    packed = {}
    for one in candidates:
        order = one.row.order
        numbers = ErpNumbers({erp_order.global_order_no for erp_order in one.erp_orders}, reshipments)
        packed[order.pk] = packages_of(
            order, list(order.lines.all()), one.number, by_number.get(one.number, ()), numbers, now
        )
    return packed


def _used_elsewhere(packed: Mapping[int, Sequence[Packed]]) -> dict[int, set[str]]:
    """Return tracking numbers that stand on packages of other orders too, by order.

    One outbound order may carry several orders (a merged ERP order): that is one package and no clash.
    """
    ours = [one.package for packages in packed.values() for one in packages if one.counts and one.package.shipped]
    numbers = {number for package in ours for number in tracking_numbers(package)}
    stored = Package.objects.filter(tracking_number__in=numbers, ignored__in=["", BY_STAFF], shipped=True)
    users: dict[str, set[tuple[int, str]]] = defaultdict(set)
    for number, order_id, wo_number in stored.values_list("tracking_number", "order_id", "wo_number"):
        users[number].add((order_id, wo_number))
    used: dict[int, set[str]] = defaultdict(set)
    for package in ours:
        own = {wo_number for order_id, wo_number in users[package.tracking_number] if order_id == package.order_id}
        if any(wo_number not in own for _order_id, wo_number in users[package.tracking_number]):
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
    outcomes = {pk: decision.outcome for pk, decision in decisions.items()}
    return outcomes | {row.pk: stopped.get(row.pk, READY) for row in ready}


def _keep(
    context: FlowContext, rows: Sequence[Shipment], outcomes: Mapping[int, Outcome],
    decisions: Mapping[int, Decision], now: datetime,
) -> None:  # fmt: skip
    values: dict[int, dict[str, Any]] = {pk: {"body": decision.body} for pk, decision in decisions.items()}
    for pk, decision in decisions.items():
        if decision.reported:
            values[pk] = {"confirmed_at": now}
    Shipment.objects.filter(pk__in=[row.pk for row in rows]).update(checked_at=now)
    with transaction.atomic():
        counts = decide(rows, outcomes, now, values)
        refresh_stages(row.order_id for row in rows if row.pk in outcomes and outcomes[row.pk].state == State.SUCCEEDED)
    context.count("checked", len(rows))
    context.count("released", counts[State.DUE])
    for state in (State.SUCCEEDED, State.NEEDS_ATTENTION):
        if counts[state]:
            context.count(state.value, counts[state])
    for outcome in outcomes.values():
        if outcome.state == State.NEEDS_ATTENTION:
            context.count(outcome.code)

"""DSCO's orders and packages compared with ours. A page is stored by the intake first, so our copy is DSCO's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, Q

from integrations.deliveries.states import FINISHED, State
from integrations.dsco import DscoClient
from integrations.dsco.schemas.orders import DscoPackageLine

from ..conditions import CANCELLED_STATUSES, OPEN_STATUSES, SHIPPED_STATUSES
from ..intake import IntakeResult, store_page
from ..invoices import Coverage, matching_lines, shipped_at_dsco, to_cents
from ..models import DEADLINE_STAGES, Cancellation, Invoice, Order, OrderLine, Source, Stage
from ..pulling import settled_until
from ..reading import Reads, read_each
from . import facts as our
from .facts import Facts, same_numbers
from .findings import Compared, Difference
from .troubles import unread_of

CHUNK = 200
# Every order that the list does not show is asked for alone; a whole slice that is missing is DSCO's trouble.
MOST_LOOKED_UP = 200
COVERAGE_CODES = {
    Coverage.FULL: "shipped_by_hand",
    Coverage.PART: "partly_shipped",
    Coverage.MORE: "shipped_too_much",
}


@dataclass(slots=True)
class PageResult:
    """What a page came to: the comparison, and what the intake did with it. unknown: ids that nobody knows."""

    compared: Compared = field(default_factory=lambda: Compared(Source.DSCO_ORDERS))
    intake: IntakeResult = field(default_factory=IntakeResult)
    unknown: list[str] = field(default_factory=list)
    orders: int = 0


def compare_page(raws: Sequence[dict[str, Any]], now: datetime, settled: datetime | None) -> PageResult:
    """Store a page of raw orders and compare what it shows with what we did; ``settled`` as ``settled_until``."""
    result = PageResult(intake=store_page(raws, now), orders=len(raws))
    found = our.by_id(str(raw.get("dscoOrderId") or "").strip() for raw in raws)
    compared = result.compared
    compared.order_ids = {facts.pk for facts in found}
    compared.differences += _not_seen_before(found, result.intake, settled)
    _judge(compared, found, now - our.grace())
    return result


def compare_named(reads: Reads, client: DscoClient, order_ids: Iterable[str], now: datetime) -> PageResult:
    """Ask DSCO for orders by their ids and compare them; what cannot be read is left out.

    Raises VendorError when nothing can be read; then nothing has changed.
    """
    read, failed = read_each(reads, client.get_order, list(dict.fromkeys(order_ids)))
    result = compare_page([raw for _order_id, raw in read if raw is not None], now, settled_until())
    result.compared.unread = unread_of(failed)
    absent = [order_id for order_id, raw in read if raw is None]
    known = our.by_id(absent)
    result.unknown = sorted(set(absent) - {facts.dsco_order_id for facts in known})
    for facts in known:
        result.compared.order_ids.add(facts.pk)
        if facts.first_seen_at < now - our.grace():
            ours = {"status": facts.dsco_status, "updated": facts.dsco_updated_at and facts.dsco_updated_at.isoformat()}
            result.compared.differences.append(Difference("missing_at_dsco", facts.dsco_order_id, facts.pk, ours, {}))
    return result


def not_listed(since: datetime, until: datetime, seen: set[int]) -> list[str]:
    """Return the ids of our orders that DSCO changed in this span, as far as we know, but did not list for it."""
    rows = Order.objects.filter(dsco_updated_at__gt=since, dsco_updated_at__lt=until).order_by("pk")
    ids = [order_id for pk, order_id in rows.values_list("pk", "dsco_order_id").iterator() if pk not in seen]
    return ids[:MOST_LOOKED_UP]


def _not_seen_before(found: Sequence[Facts], intake: IntakeResult, settled: datetime | None) -> Iterable[Difference]:
    """What the pull should have brought long ago, and will not read again."""
    new, changed = set(intake.new_ids), set(intake.changed_ids)
    for facts in found:
        code = "not_pulled" if facts.dsco_order_id in new else "change_not_seen"
        late = settled is not None and facts.dsco_updated_at is not None and facts.dsco_updated_at <= settled
        if late and facts.dsco_order_id in new | changed:
            theirs = {"status": facts.dsco_status, "updated": _iso(facts.dsco_updated_at)}
            yield Difference(code, facts.dsco_order_id, facts.pk, {}, theirs)


def _judge(compared: Compared, found: Sequence[Facts], horizon: datetime) -> None:
    by_hand, cancelled, invoiced, still_open = [], [], [], []
    for facts in found:
        _judge_reported(compared, facts, horizon)
        if _is_shipped_unknown_to_us(facts):
            if facts.shipment.settles(horizon):
                compared.undecided.add(facts.pk)
            else:
                by_hand.append(facts)
        if (
            facts.dsco_status.lower() in CANCELLED_STATUSES
            and facts.stage in DEADLINE_STAGES["ship_by"]
            and facts.push.done
        ):
            cancelled.append(facts)
        if _changed_after_invoice(facts):
            invoiced.append(facts)
        cancelled_here = facts.stage == Stage.CANCELLED or facts.push.status == State.CANCELLED
        if cancelled_here and facts.dsco_status.lower() in OPEN_STATUSES:
            still_open.append(facts)
    compared.differences += _shipped_by_hand(by_hand)
    compared.differences += _cancelled(cancelled, horizon)
    compared.differences += _cost_changed(invoiced)
    _judge_open(compared, still_open, horizon)


def _judge_reported(compared: Compared, facts: Facts, horizon: datetime) -> None:
    """What we reported as done should be shown there."""
    there = list(facts.tracking_at_dsco)
    if facts.shipment.done and facts.reported:
        lost = sorted(set(facts.reported) - same_numbers(facts.reported, there))
        more = sorted(set(there) - same_numbers(there, facts.reported))
        values = {"tracking": list(facts.reported)}, {"tracking": there}
        if (lost or more) and facts.shipment.settles(horizon):
            compared.undecided.add(facts.pk)
        elif lost:
            compared.differences.append(Difference("shipment_lost", facts.dsco_order_id, facts.pk, *values))
        elif more:
            compared.differences.append(Difference("more_packages_at_dsco", facts.dsco_order_id, facts.pk, *values))
    if facts.acknowledgement.done and facts.dsco_lifecycle.lower() == "created":
        if facts.acknowledgement.settles(horizon):
            compared.undecided.add(facts.pk)
        elif facts.dsco_status.lower() not in CANCELLED_STATUSES | SHIPPED_STATUSES:
            theirs = {"status": facts.dsco_lifecycle}
            ours = {"status": "acknowledged"}
            compared.differences.append(Difference("not_acknowledged", facts.dsco_order_id, facts.pk, ours, theirs))
    if _given_up_though_there(facts):
        if facts.acknowledgement.settles(horizon):
            compared.undecided.add(facts.pk)
        else:
            ours, theirs = {"status": facts.stage}, {"status": facts.dsco_lifecycle}
            compared.differences.append(
                Difference("acknowledged_after_all", facts.dsco_order_id, facts.pk, ours, theirs)
            )


def _given_up_though_there(facts: Facts) -> bool:
    """Staff gave the acknowledgement up while nobody knew whether it had arrived: DSCO tells it now."""
    given_up = facts.acknowledgement.status == State.SKIPPED and facts.acknowledgement.maybe_sent
    taken = facts.dsco_lifecycle.lower() in ("acknowledged", "completed")
    return given_up and (taken or facts.dsco_status.lower() in SHIPPED_STATUSES)


def _is_shipped_unknown_to_us(facts: Facts) -> bool:
    shown = bool(facts.tracking_at_dsco) or facts.dsco_status.lower() in SHIPPED_STATUSES
    # Given up while nobody knew whether our report had arrived: DSCO tells it now.
    given_up = facts.shipment.status == State.SKIPPED and not facts.shipment.maybe_sent
    closed = given_up or facts.shipment.status in (State.SUCCEEDED, State.CANCELLED)
    return shown and not closed and facts.push.status != State.SKIPPED


def _shipped_by_hand(found: Sequence[Facts]) -> Iterable[Difference]:
    for start in range(0, len(found), CHUNK):
        by_pk = {facts.pk: facts for facts in found[start : start + CHUNK]}
        orders = Order.objects.filter(pk__in=by_pk).only("payload").prefetch_related("lines").order_by("pk")
        for order in orders:
            facts = by_pk[order.pk]
            lines = list(order.lines.all())
            shipped = shipped_at_dsco(order.payload, lines)
            code = COVERAGE_CODES.get(shipped.coverage)
            if code is None:
                continue
            ours = {"tracking": [], "units": {_name(line): line.open_quantity for line in lines}}
            units = {_name(line): shipped.quantities.get(line.position, 0) for line in lines}
            theirs = {"tracking": list(facts.tracking_at_dsco), "units": units}
            yield Difference(code, facts.dsco_order_id, facts.pk, ours, theirs)


def _cancelled(found: Sequence[Facts], horizon: datetime) -> Iterable[Difference]:
    """The cancellation flow sees to these within minutes; without a row of its own it has not."""
    pks = [facts.pk for facts in found]
    begun = set(Cancellation.objects.filter(order__in=pks).values_list("order_id", flat=True)) if pks else set()
    for facts in found:
        if facts.pk not in begun and facts.dsco_updated_at is not None and facts.dsco_updated_at < horizon:
            ours, theirs = {"status": facts.stage}, {"status": facts.dsco_status}
            yield Difference("cancelled_at_dsco", facts.dsco_order_id, facts.pk, ours, theirs)


def _judge_open(compared: Compared, found: Sequence[Facts], horizon: datetime) -> None:
    """Nobody delivers what is cancelled here: DSCO must show it, or a person be told."""
    pks = [facts.pk for facts in found]
    if not pks:
        return
    units = OrderLine.objects.filter(order__in=pks, quantity__gt=F("cancelled_quantity"))
    wanted = set(units.values_list("order_id", flat=True))
    going = Q(changed_at__gt=horizon) | ~Q(status__in=FINISHED)
    undecided = set(Cancellation.objects.filter(going, order__in=pks).values_list("order_id", flat=True))
    for facts in found:
        if facts.pk in undecided or facts.push.settles(horizon):
            compared.undecided.add(facts.pk)
        elif facts.pk in wanted:
            ours, theirs = {"status": facts.stage}, {"status": facts.dsco_status}
            compared.differences.append(Difference("open_at_dsco", facts.dsco_order_id, facts.pk, ours, theirs))


def _changed_after_invoice(facts: Facts) -> bool:
    finished, updated = facts.invoice.finished_at, facts.dsco_updated_at
    return facts.invoice.done and finished is not None and updated is not None and updated > finished


def _cost_changed(found: Sequence[Facts]) -> Iterable[Difference]:
    """DSCO measures the invoice against the cost that the order shows now."""
    by_pk = {facts.pk: facts for facts in found}
    if not by_pk:
        return
    lines: dict[int, list[OrderLine]] = {}
    for line in OrderLine.objects.filter(order__in=by_pk).order_by("position"):
        lines.setdefault(line.order_id, []).append(line)
    for order_id, body in Invoice.objects.filter(order__in=by_pk).values_list("order_id", "body"):
        ours, theirs = _unequal_costs(body or {}, lines.get(order_id, []))
        if theirs:
            facts = by_pk[order_id]
            yield Difference("cost_changed", facts.dsco_order_id, facts.pk, {"price": ours}, {"price": theirs})


def _unequal_costs(body: dict[str, Any], lines: Sequence[OrderLine]) -> tuple[dict[str, str], dict[str, str]]:
    ours, theirs = {}, {}
    for item in body.get("lineItems") or []:
        meant = matching_lines(DscoPackageLine.model_validate(item), lines)
        if len(meant) != 1 or meant[0].expected_cost is None:
            continue
        price, cost = Decimal(str(item.get("unitPrice"))), to_cents(meant[0].expected_cost)
        if price != cost:
            ours[_name(meant[0])], theirs[_name(meant[0])] = str(price), str(cost)
    return ours, theirs


def _name(line: OrderLine) -> str:
    return f"{line.line_number or line.position + 1}: {line.sku or line.partner_sku or line.dsco_item_id}"


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""

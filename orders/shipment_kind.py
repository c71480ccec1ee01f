"""The delivery kind ``shipment``: report an order's packages to DSCO, once.

Few are reported one by one and done at once; many go together, queued by DSCO and told by its change log.
What DSCO refuses in a batch is repeated alone, because only the single call says clearly why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar

from django.db.models import F, QuerySet

from integrations.deliveries import outcomes
from integrations.deliveries.kinds import Call, Plan, register_kind
from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.states import State
from integrations.dsco import DscoClient
from integrations.dsco.queued import QueuedOnceKind, alone_or_together, hand_in
from integrations.dsco.schemas import ChangeLog, DscoOrder, LogEntry, UnreadableOrder
from integrations.sentences import gettext as _

from .conditions import blocked, is_cancelled, undecided_requests
from .first_sight import is_acknowledged
from .further_shipments import open_rests
from .invoices import packages_of, shipped_by_report
from .models import RetailerPolicy, Shipment
from .policies import policies_for
from .reported import missing_at_dsco
from .shipment_bodies import Body, exceeds, numbers_in, report_of
from .shipment_decisions import cancelled_after_shipment, partly_at_dsco
from .shipment_rechecks import changed_since_composed
from .shipment_siblings import beside_others, other_shipments, taken_besides
from .stages import refresh_stages


def conditions(rows: Sequence[Shipment], bodies: Mapping[int, Body] | None = None) -> dict[int, Outcome]:
    """Return why each of these composed shipments must not be reported now; what may is not in the answer.

    bodies: by primary key, where they are not stored yet.
    """
    bodies = bodies or {row.pk: row.body for row in rows}
    policies = policies_for(row.order.retailer_id for row in rows)
    undecided = undecided_requests(row.order for row in rows)
    others = other_shipments(rows)
    found = {
        row.pk: beside_others(row, bodies[row.pk], others.get(row.pk, ()))
        or _condition(row, bodies[row.pk], policies[row.order.retailer_id], undecided)
        for row in rows
    }
    free = [row for row in rows if found[row.pk] is None]
    stopped = {pk: outcome for pk, outcome in found.items() if outcome is not None}
    return stopped | changed_since_composed(free, bodies, others)


def _condition(row: Shipment, body: Body, policy: RetailerPolicy, undecided: set[int]) -> Outcome | None:
    order, lines = row.order, list(row.order.lines.all())
    if not body:
        return outcomes.waiting("not_composed", _("Its packages are looked at in the next run."))
    numbers = numbers_in(body)
    there = {number.strip().casefold() for number in order.reported_tracking_numbers}
    if all(number.casefold() in there for number in numbers):
        missing = missing_at_dsco(order, lines, shipped_by_report(packages_of(body), lines).quantities)
        if missing:
            return partly_at_dsco(order, lines, numbers, missing)
        return outcomes.succeeded(",".join(numbers), confirmed=True)
    names = {"order": order.dsco_order_id, "numbers": ", ".join(numbers)}
    if is_cancelled(order, lines):
        return cancelled_after_shipment(order, numbers)
    if order.pk in undecided:
        return outcomes.needs_attention(
            "cancel_requested",
            _(
                "The retailer has asked to cancel order %(order)s, but package %(numbers)s has left. Skip the"
                " cancellation to refuse the request: the shipment then goes by itself. Or stop the package."
            )
            % names,
        )
    if not _is_acknowledged(row):
        return outcomes.waiting("waiting_for_acknowledgement")
    if exceeds(body, lines):
        return outcomes.needs_attention(
            "quantities_differ",
            _(
                "Order %(order)s: package %(numbers)s holds more than is still open of the order. Settle it with the"
                " retailer, report it in DSCO's portal and mark the shipment as done."
            )
            % names,
        )
    return blocked(order, policy.shipment_mode)


def _is_acknowledged(row: Shipment) -> bool:
    done = row.order.acknowledgement.status in (State.SUCCEEDED, State.SKIPPED)
    return done or is_acknowledged(row.order)


class ShipmentKind(QueuedOnceKind[Shipment]):
    """发货回传: the packages of an order as they were composed before the first call."""

    name: ClassVar[str] = "shipment"
    model = Shipment
    claim_size: ClassVar[int] = 500
    deadline = F("order__ship_by")

    def queryset(self) -> QuerySet[Shipment]:
        """Return shipments with order, lines and acknowledgement."""
        rows = Shipment.objects.select_related("order__acknowledgement").defer("order__payload")
        return rows.prefetch_related("order__lines")

    def check(self, deliveries: Sequence[Shipment], now: datetime) -> dict[int, Outcome]:
        """Held, cancelled, not acknowledged, more than is open, another report under way: nothing is sent.

        An order's shipments are locked together, so that two workers never send two of them; nobody waits for a lock.
        """
        taken = taken_besides(deliveries)
        found = conditions(deliveries)
        return found | {pk: outcomes.waiting("waiting_for_other_report") for pk in taken - found.keys()}

    def plan_send(self, deliveries: Sequence[Shipment]) -> Plan[Shipment]:
        """One call for each, or a batch when there are many."""
        client = DscoClient.from_settings()
        alone, together = alone_or_together(deliveries)
        calls = [Call([row], partial(_send_alone, client, row)) for row in alone]
        if together:
            calls.append(Call(together, partial(_send_together, client, together)))
        return Plan(calls)

    def entry(self, log: ChangeLog, row: Shipment) -> LogEntry | None:
        """Return what the log says of the order."""
        return log.entry_for_order(row.order.dsco_order_id)

    def done(self, row: Shipment, entry: LogEntry) -> Outcome:
        """DSCO has the packages."""
        return outcomes.succeeded(_reference(row), confirmed=True)

    def look(self, client: DscoClient, rows: Sequence[Shipment]) -> Callable[[Shipment], Outcome]:
        """Look at the packages that the order shows."""
        return partial(_shown_by_order, client)

    def recorded(self, pairs: Sequence[tuple[Shipment, Outcome]], now: datetime) -> None:
        """Note what DSCO itself has shown, and keep the orders' stages in step."""
        confirmed = [row.pk for row, outcome in pairs if outcome.data.get("confirmed")]
        if confirmed:
            Shipment.objects.filter(pk__in=confirmed).update(confirmed_at=now)
        # Only what a person composed can be a part; without a reference it was done elsewhere, as a whole.
        told = [row for row, outcome in pairs if row.status == State.SUCCEEDED and outcome.reference]
        composed = [row.order_id for row in told if row.chosen_by]
        if composed:
            open_rests(composed, now)
        refresh_stages(row.order_id for row, _outcome in pairs if row.status in (State.SUCCEEDED, State.SKIPPED))


register_kind(ShipmentKind())


def _reference(row: Shipment) -> str:
    return ",".join(numbers_in(row.body))


def _send_alone(client: DscoClient, row: Shipment) -> dict[int, Outcome]:
    client.single_shipment(report_of(row.order, row.body))
    return {row.pk: outcomes.succeeded(_reference(row))}


def _send_together(client: DscoClient, rows: Sequence[Shipment]) -> dict[int, Outcome]:
    reports = [report_of(row.order, row.body) for row in rows]
    return hand_in(rows, lambda: client.shipment_batch(reports))


def _shown_by_order(client: DscoClient, row: Shipment) -> Outcome:
    raw = client.get_order(row.order.dsco_order_id)
    if raw is None:
        return outcomes.still_pending()
    try:
        packages = DscoOrder.parse(raw).packages
    except UnreadableOrder as error:
        return outcomes.still_pending(str(error))
    there = {(package.tracking_number or "").strip().casefold() for package in packages}
    ours = numbers_in(row.body)
    found = [number for number in ours if number.casefold() in there]
    if len(found) == len(ours):
        return outcomes.succeeded(",".join(ours), confirmed=True)
    if not found:
        return outcomes.absent()
    return outcomes.needs_attention(
        "partly_reported",
        _(
            "DSCO shows only the packages %(found)s of order %(order)s; %(ours)s were reported. Report the rest in"
            " DSCO's portal and mark the shipment as done."
        )
        % {"order": row.order.dsco_order_id, "found": ", ".join(found), "ours": ", ".join(ours)},
    )

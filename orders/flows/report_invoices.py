"""Flow ``report_invoices``: what was shipped in full is invoiced, once.

DSCO takes an invoice only for what it shows as shipped itself, so an order waits until its own record says so: the
payload of the last pull, the change log of the shipment, or else the order as DSCO gives it when asked. The body is
composed and stored with its number before anything is sent (``orders/invoice_kind.py`` sends it).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from integrations.deliveries.releases import park, release, release_as_read, still_as_read
from integrations.deliveries.states import State
from integrations.dsco import DscoClient
from integrations.dsco.schemas import InvoiceBody
from integrations.errors import VendorError
from integrations.flows.context import FlowContext
from integrations.flows.registry import flow
from integrations.sentences import gettext as _
from integrations.stops import STOPPED_CODE

from ..intake import store_page
from ..invoice_kind import OUTDATED, conditions, outdated_text
from ..invoice_numbers import free_numbers, save_bodies
from ..invoices import (
    CannotInvoice,
    Coverage,
    Shipped,
    compose,
    is_outdated,
    packages_of,
    shipped_at_dsco,
    shipped_by_report,
)
from ..models import Invoice, InvoiceTiming, Order, OrderLine, Shipment
from ..policies import policies_for
from ..reported import TOLD, everything_reported, told_body
from .pull_orders import MARGIN

log = structlog.get_logger(__name__)
CHUNK = 500
MOST_TOGETHER = 1000
MOST_ASKED = 200
# The pages of recent changes that are looked through before orders are asked for one by one.
MOST_PAGES = 3
# What of an order says how much of it DSCO shows as shipped.
SHOWN_IN = ("payload__packages", "payload__lineItems")
DIFFERENCE_IS_FINAL_AFTER = timedelta(hours=24)


@flow("report_invoices", gettext_lazy("Report invoices to DSCO"), interval_seconds=300, position=5, delivers="invoice")
def report_invoices(context: FlowContext) -> None:
    """Compose the invoices of what DSCO shows as shipped in full, then send what is due."""
    invoices = Invoice.objects.all()
    if context.order_ids:
        invoices = invoices.filter(order__dsco_order_id__in=context.order_ids)
    _forget_outdated(invoices, context.now)
    unknown: list[Asked] = []
    for chunk in _chunks(_without_body(invoices)):
        unknown += _compose_known(context, chunk)
    _ask_dsco(context, unknown)
    _release_composed(invoices, context.now)
    ids = list(invoices.values_list("pk", flat=True)) if context.order_ids else None
    context.deliver("invoice", ids=ids)


def _without_body(invoices: QuerySet[Invoice]) -> QuerySet[Invoice]:
    """Invoices to compose: the shipments are done; also those that a person made due before there was a body."""
    rows = invoices.filter(status__in=[State.WAITING, State.DUE], invoice_id__isnull=True)
    return rows.filter(everything_reported("order"))


def _forget_outdated(invoices: QuerySet[Invoice], now: datetime) -> None:
    """Bodies that were not sent, of orders of which DSCO has changed a cost or a quantity since: a wrong amount."""
    rows = invoices.filter(status__in=[State.WAITING, State.DUE], invoice_id__isnull=False, maybe_sent=False)
    rows = rows.select_related("order").defer("order__payload").prefetch_related("order__lines")
    old = [row for row in rows if is_outdated(row.body, _lines(row))]
    if not old:
        return
    with transaction.atomic():
        same = set(still_as_read(old))
        Invoice.objects.filter(pk__in=same).update(invoice_id=None, total=None, body={})
        _park([row for row in old if row.pk in same], State.WAITING, OUTDATED, outdated_text(), now)


def _chunks(invoices: QuerySet[Invoice]) -> Iterable[list[Invoice]]:
    last = 0
    while True:
        rows = invoices.filter(pk__gt=last).order_by("pk").select_related("order").defer("order__payload")
        chunk = list(rows.prefetch_related("order__lines", "order__shipments")[:CHUNK])
        if chunk:
            yield chunk
        if len(chunk) < CHUNK:
            return
        last = chunk[-1].pk


@dataclass(frozen=True, slots=True, order=True)
class Asked:
    """An invoice for which DSCO must be asked, as much of it as is needed for that: there may be very many."""

    tried_at: datetime
    pk: int
    dsco_order_id: str
    shipped_at: datetime


def _compose_known(context: FlowContext, invoices: Sequence[Invoice]) -> list[Asked]:
    """Compose what our own records settle; return those for which DSCO must be asked."""
    policies = policies_for(invoice.order.retailer_id for invoice in invoices)
    never = [row for row in invoices if policies[row.order.retailer_id].invoice_timing == InvoiceTiming.NEVER]
    _park(never, State.SKIPPED, "policy_never", _("The retailer's policy says that it wants no invoices."), context.now)
    shown = _shown_at_last_pull(invoices)
    ready, unknown = [], []
    for invoice in invoices:
        if policies[invoice.order.retailer_id].invoice_timing == InvoiceTiming.NEVER:
            continue
        shipped = _shipped_by_our_records(invoice, shown[invoice.order_id])
        if shipped.coverage in (Coverage.FULL, Coverage.MORE):
            ready.append((invoice, shipped))
        else:
            ended = [row.finished_at for row in invoice.order.shipments.all() if row.finished_at]
            unknown.append(
                Asked(invoice.changed_at, invoice.pk, invoice.order.dsco_order_id, max(ended, default=context.now))
            )
    _store_bodies(context, ready)
    return unknown


def _shown_at_last_pull(invoices: Sequence[Invoice]) -> dict[int, Shipped]:
    """What the orders' payloads show as shipped, by the order; only that part of them is read."""
    lines = {invoice.order_id: _lines(invoice) for invoice in invoices}
    rows = Order.objects.filter(pk__in=lines).values_list("pk", "dsco_order_id", *SHOWN_IN)
    return {
        pk: shipped_at_dsco({"dscoOrderId": dsco_order_id, "packages": packages, "lineItems": items}, lines[pk])
        for pk, dsco_order_id, packages, items in rows
    }


def _shipped_by_our_records(invoice: Invoice, shown: Shipped) -> Shipped:
    """What DSCO's order showed at the last pull, or, where that is not enough, what its change log has confirmed."""
    order, lines = invoice.order, _lines(invoice)
    reported = packages_of(told_body(order.shipments.all()))
    confirmed_all = all(row.confirmed_at for row in order.shipments.all() if row.status in TOLD)
    if shown.coverage in (Coverage.NOTHING, Coverage.PART) and confirmed_all and reported:
        confirmed = shipped_by_report(reported, lines)
        return confirmed if confirmed.coverage != Coverage.NOTHING else shown
    return _with_reported_packages(shown, invoice)


def _with_reported_packages(shown: Shipped, invoice: Invoice) -> Shipped:
    """Our own report says best how the goods went; DSCO's packages serve where there is none."""
    reported = packages_of(told_body(invoice.order.shipments.all()))
    return Shipped(shown.quantities, reported or shown.packages, shown.coverage)


def _ask_dsco(context: FlowContext, invoices: Sequence[Asked]) -> None:
    """Read the orders that our records do not settle, those first that were tried least recently."""
    wanted = heapq.nsmallest(MOST_TOGETHER, invoices)
    if not wanted:
        return
    client = DscoClient.from_settings()
    raws = _changed_lately(context, client, wanted) if len(wanted) >= settings.BATCH_FROM else {}
    alone = [one for one in wanted if one.dsco_order_id not in raws][:MOST_ASKED]
    asked = [one for one in wanted if one.dsco_order_id in raws] + alone

    def read(dsco_order_id: str) -> object:
        try:
            return client.get_order(dsco_order_id)
        except VendorError as error:
            return error

    answers = context.in_parallel(read, [one.dsco_order_id for one in alone])
    errors = [answer for answer in answers if isinstance(answer, VendorError)]
    raws |= {str(raw["dscoOrderId"]): raw for raw in answers if isinstance(raw, dict)}
    context.released |= store_page(list(raws.values()), context.now).released
    read_ids = [one.pk for one in asked if one.dsco_order_id in raws]
    context.count("asked", len(asked))
    # Read again: what DSCO said may have changed the orders' lines, or the invoices themselves.
    for chunk in _chunks(_without_body(Invoice.objects.filter(pk__in=read_ids))):
        _settle(context, [(row, shipped_at_dsco(raws[row.order.dsco_order_id], _lines(row))) for row in chunk])
    unanswered = [one.pk for one in asked if one.dsco_order_id not in raws]
    Invoice.objects.filter(pk__in=unanswered).update(changed_at=context.now)  # others are asked first next time
    if errors and not read_ids:
        raise errors[0]
    if errors:
        context.count("not_read", len(errors))
        context.note(str(errors[0]))


def _changed_lately(context: FlowContext, client: DscoClient, asked: Sequence[Asked]) -> dict[str, dict[str, Any]]:
    """Find as many as possible of these orders on the pages of what changed at DSCO since they were shipped.

    One call tells of a thousand orders. What is not found, whyever, is asked for by itself.
    """
    wanted = {one.dsco_order_id for one in asked}
    until = context.now - MARGIN
    since = min(one.shipped_at for one in asked) - timedelta(minutes=1)
    found: dict[str, dict[str, Any]] = {}
    if not until - timedelta(hours=1) < since < until:
        return found
    pages = islice(client.order_pages(since=since, until=until, by="updated"), MOST_PAGES)
    try:
        for page in pages:
            found |= {str(raw["dscoOrderId"]): raw for raw in page if str(raw.get("dscoOrderId")) in wanted}
            if len(found) == len(wanted):
                break
    except VendorError as error:
        log.warning("pages_not_read", error=str(error))
    return found


def _lines(invoice: Invoice) -> list[OrderLine]:
    return list(invoice.order.lines.all())


def _settle(context: FlowContext, pairs: Sequence[tuple[Invoice, Shipped]]) -> None:
    """Compose what DSCO shows in full; the rest waits, or is shown to staff when it will not come by itself."""
    now = context.now
    by_coverage: dict[Coverage, list[tuple[Invoice, Shipped]]] = {coverage: [] for coverage in Coverage}
    for invoice, shipped in pairs:
        by_coverage[shipped.coverage].append((invoice, _with_reported_packages(shipped, invoice)))
    complete = by_coverage[Coverage.FULL] + by_coverage[Coverage.MORE]
    shown = [row.pk for invoice, _shipped in complete for row in invoice.order.shipments.all() if row.status in TOLD]
    Shipment.objects.filter(pk__in=shown, confirmed_at__isnull=True).update(confirmed_at=now)
    _store_bodies(context, complete)
    short = [row for row, _shipped in by_coverage[Coverage.PART] + by_coverage[Coverage.NOTHING]]
    final = [row for row in short if _is_final(row, now)]
    _park(final, State.NEEDS_ATTENTION, "quantities_differ", _differ_text(), now)
    partly = [row for row, _shipped in by_coverage[Coverage.PART] if row not in final]
    _park(partly, State.WAITING, "partly_shipped", _("DSCO does not show every line as shipped in full yet."), now)
    missing = [row for row, _shipped in by_coverage[Coverage.NOTHING] if row not in final]
    _park(missing, State.WAITING, "waiting_for_dsco", _("DSCO does not show the shipment yet."), now)


def _is_final(invoice: Invoice, now: datetime) -> bool:
    """Whether DSCO will hardly show more by itself: all was reported a day ago, or a person has given up the rest."""
    shipments = list(invoice.order.shipments.all())
    body = told_body(shipments)
    reported = shipped_by_report(packages_of(body), list(invoice.order.lines.all()))
    ended = [row.finished_at for row in shipments if row.finished_at is not None]
    final = len(ended) == len(shipments) and now - max(ended) > DIFFERENCE_IS_FINAL_AFTER
    rest_given_up = any(row.status == State.SKIPPED and row.reason_code == "staff" for row in shipments)
    return final and (reported.coverage in (Coverage.FULL, Coverage.MORE) or not body or rest_given_up)


def _differ_text() -> str:
    return _(
        "The shipment was reported a day ago, but DSCO still shows fewer units as shipped than are owed. Compare the"
        " order in the DSCO portal; when it is put right, retry. If it was invoiced there, mark this as done."
    )


def _store_bodies(context: FlowContext, ready: Sequence[tuple[Invoice, Shipped]]) -> None:
    """Compose the bodies and make them due, both or neither; what cannot be invoiced by itself needs a person."""
    numbers = free_numbers([invoice for invoice, _shipped in ready])
    composed = []
    for invoice, shipped in ready:
        try:
            composed.append((invoice, _body(invoice, shipped, numbers[invoice.pk], context.now)))
        except CannotInvoice as reason:
            _park([invoice], State.NEEDS_ATTENTION, reason.code, str(reason), context.now)
    with transaction.atomic():
        same = set(still_as_read([row for row, _body in composed]))  # a person may have skipped one meanwhile
        save_bodies([(row, body) for row, body in composed if row.pk in same])
        count = release(Invoice.objects.filter(pk__in=same), context.now)
    context.count("composed", count)


def _body(invoice: Invoice, shipped: Shipped, number: str, now: datetime) -> InvoiceBody:
    if shipped.coverage == Coverage.MORE:
        raise CannotInvoice(
            "quantities_differ",
            _(
                "DSCO shows more units as shipped than are owed after the cancellations. Invoice in the DSCO portal"
                " what was agreed with the retailer and mark this invoice as done."
            ),
        )
    # A row was made due without a body only when a person has retried it: that accepts rounding.
    retried = invoice.status == State.DUE or invoice.reason_code == "not_composed"
    lines = list(invoice.order.lines.all())
    return compose(invoice.order, lines, shipped, invoice_id=number, invoiced_at=now, accept_rounding=retried)


def _release_composed(invoices: QuerySet[Invoice], now: datetime) -> None:
    """Composed invoices that waited for the end of a hold, for the policy, or because an order was reopened."""
    rows = invoices.filter(status=State.WAITING, invoice_id__isnull=False)
    rows = rows.filter(everything_reported("order"))
    for chunk in _chunks(rows.exclude(reason_code=STOPPED_CODE)):  # released by the end of the stop
        stopped = conditions(chunk)
        release_as_read([row for row in chunk if row.pk not in stopped], now)


def _park(invoices: Sequence[Invoice], state: State, code: str, message: str, now: datetime) -> None:
    """Park rows; one that waits already only notes why, and when it was last looked at."""
    ids = [invoice.pk for invoice in invoices]
    if not ids:
        return
    rows = Invoice.objects.filter(pk__in=ids)
    if state == State.WAITING:
        rows.filter(status=State.WAITING).update(
            reason_code=code, last_error_code=code, last_error=message, changed_at=now
        )
    park(rows, state, code, message, now)

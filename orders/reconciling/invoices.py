"""DSCO's invoices compared with ours.

DSCO has no list of invoices: its change log says which were made in a span, by whatever way; the invoices of an order
that need a closer look are then read by its PO number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q

from integrations.deliveries.states import State
from integrations.dsco import DscoClient
from integrations.dsco.schemas import LogEntry

from ..invoices import belongs_to, to_cents
from ..issued_invoices import certainly_for, shared_po_numbers
from ..models import Source
from ..reading import Reads, read_each
from . import facts as our
from .facts import Facts
from .findings import Compared, Difference
from .troubles import unread_of

Raw = dict[str, Any]


def compare_log(reads: Reads, client: DscoClient, entries: Sequence[LogEntry], now: datetime) -> Compared:
    """Compare a page of the change log; orders whose invoice is not exactly ours are read from DSCO."""
    found = _orders_of(entries)
    by_order = {facts.dsco_order_id: facts for facts in found}
    by_po: dict[str, list[Facts]] = {}
    for facts in found:
        by_po.setdefault(facts.po_number, []).append(facts)
    equal: dict[int, Facts] = {}
    doubtful: dict[int, Facts] = {}
    for entry in entries:
        named = str(entry.payload.get("dscoOrderId") or "")
        meant = [by_order[named]] if named in by_order else [] if named else by_po.get(_po(entry), [])
        for facts in meant:
            (equal if _is_ours(entry.payload, facts) else doubtful)[facts.pk] = facts
    compared = examine(reads, client, list(doubtful.values()), now)
    compared.order_ids |= set(equal) - set(doubtful)
    return compared


def examine(reads: Reads, client: DscoClient, found: Sequence[Facts], now: datetime) -> Compared:
    """Read the invoices of these orders and compare; what cannot be read is left out.

    Raises VendorError when nothing can be read; then nothing has changed.
    """
    asked = [facts for facts in found if facts.po_number]
    read, failed = read_each(
        reads, lambda facts: client.get_invoices_by_order(facts.dsco_order_id, facts.po_number), asked
    )
    compared = Compared(Source.DSCO_INVOICES, order_ids={facts.pk for facts, _raws in read})
    compared.unread = unread_of((facts.dsco_order_id, error) for facts, error in failed)
    horizon = now - our.grace()
    shared = shared_po_numbers(facts.po_number for facts, raws in read if raws)
    for facts, of_order in read:
        certain = certainly_for(of_order, facts, shared, facts.invoice_id)
        difference = _judge(facts, certain, horizon)
        doubtful = [raw for raw in of_order if belongs_to(raw, facts) is None]
        if difference is None and not certain and doubtful and not facts.invoice.done:
            difference = _judge(facts, doubtful, horizon, "maybe_invoiced_by_hand")
        if difference is not None and facts.invoice.settles(horizon):
            compared.undecided.add(facts.pk)
        elif difference is not None:
            compared.differences.append(difference)
    return compared


def _judge(
    facts: Facts, raws: Sequence[Raw], horizon: datetime, by_hand: str = "invoiced_by_hand"
) -> Difference | None:
    theirs = {"numbers": sorted(str(raw.get("invoiceId")) for raw in raws), "totals": sorted(map(_total_text, raws))}
    ours = {"numbers": [facts.invoice_id] if facts.invoice_id else [], "totals": _own_total(facts)}
    if not facts.invoice.done:
        if raws and facts.invoice.status not in (State.SKIPPED, State.CANCELLED):
            return Difference(by_hand, facts.dsco_order_id, facts.pk, ours, theirs)
        return None
    if not raws:
        return Difference("invoice_lost", facts.dsco_order_id, facts.pk, ours, {}) if facts.invoice_id else None
    if len({str(raw.get("invoiceId")) for raw in raws}) > 1:
        return Difference("second_invoice", facts.dsco_order_id, facts.pk, ours, theirs)
    if facts.invoice_total is not None and _total(raws[-1]) != to_cents(facts.invoice_total):
        return Difference("amount_differs", facts.dsco_order_id, facts.pk, ours, theirs)
    return None


def _orders_of(entries: Iterable[LogEntry]) -> list[Facts]:
    ids = {str(entry.payload["dscoOrderId"]) for entry in entries if entry.payload.get("dscoOrderId")}
    numbers = {_po(entry) for entry in entries if not entry.payload.get("dscoOrderId")} - {""}
    return our.facts_of(Q(dsco_order_id__in=ids) | Q(po_number__in=numbers)) if ids or numbers else []


def _po(entry: LogEntry) -> str:
    return str(entry.payload.get("poNumber") or "")


def _is_ours(raw: Raw, facts: Facts) -> bool:
    same = str(raw.get("invoiceId") or "") == facts.invoice_id
    total = facts.invoice_total
    return facts.invoice.done and same and total is not None and _total(raw) == to_cents(total)


def _total(raw: Raw) -> Decimal | None:
    try:
        return to_cents(Decimal(str(raw.get("totalAmount"))))
    except ArithmeticError:
        return None


def _total_text(raw: Raw) -> str:
    total = _total(raw)
    return str(raw.get("totalAmount")) if total is None else str(total)


def _own_total(facts: Facts) -> list[str]:
    return [str(to_cents(facts.invoice_total))] if facts.invoice_total is not None else []

"""Invoices that were issued elsewhere (by finance, in DSCO's portal), and the documents of invoices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from integrations.deliveries import staff
from integrations.deliveries.states import State
from integrations.refusals import CannotDo
from integrations.sentences import gettext as _
from integrations.sentences import joined

from .events import record_events
from .invoices import Named, belongs_to
from .models import EventKind, Invoice, InvoiceDocument, Order


def shared_po_numbers(po_numbers: Iterable[str]) -> set[tuple[str, str]]:
    """Return which of these PO numbers several orders have: as (number, retailer), and as (number, "") for all."""
    rows = Order.objects.filter(po_number__in=set(po_numbers)).values_list("po_number", "retailer_id")
    found: Counter[tuple[str, str]] = Counter()
    for number, retailer_id in rows:
        found.update({(number, retailer_id), (number, "")})
    return {key for key, orders in found.items() if orders > 1}


def certainly_for(
    raws: Iterable[dict[str, Any]], order: Named, shared: Collection[tuple[str, str]], ours: str | None = None
) -> list[dict[str, Any]]:
    """Return those of DSCO's invoices that are this order's for certain.

    One that names nothing but a PO number is, unless several orders have that (``shared_po_numbers``). ours: the
    number under which we have sent it, which tells, too.
    """
    return [
        raw
        for raw in raws
        if (known := belongs_to(raw, order))
        or (
            known is None
            and (
                (order.po_number, str(raw.get("dscoRetailerId") or "").strip()) not in shared
                or (ours and raw.get("invoiceId") == ours)
            )
        )
    ]


def take_number(invoice: Invoice, number: str) -> bool:
    """Keep DSCO's number, by which the order is found; return whether it could be kept.

    Not where another invoice of ours has it, nor one that is longer than the column: cut off, it would be another.
    """
    longest = Invoice._meta.get_field("invoice_id").max_length or 0
    others = Invoice.objects.filter(invoice_id=number).exclude(pk=invoice.pk)
    if not number or len(number) > longest or others.exists():
        return False
    Invoice.objects.filter(pk=invoice.pk).update(invoice_id=number)
    return True


class CannotMark(CannotDo):
    """The invoice cannot be marked now; ``code`` and the message say why and what to do."""


def mark_issued(order_id: int, number: str, documents: Sequence[tuple[str, str]], reason: str, actor: str) -> Invoice:
    """Record that an order (primary key) has been invoiced under this number, and keep its documents (name, address).

    An invoice that is still owed is not sent any more. One that is issued already only gets the documents, if the
    number is the same. Doing it again changes nothing. Raises CannotMark.
    """
    now = timezone.now()
    with transaction.atomic():
        Order.objects.select_for_update(no_key=True).get(pk=order_id)
        invoice = Invoice.objects.select_for_update(of=("self",)).get(order=order_id)
        if Invoice.objects.filter(invoice_id=number).exclude(pk=invoice.pk).exists():
            raise CannotMark("number_taken", _("Another order has the invoice number %(n)s.") % {"n": number})
        if invoice.status == State.SUCCEEDED:
            if invoice.invoice_id not in (None, "", number):
                text = _("The order is invoiced under the number %(n)s.")
                raise CannotMark("other_number", text % {"n": invoice.invoice_id})
        elif not staff.mark_done(Invoice.KIND, [invoice.pk], actor, reason).changed:
            text = _("The invoice is %(state)s at this moment. Try again in some minutes.")
            raise CannotMark("in_flight", text % {"state": State(invoice.status).label})
        Invoice.objects.filter(pk=invoice.pk).update(invoice_id=number)
        known = set(invoice.documents.values_list("url", flat=True))
        new = [(name, url) for name, url in {url: (name, url) for name, url in documents}.values() if url not in known]
        InvoiceDocument.objects.bulk_create(
            InvoiceDocument(invoice=invoice, name=name, url=url, added_by=actor[:150], added_at=now)
            for name, url in new
        )
        text = _("Invoice %(n)s is issued.") % {"n": number}
        listed = joined([_("Documents: %(names)s.") % {"names": [name for name, _url in new]}]) if new else ""
        record_events([order_id], EventKind.STAFF, joined([text, listed, reason]), actor, now)
    invoice.refresh_from_db()
    return invoice

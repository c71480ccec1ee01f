"""Invoices get their numbers and bodies: chosen, stored, and chosen again where DSCO has the number already."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, transaction

from integrations.deliveries.writing import save_columns
from integrations.dsco.schemas import InvoiceBody

from .invoices import base_number, numbers_after, stored
from .models import Invoice


def free_numbers(invoices: Sequence[Invoice]) -> dict[int, str]:
    """Choose an invoice number for each: the PO number where nobody has it, else with a suffix."""
    bases = {base_number(invoice.order) for invoice in invoices}
    used = Invoice.objects.filter(invoice_id__in=bases).values_list("invoice_id", flat=True)
    taken = {number for number in used if number}
    for base in sorted(taken):
        like = Invoice.objects.filter(invoice_id__startswith=f"{base}-").values_list("invoice_id", flat=True)
        taken |= {number for number in like if number}
    chosen = {}
    for invoice in invoices:
        number = next(number for number in numbers_after(base_number(invoice.order)) if number not in taken)
        taken.add(number)
        chosen[invoice.pk] = number
    return chosen


def save_bodies(composed: Sequence[tuple[Invoice, InvoiceBody]]) -> None:
    """Store number, total and body; where a number was taken meanwhile, one by one with the next free one."""
    if not composed:
        return
    for invoice, body in composed:
        invoice.invoice_id, invoice.total, invoice.body = body.invoice_id, body.total_amount, stored(body)
    try:
        with transaction.atomic():
            save_columns([invoice for invoice, _body in composed], ["invoice_id", "total", "body"])
    except IntegrityError:
        for invoice, body in composed:
            renumber(invoice, body, "")


def renumber(invoice: Invoice, body: InvoiceBody, current: str) -> None:
    """Store the invoice under the next number that is free here; ``current`` is the one that is taken at DSCO."""
    for number in numbers_after(base_number(invoice.order), current):
        if Invoice.objects.filter(invoice_id=number).exclude(pk=invoice.pk).exists():
            continue
        body = body.model_copy(update={"invoice_id": number})
        Invoice.objects.filter(pk=invoice.pk).update(invoice_id=number, total=body.total_amount, body=stored(body))
        return

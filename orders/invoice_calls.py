"""The calls of the delivery kind ``invoice``. They run in HTTP threads and touch no database."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from integrations.deliveries import outcomes
from integrations.deliveries.kinds import Call
from integrations.deliveries.outcomes import Outcome
from integrations.dsco import DscoClient
from integrations.dsco.schemas import ChangeLog, InvoiceBody
from integrations.errors import ConfigurationError, Rejected

from .invoices import Coverage, belongs_to, same_invoice, shipped_at_dsco
from .models import Invoice, OrderLine

BATCH_SIZE = 500
BATCH_BYTES = 4_500_000  # DSCO takes 5 MB


def single(client: DscoClient, invoice: Invoice, *, doubtful: bool) -> Call[Invoice]:
    """Return the call that hands in one invoice. A refusal is looked into before it is believed.

    doubtful: an earlier call may have worked without being visible yet, which a refusal would not contradict.
    """
    body, lines = InvoiceBody.from_payload(invoice.body), list(invoice.order.lines.all())

    def run() -> dict[int, Outcome]:
        try:
            client.create_invoice(body)
        except Rejected as error:
            return {invoice.pk: _after_refusal(client, invoice, body, lines, error, doubtful)}
        return {invoice.pk: outcomes.succeeded(body.invoice_id)}

    return Call([invoice], run)


def _after_refusal(
    client: DscoClient,
    invoice: Invoice,
    body: InvoiceBody,
    lines: Sequence[OrderLine],
    error: Rejected,
    doubtful: bool,
) -> Outcome:
    """Say what a refusal means: done already, number taken by another order, too early, or refused indeed."""
    found = client.get_invoices(body.invoice_id)
    ours = [raw for raw in found if belongs_to(raw, body.dsco_order_id)]
    if ours:
        return _ours(ours, body)
    if found:
        message = _("Invoice number {number} belongs to another order at DSCO; the next one is tried.")
        outcome = outcomes.retry(
            "invoice_number_taken", message.format(number=body.invoice_id), solo=True, retry_after=0
        )
        return replace(outcome, data={"number_taken": body.invoice_id})
    raw = client.get_order(body.dsco_order_id)
    if raw is None or shipped_at_dsco(raw, lines).coverage in (Coverage.NOTHING, Coverage.PART):
        message = _("DSCO does not show the shipment yet: {words}").format(words=error.message)
        return outcomes.retry("shipment_not_visible", message)
    if doubtful:
        return outcomes.unknown(error.code, error.message)
    return _refused(client, invoice, body, error)


def _refused(client: DscoClient, invoice: Invoice, body: InvoiceBody, error: Rejected) -> Outcome:
    po_number = invoice.order.po_number
    others = client.get_invoices_by_order(body.dsco_order_id, po_number) if po_number else []
    if others:
        numbers = ", ".join(str(raw.get("invoiceId")) for raw in others)
        return outcomes.needs_attention(
            "invoiced_elsewhere",
            _(
                "DSCO refused the invoice ({words}) and already has another one for this order: {numbers}. Compare it"
                " in the DSCO portal; if it is right, mark this invoice as done."
            ).format(words=error.message, numbers=numbers),
        )
    return outcomes.rejected(error.code, error.message)


def _ours(raws: Sequence[dict[str, Any]], body: InvoiceBody) -> Outcome:
    for raw in raws:
        if same_invoice(raw, body):
            return outcomes.succeeded(str(raw.get("dscoInvoiceId") or body.invoice_id))
    return outcomes.needs_attention(
        "invoice_differs",
        _(
            "DSCO has invoice {number} for this order with the total {total}, ours is {ours}. Compare both in the DSCO"
            " portal; if DSCO's is right, mark this invoice as done."
        ).format(number=body.invoice_id, total=raws[0].get("totalAmount"), ours=body.total_amount),
    )


# --- Many at once -------------------------------------------------------------------------------------


def batches(client: DscoClient, invoices: Sequence[Invoice]) -> list[Call[Invoice]]:
    """Return the calls that hand in many invoices, within the size that DSCO takes."""
    return [_batch(client, part) for part in _parts(invoices)]


def _batch(client: DscoClient, invoices: Sequence[Invoice]) -> Call[Invoice]:
    bodies = [InvoiceBody.from_payload(invoice.body) for invoice in invoices]

    def run() -> dict[int, Outcome]:
        try:
            accepted = client.invoice_batch(bodies)
        except (ConfigurationError, Rejected) as error:
            if error.http_status not in (403, 404, 405):
                raise
            # An account without the batch operation still has the single one.
            one = outcomes.retry("batch_unavailable", error.message, solo=True, retry_after=0)
            return {invoice.pk: one for invoice in invoices}
        return {invoice.pk: outcomes.accepted(accepted.request_id) for invoice in invoices}

    return Call(invoices, run)


def _parts(invoices: Sequence[Invoice]) -> Iterable[list[Invoice]]:
    part: list[Invoice] = []
    size = 0
    for invoice in invoices:
        length = len(json.dumps(invoice.body, ensure_ascii=False).encode())
        if part and (len(part) == BATCH_SIZE or size + length > BATCH_BYTES):
            yield part
            part, size = [], 0
        part.append(invoice)
        size += length
    if part:
        yield part


def polls(client: DscoClient, invoices: Sequence[Invoice]) -> list[Call[Invoice]]:
    """Return one question to the change log for each batch."""
    by_request: dict[str, list[Invoice]] = defaultdict(list)
    for invoice in invoices:
        by_request[invoice.remote_request_id].append(invoice)
    return [_poll(client, request_id, group) for request_id, group in by_request.items()]


def _poll(client: DscoClient, request_id: str, invoices: Sequence[Invoice]) -> Call[Invoice]:
    def run() -> dict[int, Outcome]:
        log = client.invoice_log(request_id)
        return {invoice.pk: _verdict(client, invoice, log) for invoice in invoices}

    return Call(invoices, run)


def _verdict(client: DscoClient, invoice: Invoice, log: ChangeLog) -> Outcome:
    body = InvoiceBody.from_payload(invoice.body)
    entry = log.entry_for_invoice(body.invoice_id)
    if entry is not None and entry.status == "success":
        return outcomes.succeeded(body.invoice_id)
    if entry is not None and entry.status == "failure":
        # Alone it gets the verdict of the operation that answers at once, and a look at what DSCO has.
        return outcomes.retry(entry.code or "batch_failure", entry.messages_text, solo=True, retry_after=0)
    if not log.completed:
        return outcomes.still_pending()
    ours = [raw for raw in client.get_invoices(body.invoice_id) if belongs_to(raw, body.dsco_order_id)]
    return _ours(ours, body) if ours else outcomes.still_pending(_("DSCO's log does not mention this invoice."))


def verification(client: DscoClient, invoice: Invoice) -> Call[Invoice]:
    """Return the reads that tell whether the invoice is at DSCO: the batch's log, if there is one, and GET /invoice."""
    body = InvoiceBody.from_payload(invoice.body)
    request_id = invoice.remote_request_id

    def run() -> dict[int, Outcome]:
        if request_id:
            entry = client.invoice_log(request_id).entry_for_invoice(body.invoice_id)
            if entry is not None and entry.status == "success":
                return {invoice.pk: outcomes.succeeded(body.invoice_id)}
        ours = [raw for raw in client.get_invoices(body.invoice_id) if belongs_to(raw, body.dsco_order_id)]
        return {invoice.pk: _ours(ours, body) if ours else outcomes.absent()}

    return Call([invoice], run)

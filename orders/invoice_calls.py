"""The calls of the delivery kind ``invoice``. They run in HTTP threads and touch no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from integrations.deliveries import outcomes
from integrations.deliveries.kinds import Call
from integrations.deliveries.outcomes import Outcome
from integrations.dsco import DscoClient
from integrations.dsco.queued import batches, hand_in
from integrations.dsco.schemas import InvoiceBody
from integrations.errors import Rejected
from integrations.sentences import gettext as _

from .invoices import Coverage, belongs_to, same_total, shipped_at_dsco
from .models import Invoice, OrderLine

BATCH_SIZE = 500


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
    known = _known(found, invoice, body)
    if known is not None:
        return known
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


def _known(found: Sequence[dict[str, Any]], invoice: Invoice, body: InvoiceBody) -> Outcome | None:
    """What the invoices with our number say of ours; None when they are other orders'."""
    ours = [raw for raw in found if belongs_to(raw, invoice.order)]
    if ours:
        return _ours(ours, body)
    if all(belongs_to(raw, invoice.order) is False for raw in found):
        return None
    return outcomes.needs_attention(
        "invoiced_elsewhere",
        _(
            "DSCO has an invoice {number} that does not say for which order it is. Look at it in the DSCO portal: if it"
            " is this order's, mark this invoice as done; if not, invoice the order there and mark this one as done."
        ).format(number=body.invoice_id),
    )


def _ours(raws: Sequence[dict[str, Any]], body: InvoiceBody) -> Outcome:
    for raw in raws:
        if same_total(raw, body):
            return outcomes.succeeded(str(raw.get("dscoInvoiceId") or body.invoice_id))
    return outcomes.needs_attention(
        "invoice_differs",
        _(
            "DSCO has invoice {number} for this order with the total {total}, ours is {ours}. Compare both in the DSCO"
            " portal; if DSCO's is right, mark this invoice as done."
        ).format(number=body.invoice_id, total=raws[0].get("totalAmount"), ours=body.total_amount),
    )


# --- Many at once -------------------------------------------------------------------------------------


def together(client: DscoClient, invoices: Sequence[Invoice]) -> list[Call[Invoice]]:
    """Return the calls that hand in many invoices, within the size that DSCO takes."""
    return [_batch(client, part) for part in batches(invoices, lambda invoice: invoice.body, BATCH_SIZE)]


def _batch(client: DscoClient, invoices: Sequence[Invoice]) -> Call[Invoice]:
    bodies = [InvoiceBody.from_payload(invoice.body) for invoice in invoices]
    return Call(invoices, lambda: hand_in(invoices, lambda: client.invoice_batch(bodies)))


def shown(client: DscoClient, invoice: Invoice) -> Outcome:
    """Look at DSCO's invoices with our number: done, something else, or absent."""
    body = InvoiceBody.from_payload(invoice.body)
    return _known(client.get_invoices(body.invoice_id), invoice, body) or outcomes.absent()

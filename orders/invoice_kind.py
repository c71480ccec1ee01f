"""The delivery kind ``invoice``: one invoice for one DSCO order. The calls stand in ``orders/invoice_calls.py``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar

from django.db.models import F, QuerySet

from integrations.deliveries import outcomes
from integrations.deliveries.kinds import Plan, register_kind
from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.states import State
from integrations.dsco import DscoClient
from integrations.dsco.queued import QueuedOnceKind, alone_or_together
from integrations.dsco.schemas import ChangeLog, InvoiceBody, LogEntry
from integrations.models import Attempt, AttemptAction
from integrations.sentences import gettext as _

from . import invoice_calls
from .conditions import blocked, is_cancelled
from .invoice_numbers import renumber
from .invoices import is_outdated
from .models import Invoice, InvoiceTiming
from .policies import policies_for
from .stages import refresh_stages

OUTDATED = "recompose"
# A refusal after so many lost replies may mean that an earlier call did work and only is not visible yet.
DOUBTED = range(1, 4)


def conditions(invoices: Sequence[Invoice]) -> dict[int, Outcome]:
    """Return why each of these may not be sent now; what may is not in the answer."""
    policies = policies_for(invoice.order.retailer_id for invoice in invoices)
    stopped = {}
    for invoice in invoices:
        policy = policies[invoice.order.retailer_id]
        if policy.invoice_timing == InvoiceTiming.NEVER:
            stopped[invoice.pk] = outcomes.skipped("policy_never", _("The retailer's policy wants no invoices."))
        elif is_cancelled(invoice.order, invoice.order.lines.all()):
            stopped[invoice.pk] = outcomes.needs_attention("cancelled_after_shipment", _cancelled_text())
        elif not invoice.invoice_id:
            stopped[invoice.pk] = outcomes.waiting("not_composed", _("DSCO's record is looked at first."))
        elif is_outdated(invoice.body, list(invoice.order.lines.all())):
            stopped[invoice.pk] = outcomes.waiting(OUTDATED, outdated_text())
        elif reason := blocked(invoice.order, policy.invoice_mode):
            stopped[invoice.pk] = reason
    return stopped


def outdated_text() -> str:
    """Say why an invoice that is composed already is not sent."""
    return _("The order has changed since the invoice was composed; it is composed again.")


def _cancelled_text() -> str:
    return _(
        "The order was cancelled at DSCO after it had been shipped. Agree with the retailer what is owed; invoice it in"
        " the DSCO portal and mark this invoice as done, or skip it."
    )


class InvoiceKind(QueuedOnceKind[Invoice]):
    """发票: one invoice for one DSCO order."""

    name: ClassVar[str] = "invoice"
    model = Invoice
    claim_size: ClassVar[int] = 500
    deadline = F("order__invoice_by")

    def queryset(self) -> QuerySet[Invoice]:
        """Return invoices with their orders, lines and shipments."""
        return Invoice.objects.select_related("order").defer("order__payload").prefetch_related("order__lines")

    def check(self, deliveries: Sequence[Invoice], now: datetime) -> dict[int, Outcome]:
        """Held, cancelled, not wanted, switched off, or not composed yet: nothing is sent."""
        return conditions(deliveries)

    def plan_send(self, deliveries: Sequence[Invoice]) -> Plan[Invoice]:
        """Send one by one when they are few, else in batches."""
        client = DscoClient.from_settings()
        alone, together = alone_or_together(deliveries)
        doubts = _uncertain_attempts([invoice for invoice in deliveries if invoice.attempts > 1])
        calls = [invoice_calls.single(client, invoice, doubtful=doubts[invoice.pk] in DOUBTED) for invoice in alone]
        return Plan(calls + invoice_calls.together(client, together))

    def read_log(self, client: DscoClient, request_id: str) -> ChangeLog:
        """Invoices have a change log of their own."""
        return client.invoice_log(request_id)

    def entry(self, log: ChangeLog, row: Invoice) -> LogEntry | None:
        """Return what the log says of the invoice."""
        return log.entry_for_invoice(row.invoice_id or "")

    def done(self, row: Invoice, entry: LogEntry) -> Outcome:
        """DSCO has the invoice."""
        return outcomes.succeeded(row.invoice_id or "")

    def look(self, client: DscoClient, rows: Sequence[Invoice]) -> Callable[[Invoice], Outcome]:
        """Look for the invoice under our number."""
        return partial(invoice_calls.shown, client)

    def recorded(self, pairs: Sequence[tuple[Invoice, Outcome]], now: datetime) -> None:
        """Give a new number to what met a foreign invoice under its own; stages follow."""
        for invoice, outcome in pairs:
            if taken := outcome.data.get("number_taken"):
                renumber(invoice, InvoiceBody.from_payload(invoice.body), str(taken))
        refresh_stages(
            invoice.order_id for invoice, outcome in pairs if outcome.state in (State.SUCCEEDED, State.SKIPPED)
        )


register_kind(InvoiceKind())


def _uncertain_attempts(invoices: Sequence[Invoice]) -> Counter[int]:
    """Count, for each, the earlier attempts that may have reached DSCO."""
    ids = [invoice.pk for invoice in invoices]
    attempts = Attempt.objects.filter(
        kind="invoice", delivery_id__in=ids, action=AttemptAction.SEND, outcome=State.UNCERTAIN
    )
    return Counter(attempts.values_list("delivery_id", flat=True) if ids else ())

"""REST: the invoice of an order, and marking it as issued elsewhere, with its documents."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.idempotency import once
from integrations.api.problems import Problem, not_possible
from integrations.api.schema import described
from integrations.api.views import Nothing, Strict, checked_body, checked_query, many

from ..issued_invoices import mark_issued
from ..models import Invoice, Order
from .actions import OrderWrite
from .examples import INVOICE
from .facts import money
from .shapes import STATES, moment


class DocumentBody(Strict):
    """A document of an invoice."""

    name = s.CharField(max_length=200)
    url = s.URLField(max_length=1000, help_text="Where it is kept; OrderBridge stores no file.")


class IssuedBody(Strict):
    """Under which number it was issued."""

    invoice_number = s.CharField(max_length=120)
    documents = many(DocumentBody, required=False, default=list, max_length=50)
    reason = s.CharField(max_length=300, help_text="Who issued it, and where.")


class DocumentShape(s.Serializer[Any]):
    """A document of an invoice."""

    name = s.CharField()
    url = s.CharField()
    added_by = s.CharField()
    added_at = s.DateTimeField()


class InvoiceShape(s.Serializer[Any]):
    """The invoice of an order."""

    dsco_order_id = s.CharField()
    status = s.ChoiceField(STATES)
    issued = s.BooleanField()
    invoice_number = s.CharField(allow_null=True)
    total = s.DecimalField(14, 2, allow_null=True, help_text="null: not computed here.")
    finished_at = moment()
    documents = DocumentShape(many=True)


class InvoiceOfOrder(OrderWrite):
    """The invoice of an order."""

    to_write: ClassVar[str] = "orders.skip_delivery"

    @described("The invoice of an order", InvoiceShape, example=INVOICE, problems=["not_found"])
    def get(self, request: Request, dsco_order_id: str) -> Response:
        """Its number, state and documents."""
        checked_query(request, Nothing)
        return Response(_invoice(self.order(dsco_order_id)))

    @described(
        "Mark the invoice as issued", InvoiceShape, example=INVOICE, body=IssuedBody, problems=["not_found"],
        refusals=["in_flight", "other_number", "number_taken"],
        send={
            "invoice_number": "INV-2026-00017", "reason": "Issued by finance",
            "documents": [{"name": "INV-2026-00017.pdf", "url": "https://files.example.com/INV-2026-00017.pdf"}],
        },
    )  # fmt: skip
    @once
    def post(self, request: Request, dsco_order_id: str) -> Response:
        """Issued elsewhere: OrderBridge sends none any more. Issued by OrderBridge: the documents are added."""
        body = checked_body(request, IssuedBody)
        order = self.order(dsco_order_id)
        documents = [(one["name"], one["url"]) for one in body["documents"]]
        with not_possible():
            mark_issued(order.pk, body["invoice_number"], documents, body["reason"], self.actor)
        return Response(_invoice(order))


def _invoice(order: Order) -> dict[str, Any]:
    rows: QuerySet[Invoice] = Invoice.objects.filter(order=order).prefetch_related("documents")
    row = rows.first()
    if row is None:
        raise Problem("not_found", f"Order {order.dsco_order_id} has no invoice.", code="no_invoice")
    return {
        "dsco_order_id": order.dsco_order_id, "status": row.status, "issued": row.status == "succeeded",
        "invoice_number": row.invoice_id, "total": money(row.total), "finished_at": row.finished_at,
        "documents": [
            {"name": one.name, "url": one.url, "added_by": one.added_by, "added_at": one.added_at}
            for one in row.documents.all()
        ],
    }  # fmt: skip

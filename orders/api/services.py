"""REST: the order services that a neighbouring system asks for (docs/order-services.md maps each of them)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.idempotency import once
from integrations.api.problems import Problem
from integrations.api.schema import described
from integrations.api.views import Nothing, Strict, checked_body, checked_query, many
from integrations.sentences import told

from ..issued_invoices import CannotMark, mark_issued
from ..models import Cancellation, Discrepancy, Invoice, Order, PauseOutcome
from ..order_story import load_story, with_steps
from ..pause_for_cancellation import Answer, Answered, answer_of, pause, resume_order, set_cancelled
from ..staff_cancellations import CannotCancel
from ..standing import standing_of, with_standing
from ..starting import start_for_order
from ..tracking_changes import SITUATION, CannotChange, Carriage, keep_change
from .actions import CANNOT_CANCEL, OrderWrite, Reason
from .examples import ANSWERED, CHANGE, INVOICE, SHIPPED, STANDING
from .facts import money
from .orders import OrderView
from .shapes import STATES, moment, words
from .status_shapes import StandingShape, furthest, standing

FLOW = "apply_cancellations"
ANSWERS = [str(value) for value in Answer.values]


# --- Pause for cancellation, is cancelled, set cancelled ------------------------------------------------


class PartAnswerShape(s.Serializer[Any]):
    """The answer for one part of an order that LingXing has split."""

    erp_order_number = s.CharField()
    answer = s.ChoiceField(ANSWERS)


class PauseShape(s.Serializer[Any]):
    """The question, and how it ended."""

    code = s.CharField()
    reason = words()
    asked_by = s.CharField()
    asked_at = s.DateTimeField()
    erp_asked = s.BooleanField(help_text="LingXing had the order and was asked to stop it.")
    outcome = s.ChoiceField([str(value) for value in PauseOutcome.values])
    ended_at = moment()
    result = words()


class StepRowShape(s.Serializer[Any]):
    """A follow-up action: a delivery of its own, with its own key."""

    key = s.CharField()
    status = s.ChoiceField(STATES)
    last_error = words()


class AnsweredShape(s.Serializer[Any]):
    """Whether the order can be cancelled."""

    dsco_order_id = s.CharField()
    answer = s.ChoiceField(ANSWERS)
    meaning = s.CharField()
    held = s.BooleanField()
    pause = PauseShape(allow_null=True, help_text="The last question; null: nobody has asked.")
    parts = PartAnswerShape(many=True)
    actions = StepRowShape(many=True, help_text="What follows: first LingXing, then DSCO.")


class WhyCancelled(Strict):
    """Why."""

    reason = s.CharField(max_length=300)
    code = s.CharField(
        required=False, default="", allow_blank=True, max_length=30,
        help_text="DSCO's cancel code; left out: the retailer's usual one.",
    )  # fmt: skip


class CancellingView(OrderWrite):
    """An address about cancelling."""

    to_write: ClassVar[str] = "orders.cancel_order"

    def answered(self, order: Order, found: Answered) -> Response:
        """Return the answer as it is now, and let the flow go on for the order."""
        if (
            found.answer in (Answer.ASKED, Answer.BEING_PUSHED, Answer.ALREADY_CANCELLED)
            and self.request.method != "GET"
        ):
            start_for_order(FLOW, order.dsco_order_id, self.actor)
        question = found.pause
        rows = Cancellation.objects.filter(order=order).order_by("-action")
        return Response(
            {
                "dsco_order_id": order.dsco_order_id, "answer": found.answer, "meaning": str(found.answer.label),
                "held": Order.objects.values_list("held", flat=True).get(pk=order.pk),
                "pause": {
                    "code": question.code, "reason": question.reason, "asked_by": question.actor,
                    "asked_at": question.asked_at, "erp_asked": question.erp_asked, "outcome": question.outcome,
                    "ended_at": question.ended_at, "result": told(question.result),
                } if question else None,
                "parts": [{"erp_order_number": row.global_order_no, "answer": one} for row, one in found.parts],
                "actions": [
                    {"key": row.key, "status": row.status, "last_error": told(row.last_error)} for row in rows
                ],
            }
        )  # fmt: skip


class CancellationPauses(CancellingView):
    """Pausing an order for a cancellation."""

    @described(
        "Whether an order paused for cancellation can be cancelled",
        AnsweredShape,
        example=ANSWERED,
        problems=["not_found"],
    )
    def get(self, request: Request, dsco_order_id: str) -> Response:
        """The present answer, also for each part of a split order. Changes nothing."""
        checked_query(request, Nothing)
        order = self.order(dsco_order_id)
        return self.answered(order, answer_of(order))

    @described(
        "Pause an order for cancellation", AnsweredShape, example=ANSWERED, body=WhyCancelled, problems=["not_found"],
        refusals=CANNOT_CANCEL, send={"reason": "The customer has changed his mind", "code": "CXSC"},
    )  # fmt: skip
    @once
    def post(self, request: Request, dsco_order_id: str) -> Response:
        """Not in LingXing: the order is held, `may_cancel`; then set it to cancelled, or resume it. In LingXing:
        `asked`; LingXing is told to stop it, then the retailer. Its answer comes with GET: `already_cancelled`, or
        `refused`, in which case the order goes on by itself. Shipped: `return_only`."""
        body = checked_body(request, WhyCancelled)
        order = self.order(dsco_order_id)
        try:
            return self.answered(order, pause(order.pk, body["reason"], body["code"], self.actor))
        except CannotCancel as error:
            raise Problem("not_possible", str(error), code=error.code) from None


class ResumeOrder(CancellingView):
    """Taking the question back."""

    @described(
        "Resume an order that is paused for cancellation", AnsweredShape, example=ANSWERED,
        body=Reason, problems=["not_found"],
        refusals=["not_paused", "asked"], send={"reason": "The customer wants it after all"},
    )  # fmt: skip
    @once
    def post(self, request: Request, dsco_order_id: str) -> Response:
        """The order goes on. Not possible any more once LingXing has been told: its answer comes first."""
        reason = checked_body(request, Reason)["reason"]
        order = self.order(dsco_order_id)
        try:
            return self.answered(order, resume_order(order.pk, reason, self.actor))
        except CannotCancel as error:
            raise Problem("not_possible", str(error), code=error.code) from None


class SetCancelled(CancellingView):
    """Setting an order to cancelled."""

    @described(
        "Set an order to cancelled", AnsweredShape, example=ANSWERED,
        body=WhyCancelled, problems=["not_found"], refusals=CANNOT_CANCEL,
        send={"reason": "Agreed with the customer", "code": "CXSC"},
    )  # fmt: skip
    @once
    def post(self, request: Request, dsco_order_id: str) -> Response:
        """Cancels everything that is open, whether it is paused for that or not. Cancelled already: changes nothing."""
        body = checked_body(request, WhyCancelled)
        order = self.order(dsco_order_id)
        try:
            return self.answered(order, set_cancelled(order.pk, body["code"], body["reason"], self.actor))
        except CannotCancel as error:
            raise Problem("not_possible", str(error), code=error.code) from None


class IsCancelledShape(s.Serializer[Any]):
    """Whether nothing of the order will be shipped any more, and what each side shows."""

    dsco_order_id = s.CharField()
    cancelled = s.BooleanField()
    requested_by_retailer = s.BooleanField()
    cancelled_units = s.IntegerField(help_text="As DSCO shows it.")
    open_units = s.IntegerField()
    stopped_in_lingxing = s.BooleanField()


class IsCancelled(OrderView):
    """Whether an order is cancelled."""

    @described("Whether an order is cancelled", IsCancelledShape, problems=["not_found"])
    def get(self, request: Request, dsco_order_id: str) -> Response:
        """Cancelled means that nothing will be shipped: DSCO shows it, or we have stopped it everywhere."""
        checked_query(request, Nothing)
        order = self.order(dsco_order_id, Order.objects.prefetch_related("lines").defer("payload"))
        answered, lines = answer_of(order), list(order.lines.all())
        return Response(
            {
                "dsco_order_id": order.dsco_order_id, "cancelled": answered.answer == Answer.ALREADY_CANCELLED,
                "requested_by_retailer": order.cancel_requested or any(line.cancel_requested for line in lines),
                "cancelled_units": sum(line.cancelled_quantity for line in lines),
                "open_units": sum(line.open_quantity for line in lines),
                "stopped_in_lingxing": bool(answered.parts) and all(row.dead for row, _one in answered.parts),
            }
        )  # fmt: skip


# --- Status, furthest state, shipped quantities ---------------------------------------------------------


class Status(OrderView):
    """Where one order stands."""

    @described("Where an order stands", StandingShape, example=STANDING, problems=["not_found"])
    def get(self, request: Request, dsco_order_id: str) -> Response:
        """What each side has, why it waits, its cancellations, and what came back (`returns`)."""
        checked_query(request, Nothing)
        return Response(standing(standing_of(self.order(dsco_order_id, with_standing(Order.objects.all())))))


class FurthestStateShape(s.Serializer[Any]):
    """The furthest state of an order's parts."""

    dsco_order_id = s.CharField()
    stage = s.CharField()
    status = s.IntegerField(allow_null=True, help_text="LingXing's order status; null: not in LingXing.")
    status_name = words()
    parts = s.IntegerField(help_text="Into how many ERP orders it is split; re-shipments are none.")


class FurthestState(OrderView):
    """How far the furthest part of a split order is."""

    @described("The furthest state of a split order's parts", FurthestStateShape, problems=["not_found"])
    def get(self, request: Request, dsco_order_id: str) -> Response:
        """Of the ERP orders that carry the order now; cancelled and deleted parts and re-shipments don't count."""
        checked_query(request, Nothing)
        found = standing_of(self.order(dsco_order_id, with_standing(Order.objects.all())))
        far = furthest(found) or {"status": None, "status_name": ""}
        head = {"dsco_order_id": found.order.dsco_order_id, "stage": found.order.stage, "parts": len(found.parts)}
        return Response(head | far)


class ShippedLineShape(s.Serializer[Any]):
    """What actually left of a line."""

    position = s.IntegerField()
    sku = words()
    ordered = s.IntegerField()
    cancelled = s.IntegerField()
    shipped = s.IntegerField(help_text="In packages that have left the warehouse.")
    packed = s.IntegerField(help_text="In packages that have left, or will.")
    reported = s.IntegerField(help_text="As DSCO was told or shows.")


class ShippedShape(s.Serializer[Any]):
    """The quantities actually shipped, by line."""

    dsco_order_id = s.CharField()
    complete = s.BooleanField(help_text="Every open unit has left.")
    lines = ShippedLineShape(many=True)


class ShippedQuantities(OrderView):
    """What actually left the warehouse."""

    @described("Quantities actually shipped, by line", ShippedShape, example=SHIPPED, problems=["not_found"])
    def get(self, request: Request, dsco_order_id: str) -> Response:
        """From LingXing's outbound orders. They are what is reported and invoiced, also when less was shipped."""
        checked_query(request, Nothing)
        story = load_story(self.order(dsco_order_id, with_steps(Order.objects.all())))
        shipped: dict[int, int] = {}
        for package in (one for one in story.packages if one.shipped and not one.ignored):
            for line in package.lines.all():
                shipped[line.order_line_id or 0] = shipped.get(line.order_line_id or 0, 0) + line.quantity
        lines = [
            {
                "position": line.position, "sku": line.sku, "ordered": line.quantity,
                "cancelled": line.cancelled_quantity, "shipped": shipped.get(line.pk, 0),
                "packed": story.quantities[line.position].packed, "reported": story.quantities[line.position].reported,
            }
            for line in story.lines
        ]  # fmt: skip
        complete = all(shipped.get(line.pk, 0) >= line.open_quantity for line in story.lines)
        return Response({"dsco_order_id": story.order.dsco_order_id, "complete": complete, "lines": lines})


# --- Carrier or tracking change ---------------------------------------------------------------------------


class ChangeBody(Strict):
    """How a reported package travels now."""

    reported_tracking_number = s.CharField(max_length=100, help_text="Under which number DSCO was told of it.")
    tracking_number = s.CharField(max_length=100, help_text="The number now; the same, if only the carrier changed.")
    carrier = s.CharField(required=False, default="", allow_blank=True, max_length=120)
    method = s.CharField(required=False, default="", allow_blank=True, max_length=120)
    reason = s.CharField(max_length=300)


class CarriageShape(s.Serializer[Any]):
    """A package and its carrier."""

    tracking = s.ListField(child=s.CharField())
    carrier = words()
    method = words()
    reason = s.CharField(required=False, allow_blank=True)


class ChangeShape(s.Serializer[Any]):
    """A change, and the task that it is for staff."""

    id = s.IntegerField(help_text="Of the difference in the admin.")
    reported = CarriageShape()
    now = CarriageShape()
    first_seen_at = s.DateTimeField()
    closed_at = moment("When a person settled it.")
    closed_by = words()
    result = words()


class ChangesShape(s.Serializer[Any]):
    """All changes, newest first."""

    results = ChangeShape(many=True)


class TrackingChanges(OrderWrite):
    """Carrier or tracking number changed after the shipment was reported."""

    to_write: ClassVar[str] = "orders.compose_shipment"

    @described("Changes of carrier or tracking number", ChangesShape, problems=["not_found"])
    def get(self, request: Request, dsco_order_id: str) -> Response:
        """Every change that was told after DSCO had been told, newest first."""
        checked_query(request, Nothing)
        rows = Discrepancy.objects.filter(order=self.order(dsco_order_id), code=SITUATION).order_by("-pk")[:100]
        return Response({"results": [_change(row) for row in rows]})

    @described(
        "Tell a change of carrier or tracking number", ChangeShape, example=CHANGE,
        body=ChangeBody, problems=["not_found"],
        refusals=["not_reported", "nothing_changed"],
        send={
            "reported_tracking_number": "1Z999AA10123456784", "tracking_number": "9400100000000000000000",
            "carrier": "USPS", "method": "Priority", "reason": "Handed over to another carrier",
        },
    )  # fmt: skip
    @once
    def post(self, request: Request, dsco_order_id: str) -> Response:
        """Kept, shown, and a task for staff (Differences). Nothing is reported to DSCO a second time by itself."""
        body = checked_body(request, ChangeBody)
        order = self.order(dsco_order_id)
        carriage = Carriage(body["tracking_number"], body["carrier"], body["method"])
        try:
            row = keep_change(order.pk, body["reported_tracking_number"], carriage, body["reason"], self.actor)
        except CannotChange as error:
            raise Problem("not_possible", str(error), code=error.code) from None
        return Response(_change(row))


def _change(row: Discrepancy) -> dict[str, Any]:
    return {
        "id": row.pk, "reported": row.ours, "now": row.theirs, "first_seen_at": row.first_seen_at,
        "closed_at": row.closed_at, "closed_by": row.closed_by, "result": told(row.result),
    }  # fmt: skip


# --- Invoices ---------------------------------------------------------------------------------------------


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
        try:
            mark_issued(order.pk, body["invoice_number"], documents, body["reason"], self.actor)
        except CannotMark as error:
            raise Problem("not_possible", str(error), code=error.code) from None
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

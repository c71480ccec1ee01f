"""REST: pause an order for cancellation, resume it, set it to cancelled, ask whether it is."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.idempotency import once
from integrations.api.problems import not_possible
from integrations.api.schema import described
from integrations.api.views import Nothing, Strict, checked_body, checked_query
from integrations.sentences import told

from ..models import Cancellation, Order, PauseOutcome
from ..pause_for_cancellation import STOPPED_EVERYWHERE, Answer, Answered, answer_of, pause, resume_order, set_cancelled
from ..starting import start_for_order
from .actions import CANNOT_CANCEL, OrderWrite, Reason
from .examples import ANSWERED
from .orders import OrderView
from .shapes import STATES, moment, words

FLOW = "apply_cancellations"
ANSWERS = [str(value) for value in Answer.values]


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
        if found.answer in (Answer.ASKED, Answer.BEING_PUSHED, *STOPPED_EVERYWHERE) and self.request.method != "GET":
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
        with not_possible():
            return self.answered(order, pause(order.pk, body["reason"], body["code"], self.actor))


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
        with not_possible():
            return self.answered(order, resume_order(order.pk, reason, self.actor))


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
        with not_possible():
            return self.answered(order, set_cancelled(order.pk, body["code"], body["reason"], self.actor))


class IsCancelledShape(s.Serializer[Any]):
    """Whether nothing of the order will be shipped any more, and what each side shows."""

    dsco_order_id = s.CharField()
    cancelled = s.BooleanField()
    requested_by_retailer = s.BooleanField()
    cancelled_units = s.IntegerField(help_text="As DSCO shows it.")
    open_units = s.IntegerField(help_text="Ordered and not cancelled, whether shipped or not.")
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
                "stopped_in_lingxing": bool(answered.parts)
                and all(one in STOPPED_EVERYWHERE for _row, one in answered.parts),
            }
        )  # fmt: skip

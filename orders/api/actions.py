"""What may be done to an order and to its steps: the same domain functions as behind the admin's buttons."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.idempotency import once
from integrations.api.problems import Fault, Problem, not_possible
from integrations.api.schema import described
from integrations.api.views import Nothing, Strict, checked_body, checked_query, many
from integrations.deliveries import staff
from integrations.deliveries.states import State
from integrations.models import ApiScope
from integrations.sentences import told

from ..cancellation_rows import has_shipped
from ..events import LONGEST_COMMENT, comment
from ..holds import KINDS, hold, release_hold
from ..models import Order
from ..staff_cancellations import cancel_codes, cancel_lines, why_not
from ..standing import standing_of, with_standing
from ..starting import flow_of, start_for_order
from .examples import DONE
from .orders import OrderView
from .status_shapes import StandingShape, standing

CANNOT_CANCEL = (
    "already_cancelled", "already_shipped", "push_under_way", "push_skipped", "cancelled_before", "cancellation_open",
    "unknown_code", "nothing_chosen", "too_many",
)  # fmt: skip


class Reason(Strict):
    """Why."""

    reason = s.CharField(max_length=300, help_text="Kept with your user name.")


class DoneShape(s.Serializer[Any]):
    """What became of it."""

    order = StandingShape()
    flow_started = s.CharField(
        allow_null=True, help_text="The flow that was handed to the workers for this order; null: none, or paused."
    )


class OrderWrite(OrderView):
    """A write below one order."""

    scope: ClassVar[str] = ApiScope.ORDERS

    def done(self, order: Order, flow: str = "") -> Response:
        """Return where the order stands now. flow: which to start for it at once."""
        started = start_for_order(flow, order.dsco_order_id, self.actor) if flow else False
        now = with_standing(Order.objects.all()).get(pk=order.pk)
        return Response({"order": standing(standing_of(now)), "flow_started": flow if started else None})


class Hold(OrderWrite):
    """Holding an order."""

    to_write: ClassVar[str] = "orders.hold_order"

    @described(
        "Hold an order", DoneShape, example=DONE, body=Reason, problems=["not_found"], refusals=["already_held"],
        send={"reason": "The address is being clarified"},
    )  # fmt: skip
    @once
    def post(self, request: Request, dsco_order_id: str) -> Response:
        """Nothing is sent for a held order, to LingXing or to the retailer. What is under way ends."""
        reason = checked_body(request, Reason)["reason"]
        order = self.order(dsco_order_id)
        if not hold([order.pk], reason, self.actor):
            text = f"Order {dsco_order_id} is held already, by {order.held_by}: {order.hold_reason}"
            raise Problem("not_possible", text, code="already_held")
        return self.done(order)


class Release(OrderWrite):
    """Ending a hold."""

    to_write: ClassVar[str] = "orders.hold_order"

    @described(
        "Release an order", DoneShape, example=DONE, body=Reason, problems=["not_found"], refusals=["not_held"],
        send={"reason": "The address is right"},
    )  # fmt: skip
    @once
    def post(self, request: Request, dsco_order_id: str) -> Response:
        """The hold ends; what waited for it is due at once."""
        reason = checked_body(request, Reason)["reason"]
        order = self.order(dsco_order_id)
        if not release_hold([order.pk], self.actor, reason):
            raise Problem("not_possible", f"Order {dsco_order_id} is not held.", code="not_held")
        return self.done(order)


class CommentBody(Strict):
    """What there is to say."""

    text = s.CharField(max_length=LONGEST_COMMENT)


class Comments(OrderWrite):
    """Comments in the order's timeline."""

    to_write: ClassVar[str] = "orders.comment_order"

    @described(
        "Comment on an order", DoneShape, example=DONE, body=CommentBody, problems=["not_found"],
        send={"text": "The customer has called"},
    )  # fmt: skip
    @once
    def post(self, request: Request, dsco_order_id: str) -> Response:
        """The comment stands in the order's timeline, with the name of the token's user."""
        said = checked_body(request, CommentBody)["text"]
        order = self.order(dsco_order_id)
        comment(order.pk, said, self.actor)
        return self.done(order)


# --- Steps --------------------------------------------------------------------------------------------


class Step(OrderWrite):
    """One delivery of an order."""

    def act(self, dsco_order_id: str, kind: str, delivery_id: int, action: str, reason: str = "") -> Response:
        """Carry out an action of ``integrations.deliveries.staff``. Raises Problem."""
        order = self.order(dsco_order_id)
        model = next((model for model in KINDS if kind == model.KIND), None)
        row = model._default_manager.filter(pk=delivery_id, order=order).first() if model else None
        if row is None:
            text = f"Order {dsco_order_id} has no {kind} {delivery_id}."
            raise Problem("not_found", text, code="unknown_delivery")
        match action:
            case "retry":
                result = staff.retry(kind, [row.pk], self.actor)
            case "skip":
                result = staff.skip(kind, [row.pk], self.actor, reason)
            case _:
                result = staff.mark_done(kind, [row.pk], self.actor, reason)
        if not result.changed:
            state = told(next(iter(result.refused.values()), str(State(row.status).label)))
            text = f"{row.key} is in the state “{state}”, in which this is not possible."
            raise Problem("not_possible", text, code="wrong_state")
        return self.done(order, flow_of(kind) if action == "retry" else "")


class Retry(Step):
    """Retrying a step."""

    to_write: ClassVar[str] = "orders.retry_delivery"

    @described(
        "Retry a step", DoneShape, example=DONE,
        body=Nothing, problems=["not_found"], refusals=["wrong_state"], send={},
    )  # fmt: skip
    @once
    def post(self, request: Request, dsco_order_id: str, kind: str, delivery_id: int) -> Response:
        """It becomes due now. What may have happened already is verified first, so nothing is sent twice."""
        checked_body(request, Nothing)
        return self.act(dsco_order_id, kind, delivery_id, "retry")


class Skip(Step):
    """Skipping a step."""

    to_write: ClassVar[str] = "orders.skip_delivery"

    @described(
        "Skip a step", DoneShape, example=DONE, body=Reason, problems=["not_found"], refusals=["wrong_state"],
        send={"reason": "Not wanted any more"},
    )  # fmt: skip
    @once
    def post(self, request: Request, dsco_order_id: str, kind: str, delivery_id: int) -> Response:
        """Nothing is sent for this step any more; a skipped one can be retried later."""
        return self.act(dsco_order_id, kind, delivery_id, "skip", checked_body(request, Reason)["reason"])


class DoneElsewhere(Step):
    """Marking a step as done by hand."""

    to_write: ClassVar[str] = "orders.skip_delivery"

    @described(
        "Mark a step as done elsewhere", DoneShape, example=DONE,
        body=Reason, problems=["not_found"], refusals=["wrong_state"],
        send={"reason": "Reported in the DSCO portal at 9:40"},
    )  # fmt: skip
    @once
    def post(self, request: Request, dsco_order_id: str, kind: str, delivery_id: int) -> Response:
        """Only for what was done by hand in the vendor's own screens: the next steps then follow. Sends nothing."""
        return self.act(dsco_order_id, kind, delivery_id, "done", checked_body(request, Reason)["reason"])


# --- Cancelling ---------------------------------------------------------------------------------------


class UnitsBody(Strict):
    """Units of a line."""

    position = s.IntegerField(min_value=0, max_value=100_000)
    quantity = s.IntegerField(min_value=1, max_value=1_000_000_000)


class CancelBody(Strict):
    """What is to be cancelled, and why."""

    code = s.CharField(max_length=30, help_text="One of the codes that GET lists.")
    reason = s.CharField(max_length=300)
    lines = many(UnitsBody, required=False, max_length=1000, help_text="Left out: everything that is open.")


class CodeShape(s.Serializer[Any]):
    """A cancel code of DSCO."""

    code = s.CharField()
    meaning = s.CharField()


class OpenUnitsShape(s.Serializer[Any]):
    """What of a line can be cancelled."""

    position = s.IntegerField()
    sku = s.CharField(allow_blank=True)
    open = s.IntegerField()


class CancellableShape(s.Serializer[Any]):
    """Whether, what and with which codes."""

    possible = s.BooleanField()
    why_not = s.CharField(allow_blank=True)
    codes = CodeShape(many=True)
    lines = OpenUnitsShape(many=True)


class Cancel(OrderWrite):
    """Cancelling for what we cannot deliver."""

    to_write: ClassVar[str] = "orders.cancel_order"

    @described("What can be cancelled", CancellableShape, problems=["not_found"])
    def get(self, request: Request, dsco_order_id: str) -> Response:
        """Whether lines of the order can be cancelled now, why not, and the codes to choose from."""
        checked_query(request, Nothing)
        rows = Order.objects.select_related("erp_push").prefetch_related("lines", "cancellations").defer("payload")
        order = self.order(dsco_order_id, rows)
        lines = list(order.lines.all())
        reason = why_not(order, lines, order.erp_push, order.cancellations.all(), shipped=has_shipped(order))
        return Response(
            {
                "possible": not reason, "why_not": told(reason),
                "codes": [{"code": code, "meaning": str(text)} for code, text in cancel_codes(order).items()],
                "lines": [{"position": line.position, "sku": line.sku, "open": line.open_quantity} for line in lines],
            }
        )  # fmt: skip

    @described(
        "Cancel an order or lines of it", DoneShape, example=DONE,
        body=CancelBody, problems=["not_found"], refusals=CANNOT_CANCEL,
        send={"code": "CXSS", "reason": "The last one broke", "lines": [{"position": 0, "quantity": 1}]},
    )  # fmt: skip
    @once
    def post(self, request: Request, dsco_order_id: str) -> Response:
        """Before it is in LingXing it never gets there; after that it is stopped there first, and then the retailer is
        told through DSCO. Two deliveries of their own, which the workers carry out: `cancellations` shows how far."""
        body = checked_body(request, CancelBody)
        order = self.order(dsco_order_id)
        quantities = wanted_units(order, body.get("lines"))
        with not_possible():
            cancel_lines(order.pk, quantities, body["code"], body["reason"], self.actor)
        return self.done(order, "apply_cancellations")


def wanted_units(order: Order, lines: list[dict[str, int]] | None) -> dict[int, int]:
    """Return units by line position; without lines everything that is open. Raises Problem for lines that are not."""
    known = {line.position: line.open_quantity for line in order.lines.all()}
    if lines is None:
        return known
    faults, wanted = [], {}
    for index, line in enumerate(lines):
        position = line["position"]
        if position not in known:
            faults.append(Fault(f"/lines/{index}/position", f"The order has no line {position}.", "unknown_line"))
        elif position in wanted:
            faults.append(Fault(f"/lines/{index}/position", f"Line {position} stands twice.", "line_twice"))
        wanted[position] = line["quantity"]
    if faults:
        raise Problem("invalid_request", faults=faults)
    return wanted

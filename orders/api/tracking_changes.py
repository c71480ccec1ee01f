"""REST: carrier or tracking number changed after the shipment was reported."""

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

from ..models import Discrepancy
from ..tracking_changes import SITUATION, Carriage, keep_change
from .actions import OrderWrite
from .examples import CHANGE
from .shapes import moment, words


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
        with not_possible():
            row = keep_change(order.pk, body["reported_tracking_number"], carriage, body["reason"], self.actor)
        return Response(_change(row))


def _change(row: Discrepancy) -> dict[str, Any]:
    return {
        "id": row.pk, "reported": row.ours, "now": row.theirs, "first_seen_at": row.first_seen_at,
        "closed_at": row.closed_at, "closed_by": row.closed_by, "result": told(row.result),
    }  # fmt: skip

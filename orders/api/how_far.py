"""REST: where an order stands, the furthest state of its parts, the quantities that were shipped."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.schema import described
from integrations.api.views import Nothing, checked_query

from ..models import Order
from ..order_story import load_story, with_steps
from ..standing import standing_of, with_standing
from .examples import SHIPPED, STANDING
from .orders import OrderView
from .shapes import words
from .status_shapes import StandingShape, furthest, standing


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

"""Reading orders: the list, one order, its trace, and where it stands by any of its numbers."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.paging import PageQuery, newest_first
from integrations.api.problems import Problem
from integrations.api.schema import described, page_of
from integrations.api.views import ApiView, Nothing, Strict, checked_query

from ..finding import find
from ..models import Order, Stage
from ..order_story import load_story, with_steps
from ..standing import standing_of, with_standing
from ..worklists import BY_NAME
from .examples import ORDERS, STANDINGS
from .facts import detail, steps_of, summary, trace
from .shapes import OrderDetailShape, OrderShape, TraceShape
from .status_shapes import StandingsShape, standing

MOST_STANDINGS = 20


class OrdersQuery(PageQuery):
    """What the list can be limited to; several limits hold together."""

    number = s.CharField(
        required=False, max_length=200,
        help_text="Any number that it carries: DSCO order id, PO number, ERP order number, outbound order, tracking or"
        " invoice number.",
    )  # fmt: skip
    stage = s.ChoiceField(Stage.choices, required=False)
    retailer_id = s.CharField(required=False, max_length=64)
    held = s.BooleanField(required=False)
    worklist = s.ChoiceField(list(BY_NAME), required=False, help_text="A daily question, as the order list's tabs.")
    sku = s.CharField(required=False, max_length=200, help_text="DSCO SKU of one of its lines.")
    first_seen_since = s.DateTimeField(required=False)
    first_seen_until = s.DateTimeField(required=False, help_text="Excluded.")


class OrderView(ApiView):
    """An address below one order."""

    to_read: ClassVar[str] = "orders.view_order"
    group: ClassVar[str] = "orders"

    def order(self, dsco_order_id: str, rows: QuerySet[Order] | None = None) -> Order:
        """Return the order of the address. Raises Problem."""
        found = (rows if rows is not None else Order.objects.defer("payload")).filter(dsco_order_id=dsco_order_id)
        order = None if "\x00" in dsco_order_id else found.first()  # PostgreSQL's texts cannot hold it
        if order is None:
            raise Problem("not_found", f"There is no order with DSCO order id {dsco_order_id}.", code="unknown_order")
        return order


class OrderList(OrderView):
    """Orders, newest first."""

    @described(
        "List orders", page_of(OrderShape), example=ORDERS, query=OrdersQuery,
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Orders newest first, limited as the parameters say."""
        query = checked_query(request, OrdersQuery)
        rows = _limited(Order.objects.defer("payload", "reported_tracking_numbers"), query)
        page, cursor = newest_first(rows, "first_seen_at", query)
        steps = steps_of([order.pk for order in page])
        return Response({"results": [summary(order, steps[order.pk]) for order in page], "next_cursor": cursor})


class OneOrder(OrderView):
    """One order."""

    @described("One order", OrderDetailShape, problems=["not_found"])
    def get(self, request: Request, dsco_order_id: str) -> Response:
        """The order with its lines and how far their units have come, its ERP orders, packages and deliveries."""
        checked_query(request, Nothing)
        return Response(detail(load_story(self.order(dsco_order_id, with_steps(Order.objects.all())))))


class OrderTrace(OrderView):
    """The story of one order."""

    @described("The trace of an order", TraceShape, problems=["not_found"])
    def get(self, request: Request, dsco_order_id: str) -> Response:
        """The order with every attempt, every call to a vendor and every event, newest first."""
        checked_query(request, Nothing)
        return Response(trace(load_story(self.order(dsco_order_id, with_steps(Order.objects.all())))))


class StatusQuery(Strict):
    """By what to look."""

    number = s.CharField(max_length=200, help_text="DSCO order id, PO number, ERP order number, tracking number …")


class OrderStatus(ApiView):
    """Where orders stand."""

    to_read: ClassVar[str] = "orders.view_order"
    group: ClassVar[str] = "orders"

    @described(
        "Where the order with this number stands",
        StandingsShape,
        example=STANDINGS,
        query=StatusQuery,
        problems=["not_found"],
    )
    def get(self, request: Request) -> Response:
        """What each side has and why it waits, by any number. A PO number may belong to several orders: newest first,
        at most 20."""
        number = checked_query(request, StatusQuery)["number"].strip()
        ids = find([number]).ids[:MOST_STANDINGS]
        if not ids:
            raise Problem("not_found", f"No order carries the number {number}.", code="unknown_number")
        rows = with_standing(Order.objects.filter(pk__in=ids).order_by("-first_seen_at", "-pk"))
        return Response({"results": [standing(standing_of(order)) for order in rows]})


def _limited(rows: QuerySet[Order], query: dict[str, Any]) -> QuerySet[Order]:
    if "number" in query:
        rows = rows.filter(pk__in=find([query["number"].strip()]).ids)
    for name in ("stage", "retailer_id", "held"):
        if name in query:
            rows = rows.filter(**{name: query[name]})
    if "sku" in query:
        rows = rows.filter(pk__in=Order.objects.filter(lines__sku=query["sku"]).values("pk"))
    if "first_seen_since" in query:
        rows = rows.filter(first_seen_at__gte=query["first_seen_since"])
    if "first_seen_until" in query:
        rows = rows.filter(first_seen_at__lt=query["first_seen_until"])
    return BY_NAME[query["worklist"]].narrow(rows) if "worklist" in query else rows

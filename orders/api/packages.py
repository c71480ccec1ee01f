"""Packages by hand: what may be reported of an order, and reporting it. The admin's page calls the same functions."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.admin.words import reason as words_of
from integrations.api.idempotency import once
from integrations.api.problems import Fault, Problem
from integrations.api.schema import described, free_object
from integrations.api.views import Nothing, Strict, checked_body, checked_query, many
from integrations.sentences import told

from ..compose_facts import closed_because, facts_for, shipment_for
from ..compose_preview import preview_of
from ..composed_packages import ComposedPackage, ComposeFacts, NotConfirmed, body_of, check
from ..composed_packages import Problem as Finding
from ..composing import confirm, hindrance
from ..further_shipments import begin_rest
from ..models import Order, Shipment
from .actions import DoneShape, OrderWrite, UnitsBody
from .examples import DONE, REPORTED
from .facts import delivery, package
from .shapes import DeliveryShape, PackageShape, words
from .status_shapes import StandingShape

FLOW = "report_shipments"
MOST_PACKAGES = 100


class PackageBody(Strict):
    """One tracking number, and what lies in it."""

    tracking_number = s.CharField(max_length=100)
    lines = many(UnitsBody, allow_empty=False, max_length=1000)
    carrier = s.CharField(required=False, allow_blank=True, default="", max_length=120)
    method = s.CharField(required=False, allow_blank=True, default="", max_length=120)
    service_level = s.CharField(
        required=False, allow_blank=True, default="", max_length=120,
        help_text="Carrier and method, or the service level, is needed.",
    )  # fmt: skip
    warehouse_code = s.CharField(required=False, allow_blank=True, default="", max_length=120)
    ship_date = s.DateTimeField(required=False, allow_null=True, default=None, help_text="Never in the future.")


class PackagesBody(Strict):
    """The packages, all of which one DSCO call reports."""

    packages = many(PackageBody, allow_empty=False, max_length=MOST_PACKAGES)
    partial = s.BooleanField(  # type: ignore[assignment] # a member, which the metaclass takes off the class
        required=False, default=False, help_text="Say so when it is less than the order."
    )
    partial_reason = s.CharField(required=False, allow_blank=True, default="", max_length=300)
    dry_run = s.BooleanField(required=False, default=False, help_text="Only show what DSCO would be told.")


class RemainingShape(s.Serializer[Any]):
    """What of a line can still be reported."""

    position = s.IntegerField()
    sku = words()
    remaining = s.IntegerField()


class ClosedShape(s.Serializer[Any]):
    """Why no packages can be reported now."""

    code = s.CharField()
    why = s.CharField()


class ComposableShape(s.Serializer[Any]):
    """The report that is next, what it can hold, and LingXing's packages."""

    shipment = DeliveryShape()
    closed = ClosedShape(allow_null=True, help_text="null: packages can be reported.")
    lines = RemainingShape(many=True)
    numbers_at_dsco = s.ListField(child=s.CharField(), help_text="In lower case.")
    packages = PackageShape(many=True)


class WaitsShape(s.Serializer[Any]):
    """Why it waits."""

    code = s.CharField()
    why = words()


class ReportedShape(s.Serializer[Any]):
    """What DSCO is told, and how that goes on."""

    dry_run = s.BooleanField()
    call = s.ListField(child=free_object("A shipment as DSCO gets it."), help_text="What is, or would be, sent.")
    remarks = s.ListField(child=s.CharField(), help_text="Allowed, and yet worth a second look.")
    waits = WaitsShape(allow_null=True, help_text="null: the flow sends it at once.")
    order = StandingShape(allow_null=True, help_text="null in a dry run.")
    flow_started = s.CharField(allow_null=True)


class Packages(OrderWrite):
    """Packages of an order by hand."""

    to_write: ClassVar[str] = "orders.compose_shipment"

    @described("What packages can be reported", ComposableShape, problems=["not_found"])
    def get(self, request: Request, dsco_order_id: str) -> Response:
        """The order's lines with the units that can still be reported, and the packages that LingXing shows."""
        checked_query(request, Nothing)
        row = _shipment(self.order(dsco_order_id))
        facts = facts_for(row, [])
        closed = closed_because(row)
        return Response(
            {
                "shipment": delivery(row),
                "closed": {"code": closed[0], "why": closed[1]} if closed else None,
                "lines": [
                    {"position": line.position, "sku": line.sku, "remaining": facts.remaining(line)}
                    for line in facts.lines
                ],
                "numbers_at_dsco": sorted(facts.numbers_at_dsco),
                "packages": [package(one, facts.lines) for one in row.order.packages.all()],
            }
        )

    @described(
        "Report packages of an order", ReportedShape, example=REPORTED, body=PackagesBody, problems=["not_found"],
        refusals=[
            "over_shipped", "partial", "partial_reason", "already_reported", "tracking_number_used", "no_carrier",
            "tracking_number_twice", "being_edited", "in_flight", "uncertain", "not_in_erp", "order_cancelled",
            "invalid_shipment",
        ],
        send={
            "packages": [
                {"tracking_number": "1Z999AA10123456784", "carrier": "UPS", "method": "Ground",
                 "lines": [{"position": 0, "quantity": 1}], "ship_date": "2026-03-01T15:30:00Z"},
                {"tracking_number": "1Z999AA10123456785", "carrier": "UPS", "method": "Ground",
                 "lines": [{"position": 0, "quantity": 1}, {"position": 1, "quantity": 2}]},
            ],
            "dry_run": True,
        },
    )  # fmt: skip
    @once
    def post(self, request: Request, dsco_order_id: str) -> Response:
        """One DSCO call reports all these packages. Quantities and tracking numbers are checked against the order and
        against other orders first; `problems` of a refusal names everything that stands against it."""
        body = checked_body(request, PackagesBody)
        order = self.order(dsco_order_id)
        row = _shipment(order)
        composed = _composed(order, body["packages"])
        limits = {"partial": body["partial"], "partial_reason": body["partial_reason"]}
        facts = facts_for(row, [one.tracking_number for one in composed])
        if body["dry_run"]:
            return Response(_preview(row, facts, composed, limits) | {"order": None, "flow_started": None})
        remarks = _remarks(row, facts, composed, limits)
        try:
            confirmed = confirm(row, composed, self.actor, **limits)
        except NotConfirmed as refusal:
            raise _refused(refusal.problems, facts) from None
        done = self.done(order, "" if confirmed.waits else FLOW)
        found = {"dry_run": False, "call": confirmed.shipment.body, "remarks": remarks}
        return Response(found | {"waits": _waits(confirmed.waits)} | done.data)


class Rest(OrderWrite):
    """The rest of an order that was reported in part."""

    to_write: ClassVar[str] = "orders.compose_shipment"

    @described(
        "Begin to report the rest", DoneShape, example=DONE,
        body=Nothing, problems=["not_found"], refusals=["nothing_left"], send={},
    )  # fmt: skip
    @once
    def post(self, request: Request, dsco_order_id: str) -> Response:
        """For an order of which a part is reported: makes the report for the rest, to which packages are then given."""
        checked_body(request, Nothing)
        order = self.order(dsco_order_id)
        if not begin_rest(order.pk, self.actor):
            text = f"Nothing of order {dsco_order_id} is left to report, or it is under way already."
            raise Problem("not_possible", text, code="nothing_left")
        return self.done(order)


def _shipment(order: Order) -> Shipment:
    row = shipment_for(order.pk)
    if row is None:
        raise Problem("not_found", f"Order {order.dsco_order_id} has no shipment.", code="no_shipment")
    return row


def _composed(order: Order, packages: list[dict[str, Any]]) -> list[ComposedPackage]:
    """Return the packages with lines by primary key. Raises Problem for positions that the order does not have."""
    pks = {line.position: line.pk for line in order.lines.all()}
    faults, composed = [], []
    for index, one in enumerate(packages):
        quantities: dict[int, int] = {}
        for place, line in enumerate(one["lines"]):
            pk = pks.get(line["position"])
            if pk is None or pk in quantities:
                where = f"/packages/{index}/lines/{place}/position"
                text = f"The order has no line {line['position']}, or it stands twice in this package."
                faults.append(Fault(where, text, "unknown_line"))
                continue
            quantities[pk] = line["quantity"]
        names = ("tracking_number", "carrier", "method", "service_level", "warehouse_code", "ship_date")
        composed.append(ComposedPackage(quantities=quantities, **{name: one[name] for name in names}))
    if faults:
        raise Problem("invalid_request", faults=faults)
    return composed


def _remarks(row: Shipment, facts: ComposeFacts, composed: list[ComposedPackage], limits: dict[str, Any]) -> list[str]:
    """Check before anything is stored, and return what is allowed and yet worth a second look. Raises Problem."""
    problems = check(facts, composed, timezone.now(), **limits)
    closed = closed_because(row)
    if closed is not None:
        problems = [Finding(*closed), *problems]
    if problems:
        raise _refused(problems, facts)
    known = list(row.order.packages.all())
    return [str(text) for text in preview_of(facts, composed, known, None, limits["partial_reason"]).remarks]


def _preview(
    row: Shipment, facts: ComposeFacts, composed: list[ComposedPackage], limits: dict[str, Any]
) -> dict[str, Any]:
    remarks = _remarks(row, facts, composed, limits)
    body = body_of(facts, composed)
    return {"dry_run": True, "call": body, "remarks": remarks, "waits": _waits(hindrance(row, body))}


def _waits(outcome: Any) -> dict[str, str] | None:
    if outcome is None:
        return None
    return {"code": outcome.code, "why": told(outcome.message) or words_of(outcome.code)}


def _refused(problems: list[Finding], facts: ComposeFacts) -> Problem:
    positions = {line.pk: line.position for line in facts.lines}
    listed = [
        {
            "code": one.code, "detail": told(one.message), "package": one.package, "field": one.field,
            "position": positions.get(one.line or 0),
        }
        for one in problems
    ]  # fmt: skip
    return Problem("not_possible", told(problems[0].message), code=problems[0].code, problems=listed)

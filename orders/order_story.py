"""Everything that is known about one order, read at once: what its page and the API tell about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from integrations.deliveries.models import Delivery
from integrations.deliveries.states import FINISHED, IN_FLIGHT, State
from integrations.models import ApiCall, Attempt

from .erp_quantities import ErpUnits, units_in_erp
from .mappings import MappingBook, UnmappedCode, UnmappedCodes
from .models import (
    Cancellation,
    ErpOrder,
    ErpStatus,
    Order,
    OrderErpLink,
    OrderEvent,
    OrderLine,
    OrderVersion,
    Package,
    Shipment,
)
from .quantities import LineQuantities, line_quantities

ONCE = ("erp_push", "acknowledgement", "invoice")
MOST_ATTEMPTS = 200
MOST_EVENTS = 200
MOST_VERSIONS = 20
# Of how many calls, newest first, the bodies are read.
MOST_BODIES = 40
BODIES = ("request_excerpt", "response_excerpt")


def with_steps(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Return the orders with their deliveries."""
    return orders.select_related(*ONCE).prefetch_related("shipments")


@dataclass
class Story:
    """One order with all that belongs to it; lists are newest first, except lines and packages."""

    order: Order
    lines: list[OrderLine]
    cancellations: list[Cancellation]
    links: list[OrderErpLink]
    packages: list[Package]
    attempts: list[Attempt]
    events: list[OrderEvent]
    versions: list[OrderVersion]
    calls: dict[Attempt | OrderEvent, list[ApiCall]] = field(default_factory=dict)
    erp_skus: dict[int, str] = field(default_factory=dict)
    missing: list[UnmappedCode] = field(default_factory=list)

    @cached_property
    def deliveries(self) -> list[Delivery]:
        """Return everything owed for the order, in the order of the steps."""
        push, acknowledgement, invoice = (getattr(self.order, name, None) for name in ONCE)
        found = [push, acknowledgement, *self.shipments, invoice, *self.cancellations]
        return [delivery for delivery in found if delivery is not None]

    @cached_property
    def shipments(self) -> list[Shipment]:
        """Return its reports to DSCO: usually one."""
        return sorted(self.order.shipments.all(), key=lambda row: row.sequence)

    @cached_property
    def erp_orders(self) -> list[ErpOrder]:
        """Return the ERP orders that carry the order now, re-shipments left out."""
        return [link.erp_order for link in self.links if link.ended_at is None and not link.erp_order.resend_of]

    @property
    def has_shipped(self) -> bool:
        """Return whether goods have left, as far as we know (``cancellation_rows.has_shipped``, without a query)."""
        return (
            any(row.status in IN_FLIGHT | {State.SUCCEEDED} for row in self.shipments)
            or any(package.shipped and not package.ignored for package in self.packages)
            or any(erp_order.status == ErpStatus.SHIPPED and not erp_order.deleted for erp_order in self.erp_orders)
        )

    @cached_property
    def numbers(self) -> set[str]:
        """Return everything that the vendors know the order by."""
        order = self.order
        found = {order.dsco_order_id, order.po_number, order.consumer_order_number, order.supplier_order_number}
        found |= {order.erp_push.platform_order_no, *(link.erp_order.global_order_no for link in self.links)}
        found |= {number for package in self.packages for number in (package.wo_number, package.tracking_number)}
        if hasattr(order, "invoice") and order.invoice.invoice_id:
            found.add(order.invoice.invoice_id)
        return found - {""}

    @cached_property
    def quantities(self) -> dict[int, LineQuantities]:
        """Return how far each line has come, by position."""
        return line_quantities(self.order, self.lines, self.in_erp, self.packages)

    @cached_property
    def in_erp(self) -> ErpUnits | None:
        """Return what LingXing held of the order when its ERP orders were last read; None before that."""
        return units_in_erp(self.lines, self.order.erp_push.platform_order_no, self.erp_orders)


def load_story(order: Order) -> Story:
    """Read what belongs to the order (``with_steps``): about a dozen queries, however long its story is."""
    lines = list(order.lines.all())
    prefetched: dict[str, Any] = order.__dict__.setdefault("_prefetched_objects_cache", {})
    prefetched["lines"] = lines
    story = Story(
        order=order,
        lines=lines,
        cancellations=list(order.cancellations.order_by("pk")),
        links=list(order.erp_links.select_related("erp_order").order_by("-id")),
        packages=list(order.packages.prefetch_related("lines")),
        attempts=[],
        events=list(order.events.prefetch_related(_without_bodies("api_calls"))[:MOST_EVENTS]),
        versions=list(order.versions.all()[:MOST_VERSIONS]),
    )
    story.attempts = _attempts(story.deliveries)
    story.calls = _calls(story)
    book = MappingBook.load([order])
    # What it was pushed with, else what it would be pushed with now.
    story.erp_skus = {line.position: line.erp_sku or book.erp_sku_of(line) for line in lines}
    if order.erp_push.status in FINISHED:
        return story  # what it was or will not be pushed with is no problem any more
    try:
        book.resolve(order, [line for line in lines if line.open_quantity])
    except UnmappedCodes as unmapped:
        story.missing = unmapped.missing
    return story


def _attempts(deliveries: list[Delivery]) -> list[Attempt]:
    """The attempts of all deliveries with their calls, newest first, in two queries."""
    wanted = Q(pk__in=[])
    for delivery in deliveries:
        wanted |= Q(kind=delivery.KIND, delivery_id=delivery.pk)
    rows = Attempt.objects.filter(wanted).select_related("api_call").prefetch_related(_without_bodies("earlier_calls"))
    bodies = [f"api_call__{column}" for column in BODIES]
    found = list(rows.defer(*bodies)[:MOST_ATTEMPTS])
    return sorted(found, key=lambda attempt: (attempt.started_at, attempt.pk), reverse=True)


def _without_bodies(name: str) -> Prefetch[str, QuerySet[ApiCall], str]:
    return Prefetch(name, ApiCall.objects.defer(*BODIES).order_by("pk"))


def _calls(story: Story) -> dict[Attempt | OrderEvent, list[ApiCall]]:
    """The calls of each attempt and event in the order in which they were made; the newest with their bodies."""
    calls: dict[Attempt | OrderEvent, list[ApiCall]] = {}
    for attempt in story.attempts:
        calls[attempt] = [*attempt.earlier_calls.all(), *([attempt.api_call] if attempt.api_call else [])]
    calls |= {event: list(event.api_calls.all()) for event in story.events}
    newest = sorted({call.pk for made in calls.values() for call in made}, reverse=True)[:MOST_BODIES]
    whole = ApiCall.objects.in_bulk(newest) if newest else {}
    return {what: [whole.get(call.pk, call) for call in made] for what, made in calls.items()}

"""What DSCO was told to have left for an order, and what is still to be told: over all its shipments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q

from integrations.deliveries.states import IN_FLIGHT, OPEN, State

from .invoices import packages_of, shipped_at_dsco, shipped_by_report
from .models import Order, OrderLine, Shipment

if TYPE_CHECKING:
    from .shipment_bodies import Body

TOLD = (State.SUCCEEDED, State.ACCEPTED)


def everything_reported(order: str = "pk") -> Q:
    """Return the condition that a shipment of an order succeeded and none is open. order: the column that names it."""
    its = Shipment.objects.filter(order=OuterRef(order))
    return Q(Exists(its.filter(status=State.SUCCEEDED))) & ~Q(Exists(its.filter(status__in=sorted(OPEN))))


def told_body(shipments: Iterable[Shipment]) -> Body:
    """Return what these shipments have told DSCO, in their order."""
    told = sorted((row for row in shipments if row.status in TOLD), key=lambda row: row.sequence)
    return [package for row in told for package in row.body]


def units_told(order: Order, lines: Sequence[OrderLine], shipments: Iterable[Shipment]) -> Mapping[int, int]:
    """Return the units of each line, by position, that DSCO shows or that these shipments have told it.

    A tracking number counts once, whoever reported it.
    """
    payload = order.payload if isinstance(order.payload, dict) else {}
    shown = shipped_at_dsco(payload, lines)
    there = {(package.tracking_number or "").strip().casefold() for package in shown.packages}
    ours = packages_of(told_body(shipments))
    new = [package for package in ours if (package.tracking_number or "").strip().casefold() not in there]
    told = shipped_by_report([*shown.packages, *new], lines).quantities
    positions = {*shown.quantities, *told}
    return {position: max(shown.quantities.get(position, 0), told.get(position, 0)) for position in positions}


def still_to_report(order: Order, lines: Sequence[OrderLine], shipments: Iterable[Shipment]) -> dict[int, int]:
    """Return the units of each line, by position, that neither DSCO shows nor these shipments have told it."""
    told = units_told(order, lines, shipments)
    left = {line.position: line.open_quantity - told.get(line.position, 0) for line in lines}
    return {position: units for position, units in left.items() if units > 0}


def missing_at_dsco(order: Order, lines: Sequence[OrderLine], units: Mapping[int, int]) -> dict[int, int]:
    """Return what DSCO's packages lack of these units, both by line position; nothing where it shows no contents.

    A tracking number alone does not say that everything under it was reported: people report parts in the portal.
    """
    shown = shipped_at_dsco(order.payload if isinstance(order.payload, dict) else {}, lines).quantities
    wanted = {line.position: min(units.get(line.position, 0), line.open_quantity) for line in lines}
    left = {position: number - shown.get(position, 0) for position, number in wanted.items()}
    return {position: number for position, number in left.items() if number > 0} if shown else {}


def is_busy(row: Shipment) -> bool:
    """Return whether DSCO is being told of it, or may have been: what is left of the order is not known till then."""
    doubtful = row.maybe_sent and row.status in OPEN
    return bool(row.lease_token) or row.status in IN_FLIGHT or doubtful


def goes_first(other: Shipment, row: Shipment) -> bool:
    """Return whether ``row`` must wait for another shipment of its order: they go one at a time, by sequence.

    DSCO's change log names only the order, and quantities are counted from what has arrived.
    """
    return is_busy(other) or (other.status == State.DUE and other.sequence < row.sequence)

"""An order and its parcels become what DSCO is told. Pure: nothing is read or stored here.

Nothing is invented: carrier, method and service level come from the order, else from the shipping mapping;
a ship date that LingXing does not give is left out (DSCO does not demand one), a future one becomes now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from pydantic import ValidationError

from integrations.dsco.schemas import ShipmentLine, ShipmentPackage, ShipmentReport
from integrations.refusals import CannotDo
from integrations.sentences import gettext as _

from .mappings import ANY
from .models import Order, OrderLine, Package, RetailerPolicy, ShippingMapping
from .packages import Parcel

# As DSCO does: the first that is present counts.
IDENTIFIERS = ("dscoItemId", "sku", "partnerSku", "upc", "ean")
Body = list[dict[str, Any]]


class ShippingNames(Protocol):
    """What is needed of the mappings (``MappingBook``)."""

    def shipping_for(self, logistics_type_id: str) -> ShippingMapping | None:
        """Return the shipping mapping that a LingXing method means."""

    def dsco_warehouse(self, wid: str) -> str | None:
        """Return the DSCO code of a LingXing warehouse."""


class CannotCompose(CannotDo):
    """The packages cannot be reported as they are; ``code`` and the message say why and what to do."""


def compose(
    order: Order,
    lines: Sequence[OrderLine],
    parcels: Sequence[Parcel],
    policy: RetailerPolicy,
    names: ShippingNames,
    now: datetime,
) -> Body:
    """Return the shipments to report, one for each tracking number, ready for a JSON column.

    now: the latest ship date that DSCO takes. Raises CannotCompose.
    """  # fmt: skip
    spans = Counter(pk for parcel in parcels for pk in parcel.quantities)
    by_pk = {line.pk: line for line in lines}
    body: Body = []
    for parcel in parcels:
        shipped_at = min((one.shipped_at for one in parcel.packages if one.shipped_at), default=None)
        warehouse = warehouse_of(order, parcel.packages, policy, names)
        service = service_of(order, parcel.packages, policy, names)
        try:
            package = ShipmentPackage(
                tracking_number=parcel.tracking_number,
                ship_date=min(shipped_at, now) if shipped_at else None,
                warehouse_code=warehouse,
                **service,
                line_items=[
                    shipment_line(by_pk[pk], units, spans[pk] > 1) for pk, units in _in_line_order(parcel, by_pk)
                ],
            )
        except ValidationError as error:
            raise _unreportable(order, parcel, error) from error
        body.append(package.payload())
    return body


def report_of(order: Order, body: Body) -> ShipmentReport:
    """Return what is sent for an order from its stored body."""
    packages = [ShipmentPackage.from_payload(shipment) for shipment in body]
    return ShipmentReport(dsco_order_id=order.dsco_order_id, shipments=packages)


def numbers_in(body: Body) -> list[str]:
    """Return the tracking numbers of a body, in its order."""
    return [str(shipment["trackingNumber"]) for shipment in body]


def exceeds(body: Body, lines: Iterable[OrderLine], told: Sequence[dict[str, Any]] = ()) -> bool:
    """Return whether a body reports more of some line than is open, or something that is on no line.

    told: what other shipments of the order have reported already.
    """
    open_units: Counter[tuple[Any, ...]] = Counter()
    for line in lines:
        open_units[identity_of(line)] += line.open_quantity
    sent: Counter[tuple[Any, ...]] = Counter()
    for item in (item for shipment in (*told, *body) for item in shipment["lineItems"]):
        sent[_identity(item)] += item["quantity"]
    return any(units > open_units[identity] for identity, units in sent.items())


def identity_of(line: OrderLine) -> tuple[Any, ...]:
    """Return by what DSCO tells the line from the others; lines that it cannot tell apart have the same."""
    return _identity(shipment_line(line, 1, False).payload())


def _identity(item: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells the line apart and stays the same when DSCO adds identifiers later."""
    return item.get("lineNumber"), next((item[name] for name in IDENTIFIERS if item.get(name)), None)


def _in_line_order(parcel: Parcel, by_pk: Mapping[int, OrderLine]) -> list[tuple[int, int]]:
    return sorted(parcel.quantities.items(), key=lambda pair: by_pk[pair[0]].position)


def shipment_line(line: OrderLine, units: int, spans: bool) -> ShipmentLine:
    """Return a package's share of a line, with every identifier that the order gave. spans: other packages share it."""
    return ShipmentLine(
        **line.identity(),
        quantity=units,
        package_span_flag=True if spans else None,
    )


def warehouse_of(order: Order, packages: Sequence[Package], policy: RetailerPolicy, names: ShippingNames) -> str | None:
    """Return the warehouse code to report: the order's, else the mapping's. Raises CannotCompose if one is wanted."""
    mapped = [names.dsco_warehouse(package.wid) for package in packages if package.wid]
    code = order.warehouse_code or next((code for code in mapped if code), None)
    if not code and policy.require_warehouse_code:
        raise CannotCompose(
            "no_warehouse_code",
            _(
                "Order %(order)s: the retailer wants a warehouse code with the shipment, but the order has none and"
                " LingXing's warehouse %(wid)s has no warehouse mapping. Add it under Mappings; the shipment then goes"
                " by itself."
            )
            % {"order": order.dsco_order_id, "wid": packages[0].wid or "–"},
        )
    return code or None


def service_of(
    order: Order, packages: Sequence[Package], policy: RetailerPolicy, names: ShippingNames
) -> dict[str, str | None]:
    """Return carrier with method, and/or the service level: the order's, else the mapping's of LingXing's method.

    Raises CannotCompose when the retailer would not take what is known.
    """
    carrier, method, level = order.ship_carrier, order.ship_method, order.service_level
    pair = bool(carrier and method)
    if not pair and (policy.require_carrier or not level):
        mapping = _mapping(packages, names)
        if mapping is not None:
            carrier, method = mapping.report_carrier, mapping.report_method
            pair = bool(carrier and method)
            named = "" if pair or mapping.service_level == ANY else mapping.service_level
            level = level or mapping.report_service_level or named
    if not pair and (policy.require_carrier or not level):
        raise _no_carrier(order, packages)
    return {
        "ship_carrier": carrier if pair else None,
        "ship_method": method if pair else None,
        "shipping_service_level_code": level or None,
    }


def _mapping(packages: Sequence[Package], names: ShippingNames) -> ShippingMapping | None:
    ids = dict.fromkeys(package.logistics_type_id for package in packages if package.logistics_type_id)
    return next((mapping for one in ids if (mapping := names.shipping_for(one)) is not None), None)


def _unreportable(order: Order, parcel: Parcel, error: ValidationError) -> CannotCompose:
    found = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:3])
    return CannotCompose(
        "invalid_shipment",
        _(
            "Order %(order)s: package %(number)s cannot be reported as it is (%(found)s). Correct it in LingXing, or"
            " report it in DSCO's portal and mark the shipment as done."
        )
        % {"order": order.dsco_order_id, "number": parcel.tracking_number, "found": found},
    )


def _no_carrier(order: Order, packages: Sequence[Package]) -> CannotCompose:
    return CannotCompose(
        "no_carrier",
        _(
            "Order %(order)s names neither carrier and method nor a service level that the retailer takes, and"
            " LingXing's shipping method %(method)s (%(id)s) has no shipping mapping, or several that differ. Add what"
            " to report under Mappings; the shipment then goes by itself."
        )
        % {
            "order": order.dsco_order_id,
            "method": packages[0].logistics_name or "–",
            "id": packages[0].logistics_type_id or "–",
        },
    )

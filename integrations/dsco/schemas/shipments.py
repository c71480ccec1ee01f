"""Body of a shipment report: the packages of one order."""

from __future__ import annotations

from pydantic import AwareDatetime, Field, PositiveInt

from .outbound import ItemIdentity, Outbound


class ShipmentLine(ItemIdentity):
    """What one package holds of one line.

    ``quantity`` is what lies in this package; ``package_span_flag`` is True in every package of a
    line that spans several.
    """

    quantity: PositiveInt
    package_span_flag: bool | None = None


class ShipmentPackage(Outbound):
    """One tracking number. Carrier and method, or the service level, are wanted by the retailers."""

    tracking_number: str = Field(min_length=1)
    ship_date: AwareDatetime | None = None
    ship_carrier: str | None = None
    ship_method: str | None = None
    shipping_service_level_code: str | None = None
    warehouse_code: str | None = None
    currency_code: str | None = None
    line_items: list[ShipmentLine] = Field(min_length=1)


class ShipmentReport(Outbound):
    """The packages of one order, to be reported together."""

    dsco_order_id: str = Field(min_length=1)
    shipments: list[ShipmentPackage] = Field(min_length=1)

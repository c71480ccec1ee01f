"""What a person sees before he confirms: the call as DSCO gets it, the same as a table, and what he may have missed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.deliveries.outcomes import Outcome

from .composed_packages import ComposedPackage, ComposeFacts, body_of, line_name, missing_units
from .models import Order, Package
from .packages import tracking_numbers
from .shipment_bodies import Body, report_of


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of a package as the retailer will see it; ``spans``: parts of it are elsewhere."""

    name: str
    title: str
    units: int
    spans: bool


@dataclass(frozen=True, slots=True)
class ShownPackage:
    """A package as the retailer will see it."""

    package: ComposedPackage
    lines: Sequence[ShownLine]

    @property
    def units(self) -> int:
        """All units in it."""
        return sum(line.units for line in self.lines)


@dataclass(frozen=True, slots=True)
class Preview:
    """The body to be stored, the JSON of the one call, the readable packages, remarks, and why it would wait."""

    body: Body
    call: str
    packages: Sequence[ShownPackage]
    remarks: Sequence[str]
    waits: Outcome | None


@dataclass(frozen=True, slots=True)
class StoredPackage:
    """A package of a stored report, in words."""

    tracking_number: str
    carrier: str
    service_level: str
    warehouse_code: str
    ship_date: datetime | None
    contents: Sequence[str]


def stored_packages(body: Any) -> list[StoredPackage]:
    """Return what a shipment's stored body reports, a package each; [] where nothing is stored."""
    return [
        StoredPackage(
            tracking_number=str(one.get("trackingNumber", "")),
            carrier=" ".join(str(one[name]) for name in ("shipCarrier", "shipMethod") if one.get(name)),
            service_level=str(one.get("shippingServiceLevelCode", "")),
            warehouse_code=str(one.get("warehouseCode", "")),
            ship_date=parse_datetime(str(one.get("shipDate", ""))),
            contents=[_content(item) for item in one.get("lineItems", [])],
        )
        for one in body or []
    ]


def _content(item: dict[str, Any]) -> str:
    number = f"#{item['lineNumber']} " if item.get("lineNumber") is not None else ""
    name = item.get("sku") or item.get("partnerSku") or item.get("dscoItemId") or ""
    return f"{item.get('quantity')} × {number}{name}"


def preview_of(
    facts: ComposeFacts,
    packages: Sequence[ComposedPackage],
    known: Sequence[Package],
    waits: Outcome | None,
    partial: str,
) -> Preview:
    """Return the preview of packages that passed ``check``.

    known: LingXing's packages of the order; waits: see ``composing.hindrance``; partial: the reason, where given.
    """
    packages = [package.stripped() for package in packages]
    body = body_of(facts, packages)
    call = json.dumps(report_of(facts.order, body).payload(), ensure_ascii=False, indent=2)
    by_pk = {line.pk: line for line in facts.lines}
    shown = []
    for package, shipment in zip(packages, body, strict=True):
        pks = sorted(package.quantities, key=lambda pk: by_pk[pk].position)
        lines = [
            ShownLine(line_name(by_pk[pk]), by_pk[pk].title, item["quantity"], bool(item.get("packageSpanFlag")))
            for pk, item in zip(pks, shipment["lineItems"], strict=True)
        ]
        shown.append(ShownPackage(package, lines))
    return Preview(body, call, shown, remarks(facts, packages, known, partial), waits)


def remarks(
    facts: ComposeFacts, packages: Sequence[ComposedPackage], known: Sequence[Package], partial: str = ""
) -> list[str]:
    """Return what is allowed and yet worth a second look."""
    found = []
    missing = missing_units(facts, packages)
    if missing:
        text = ngettext(
            "%(n)d unit of the order is not reported (%(reason)s). A further shipment waits for it, which you compose"
            " when it has left.",
            "%(n)d units of the order are not reported (%(reason)s). A further shipment waits for them, which you"
            " compose when they have left.",
            sum(missing.values()),
        )
        found.append(text % {"n": sum(missing.values()), "reason": partial})
    numbers = {number for package in known if not package.ignored for number in tracking_numbers(package)}
    chosen = {package.tracking_number for package in packages}
    foreign, left_out = sorted(chosen - numbers), sorted(numbers - chosen - _at_dsco(facts, numbers))
    if foreign:
        found.append(_("LingXing does not know these tracking numbers: %(numbers)s") % {"numbers": ", ".join(foreign)})
    if left_out:
        found.append(_("Packages of LingXing that are left out: %(numbers)s") % {"numbers": ", ".join(left_out)})
    codes = sorted({package.warehouse_code for package in packages} - facts.warehouse_codes - {""})
    codes = [code for code in codes if code != facts.order.warehouse_code]
    if codes:
        text = _("Neither the order nor a warehouse mapping has the warehouse code %(codes)s; DSCO may refuse it.")
        found.append(text % {"codes": ", ".join(codes)})
    return found + _dates(facts.order, packages)


def _at_dsco(facts: ComposeFacts, numbers: set[str]) -> set[str]:
    return {number for number in numbers if number.casefold() in facts.numbers_at_dsco}


def _dates(order: Order, packages: Sequence[ComposedPackage]) -> list[str]:
    def early(moment: datetime | None) -> bool:
        return bool(moment and order.dsco_created_at and moment < order.dsco_created_at)

    found = []
    if any(package.ship_date is None for package in packages):
        found.append(_("A package without a ship date is reported without one."))
    if any(early(package.ship_date) for package in packages):
        found.append(_("A ship date is before the retailer created the order."))
    return found

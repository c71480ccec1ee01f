"""Packages put together by a person: what stands against reporting them, and what exactly DSCO would be told.

Pure: nothing is read or stored here. What is done with them stands in ``orders/composing.py``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from pydantic import ValidationError

from integrations.dsco.schemas import ShipmentPackage

from .conditions import is_cancelled
from .models import Order, OrderLine, RetailerPolicy
from .shipment_bodies import Body, identity_of, report_of, shipment_line

LONGEST_NUMBER = 100
LONGEST_CODE = 120
# What carriers print. A full-width digit or an invisible blank from a chat window is refused, not sent.
NUMBER_SHAPE = re.compile(r"[!-~]+")
SEPARATORS = re.compile(r"[,;|]")


@dataclass(frozen=True, slots=True)
class ComposedPackage:
    """One tracking number as a person wants it reported.

    quantities: units by the order line's primary key; ship_date: aware, or None when it is not known; place: where it
    stands on the page, from 1, for messages (0: as it is counted in the list).
    """

    tracking_number: str
    quantities: Mapping[int, int]
    carrier: str = ""
    method: str = ""
    service_level: str = ""
    warehouse_code: str = ""
    ship_date: datetime | None = None
    place: int = 0

    def stripped(self) -> ComposedPackage:
        """Return the package without blanks around its texts and without lines of nothing."""
        return ComposedPackage(
            self.tracking_number.strip(), {pk: units for pk, units in self.quantities.items() if units},
            self.carrier.strip(), self.method.strip(), self.service_level.strip(), self.warehouse_code.strip(),
            self.ship_date, self.place,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """Why packages cannot be reported: ``package`` counts from 0, ``field`` and ``line`` say where it is."""

    code: str
    message: str
    package: int | None = None
    field: str = ""
    line: int | None = None


@dataclass(slots=True)
class ComposeFacts:
    """What packages are checked against.

    reported: units by the line's primary key that DSCO shows, or was told of by other shipments of the order;
    numbers_at_dsco: the tracking numbers of these; used: other orders' DSCO ids by tracking number. Numbers are in
    ``casefold()``.
    """

    order: Order
    lines: Sequence[OrderLine]
    policy: RetailerPolicy
    reported: Mapping[int, int] = field(default_factory=dict)
    numbers_at_dsco: frozenset[str] = frozenset()
    used: Mapping[str, str] = field(default_factory=dict)
    warehouse_codes: frozenset[str] = frozenset()

    def remaining(self, line: OrderLine) -> int:
        """Return how many units of a line can still be reported."""
        return max(line.open_quantity - self.reported.get(line.pk, 0), 0)


class NotConfirmed(Exception):
    """Nothing was stored or sent; ``problems`` say why, and what changed meanwhile."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = list(problems)

    @property
    def code(self) -> str:
        """The first problem's code."""
        return self.problems[0].code


def check(
    facts: ComposeFacts,
    packages: Sequence[ComposedPackage],
    now: datetime,
    *,
    partial: bool = False,
    partial_reason: str = "",
) -> list[Problem]:
    """Return everything that stands against reporting these packages; an empty list means that they may go.

    partial: a person said explicitly that less than the order is reported, and why.
    """
    packages = [package.stripped() for package in packages]
    if is_cancelled(facts.order, facts.lines):
        return [Problem("order_cancelled", _("The order is cancelled at DSCO: there is nothing to report."))]
    if not packages:
        return [Problem("no_package", _("No package is chosen. Tick or add at least one."))]
    problems = [problem for index, one in enumerate(packages) for problem in _of_package(facts, index, one, now)]
    problems += _doubled(packages)
    problems += _quantities(facts, packages, partial, partial_reason)
    return problems or _unsendable(facts, packages)


def body_of(facts: ComposeFacts, packages: Iterable[ComposedPackage]) -> Body:
    """Return what DSCO is told: a shipment for each package, in their order, ready for a JSON column.

    ``packageSpanFlag`` stands on every part of a line that is not in one package as a whole: other parts are in other
    packages, at DSCO already, or will follow. Without it DSCO refuses a quantity below the ordered one.
    """
    packages = [package.stripped() for package in packages]
    by_pk = {line.pk: line for line in facts.lines}
    spanning = _spanning(facts, packages)
    return [_shipment(package, by_pk, spanning) for package in packages]


def missing_units(facts: ComposeFacts, packages: Iterable[ComposedPackage]) -> dict[int, int]:
    """Return what these packages leave of the order's lines (units by the line's primary key)."""
    packed = _packed(packages)
    left = {line.pk: facts.remaining(line) - packed[line.pk] for line in facts.lines}
    return {pk: units for pk, units in left.items() if units > 0}


def line_name(line: OrderLine) -> str:
    """Return what staff call a line."""
    name = line.sku or line.partner_sku or line.erp_sku or line.dsco_item_id
    number = line.line_number if line.line_number is not None else line.position + 1
    return f"#{number} {name}"


# --- The body -----------------------------------------------------------------------------------------


def _shipment(package: ComposedPackage, by_pk: Mapping[int, OrderLine], spanning: Collection[object]) -> dict[str, Any]:
    lines = sorted(package.quantities, key=lambda pk: by_pk[pk].position)
    return ShipmentPackage(
        tracking_number=package.tracking_number,
        ship_date=package.ship_date,
        ship_carrier=package.carrier or None,
        ship_method=package.method or None,
        shipping_service_level_code=package.service_level or None,
        warehouse_code=package.warehouse_code or None,
        line_items=[
            shipment_line(by_pk[pk], package.quantities[pk], identity_of(by_pk[pk]) in spanning) for pk in lines
        ],
    ).payload()


def _spanning(facts: ComposeFacts, packages: Sequence[ComposedPackage]) -> set[object]:
    """Return the lines, by what DSCO tells them apart, that no single package holds as a whole."""
    by_pk = {line.pk: line for line in facts.lines}
    places: Counter[object] = Counter()
    for package in packages:
        places.update({identity_of(by_pk[pk]) for pk in package.quantities})
    packed = _packed(packages)
    parts = {identity_of(line) for line in facts.lines if 0 < packed[line.pk] < line.open_quantity}
    return parts | {identity for identity, number in places.items() if number > 1}


def _packed(packages: Iterable[ComposedPackage]) -> Counter[int]:
    packed: Counter[int] = Counter()
    for package in packages:
        packed.update(package.quantities)
    return packed


# --- The checks ---------------------------------------------------------------------------------------


def _of_package(facts: ComposeFacts, index: int, package: ComposedPackage, now: datetime) -> Iterator[Problem]:
    yield from _number(facts, index, package)
    yield from _contents(facts, index, package)
    yield from _codes(index, package)
    yield from _service(facts.policy, index, package)
    if facts.policy.require_warehouse_code and not package.warehouse_code:
        text = _("Package %(n)d has no warehouse code, and this retailer wants one.")
        yield Problem("no_warehouse_code", text % {"n": package.place or index + 1}, index, "warehouse_code")
    if package.ship_date is not None and timezone.is_naive(package.ship_date):
        text = _("Package %(n)d: the ship date has no time zone.")
        yield Problem("bad_date", text % {"n": package.place or index + 1}, index, "ship_date")
    elif package.ship_date is not None and package.ship_date > now:
        text = _("Package %(n)d: the ship date is in the future. Report a package when it has left.")
        yield Problem("future_date", text % {"n": package.place or index + 1}, index, "ship_date")


def _number(facts: ComposeFacts, index: int, package: ComposedPackage) -> Iterator[Problem]:
    number = package.tracking_number
    found = _wrong_number(facts, number)
    if found is not None:
        code, text = found
        values = {"n": package.place or index + 1, "number": number, "order": facts.used.get(number.casefold(), "")}
        yield Problem(code, text % values, index, "tracking_number")


def _wrong_number(facts: ComposeFacts, number: str) -> tuple[str, str] | None:
    if not number:
        return "no_tracking_number", _("Package %(n)d has no tracking number.")
    if len(number) > LONGEST_NUMBER:
        return "bad_tracking_number", _("Package %(n)d: the tracking number is too long.")
    if SEPARATORS.search(number):
        text = _("Package %(n)d: “%(number)s” looks like several tracking numbers. Make a package of each.")
        return "bad_tracking_number", text
    if not NUMBER_SHAPE.fullmatch(number):
        text = _(
            "Package %(n)d: tracking number “%(number)s” contains blanks or characters that no carrier uses (full-width"
            " or invisible ones, for example). Type it again."
        )
        return "bad_tracking_number", text
    if number.casefold() in facts.numbers_at_dsco:
        text = _("Package %(n)d: DSCO shows tracking number %(number)s for this order already. Leave the package out.")
        return "already_reported", text
    if number.casefold() in facts.used:
        return "tracking_number_used", _("Package %(n)d: tracking number %(number)s belongs to order %(order)s.")
    return None


def _contents(facts: ComposeFacts, index: int, package: ComposedPackage) -> Iterator[Problem]:
    known = {line.pk for line in facts.lines}
    if not package.quantities:
        yield Problem(
            "empty_package",
            _("Package %(n)d is empty. Fill it or leave it out.") % {"n": package.place or index + 1},
            index,
        )
    for pk, units in package.quantities.items():
        if pk not in known:
            text = _("Package %(n)d holds something that is on no line of this order.")
            yield Problem("unknown_line", text % {"n": package.place or index + 1}, index)
        elif units < 0:
            text = _("Package %(n)d: a quantity is below zero.")
            yield Problem("bad_quantity", text % {"n": package.place or index + 1}, index, "quantity", pk)


def _codes(index: int, package: ComposedPackage) -> Iterator[Problem]:
    for name in ("carrier", "method", "service_level", "warehouse_code"):
        value = getattr(package, name)
        if len(value) > LONGEST_CODE or not value.isprintable():
            text = _("Package %(n)d: “%(value)s” is too long or contains characters that DSCO would refuse.")
            yield Problem("bad_text", text % {"n": package.place or index + 1, "value": value[:60]}, index, name)


def _service(policy: RetailerPolicy, index: int, package: ComposedPackage) -> Iterator[Problem]:
    if bool(package.carrier) != bool(package.method):
        absent = "method" if package.carrier else "carrier"
        text = _("Package %(n)d: carrier and shipping method go together; one of them is missing.")
        yield Problem("no_carrier", text % {"n": package.place or index + 1}, index, absent)
    elif policy.require_carrier and not package.carrier:
        text = _("Package %(n)d: this retailer wants carrier and shipping method; a service level is not enough.")
        yield Problem("no_carrier", text % {"n": package.place or index + 1}, index, "carrier")
    elif not package.carrier and not package.service_level:
        text = _("Package %(n)d needs carrier and shipping method, or a service level.")
        yield Problem("no_carrier", text % {"n": package.place or index + 1}, index, "carrier")


def _doubled(packages: Sequence[ComposedPackage]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, package in enumerate(packages):
        key = package.tracking_number.casefold()
        if key and first.setdefault(key, index) != index:
            text = _("Packages %(first)d and %(n)d have the same tracking number %(number)s. Make one package of both.")
            values = {
                "first": packages[first[key]].place or first[key] + 1,
                "n": package.place or index + 1,
                "number": package.tracking_number,
            }
            yield Problem("tracking_number_twice", text % values, index, "tracking_number")


def _quantities(
    facts: ComposeFacts, packages: Sequence[ComposedPackage], partial: bool, reason: str
) -> Iterator[Problem]:
    packed = _packed(packages)
    for line in facts.lines:
        over = packed[line.pk] - facts.remaining(line)
        if over > 0:
            text = _("Line %(line)s: %(packed)d units are packed, but only %(open)d are open: %(over)d too many.")
            values = {"line": line_name(line), "packed": packed[line.pk], "open": facts.remaining(line), "over": over}
            yield Problem("over_shipped", text % values, field="quantity", line=line.pk)
    missing = missing_units(facts, packages)
    if missing and not partial:
        text = _("This is less than the order (%(missing)s). Pack the rest too, or tick “Report only a part”.")
        yield Problem("partial", text % {"missing": _listed(facts.lines, missing)}, field="partial")
    elif missing and not reason.strip():
        text = _("Say why only a part is reported: it is kept with your name.")
        yield Problem("partial_reason", text, field="partial_reason")


def _listed(lines: Iterable[OrderLine], units: Mapping[int, int]) -> str:
    return "; ".join(f"{line_name(line)} × {units[line.pk]}" for line in lines if line.pk in units)


def _unsendable(facts: ComposeFacts, packages: Sequence[ComposedPackage]) -> list[Problem]:
    """Build the call as it would be sent; what its types refuse, DSCO would refuse too."""
    try:
        report_of(facts.order, body_of(facts, packages)).payload()
    except (ValidationError, ValueError) as error:
        return [Problem("invalid_shipment", _("DSCO would refuse this: %(why)s") % {"why": str(error)[:300]})]
    return []

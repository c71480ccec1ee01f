"""Packages that DSCO shows although we did not report them: kept, so that the order is found by their numbers."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from integrations.dsco.schemas import DscoPackage

from .invoices import Shipped, matching_lines
from .models import Order, OrderLine, Package, PackageLine
from .packages import BY_STAFF

LONGEST_NUMBER = 60


def keep_packages(order: Order, shipped: Shipped, now: datetime) -> None:
    """Store DSCO's packages that are not known from LingXing; storing them again changes nothing.

    order: with ``lines`` and ``packages`` prefetched. They belong to no outbound order and don't count as one, but no
    other order can use their tracking numbers.
    """
    known = {package.tracking_number.casefold() for package in order.packages.all() if not package.ignored}
    lines = list(order.lines.all())
    for package in shipped.packages:
        number = (package.tracking_number or "").strip()
        if number and number.casefold() not in known:
            _keep(order, package, number, lines, now)


def _keep(order: Order, package: DscoPackage, number: str, lines: Sequence[OrderLine], now: datetime) -> None:
    stored, _made = Package.objects.update_or_create(
        order=order,
        wo_number=_own_number(number),
        defaults={
            "tracking_number": number if len(number) <= 200 else "",  # cut off it would be another number
            "shipped": True, "shipped_at": package.ship_date, "ignored": BY_STAFF,
            "carrier_name": (package.ship_carrier or "")[:200], "read_at": now,
        },
    )  # fmt: skip
    stored.lines.all().delete()
    units: Counter[tuple[OrderLine | None, str]] = Counter()
    for item in package.line_items:
        line = next(iter(matching_lines(item, lines)), None)
        sku = (line.erp_sku or line.sku) if line else item.sku or ""
        units[line, sku[:200]] += item.quantity
    PackageLine.objects.bulk_create(
        PackageLine(package=stored, order_line=line, quantity=quantity, erp_sku=sku)
        for (line, sku), quantity in units.items()
    )


def _own_number(tracking_number: str) -> str:
    """Return what such a package is kept under in place of an outbound order; another for every tracking number."""
    number = f"dsco-{tracking_number}"
    if len(number) <= LONGEST_NUMBER:
        return number
    rest = hashlib.sha256(tracking_number.encode()).hexdigest()[:20]
    return f"{number[: LONGEST_NUMBER - len(rest) - 1]}-{rest}"

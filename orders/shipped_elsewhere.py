"""Packages that DSCO shows although we did not report them: kept, so that the order is found by their numbers."""

from __future__ import annotations

import hashlib
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
            "tracking_number": number[:200], "shipped": True, "shipped_at": package.ship_date, "ignored": BY_STAFF,
            "carrier_name": (package.ship_carrier or "")[:200], "read_at": now,
        },
    )  # fmt: skip
    stored.lines.all().delete()
    found = [(item, matching_lines(item, lines)) for item in package.line_items]
    PackageLine.objects.bulk_create(
        PackageLine(
            package=stored, order_line=meant[0] if meant else None, quantity=item.quantity,
            erp_sku=((meant[0].erp_sku or meant[0].sku) if meant else item.sku or "")[:200],
        )
        for item, meant in found
    )  # fmt: skip


def _own_number(tracking_number: str) -> str:
    """Return what such a package is kept under in place of an outbound order; another for every tracking number."""
    number = f"dsco-{tracking_number}"
    if len(number) <= LONGEST_NUMBER:
        return number
    rest = hashlib.sha256(tracking_number.encode()).hexdigest()[:20]
    return f"{number[: LONGEST_NUMBER - len(rest) - 1]}-{rest}"

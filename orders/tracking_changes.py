"""A carrier or tracking number that changed after DSCO was told: kept, shown, and a task for staff.

DSCO takes no correction of a package, and a second report would show the goods twice. So nothing is sent: the change
stands among the differences until a person has settled it with the retailer.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from integrations.refusals import CannotDo
from integrations.sentences import gettext as _

from .events import record_events
from .models import Discrepancy, EventKind, Order, Package, Source
from .packages import BY_STAFF
from .reconciling.findings import Compared, Difference, keep
from .reported import told_body
from .shipment_bodies import numbers_in

SITUATION = "changed_after_report"


class CannotChange(CannotDo):
    """The change cannot be kept; ``code`` and the message say why and what to do."""


@dataclass(frozen=True, slots=True)
class Carriage:
    """How a package travels now."""

    tracking_number: str
    carrier: str = ""
    method: str = ""


def keep_change(order_id: int, reported: str, now_with: Carriage, reason: str, actor: str) -> Discrepancy:
    """Keep that a package which DSCO was told of under the number ``reported`` travels otherwise now.

    order_id: primary key. The same change again returns the same task. Raises CannotChange.
    """
    now = timezone.now()
    with transaction.atomic():
        order = Order.objects.select_for_update(no_key=True).get(pk=order_id)
        known = _reported(order)
        if reported.strip().casefold() not in known:
            text = _("DSCO was not told of a package %(number)s of this order: it is reported with its number later.")
            raise CannotChange("not_reported", text % {"number": reported})
        before = _before(order, reported)
        after = {"tracking": [now_with.tracking_number], "carrier": now_with.carrier, "method": now_with.method}
        if after == before:
            raise CannotChange("nothing_changed", _("That is what DSCO was told."))
        subject = f"{order.dsco_order_id} {reported}"[:200]
        task = Discrepancy.objects.filter(code=SITUATION, subject=subject, closed_at=None).first()
        if task is not None and {**task.theirs, "reason": ""} == {**after, "reason": ""}:
            return task
        difference = Difference(SITUATION, subject, order.pk, before, {**after, "reason": reason})
        compared = Compared(Source.TOLD, subjects={subject}, differences=[difference])
        (task,) = keep(compared, now).open_rows
        _keep_number(order, now_with, actor)
        text = _("Package %(old)s travels as %(new)s now: %(reason)s. DSCO is not told by itself.")
        values = {"old": reported, "new": _words(now_with), "reason": reason}
        record_events([order.pk], EventKind.STAFF, text % values, actor, now)
    return task


def _reported(order: Order) -> set[str]:
    numbers = [*order.reported_tracking_numbers, *numbers_in(told_body(order.shipments.all()))]
    return {str(number).strip().casefold() for number in numbers}


def _before(order: Order, reported: str) -> dict[str, object]:
    wanted = reported.strip().casefold()
    for package in told_body(order.shipments.all()):
        if str(package.get("trackingNumber", "")).casefold() == wanted:
            carrier, method = package.get("shipCarrier") or "", package.get("shipMethod") or ""
            return {"tracking": [package["trackingNumber"]], "carrier": carrier, "method": method}
    return {"tracking": [reported], "carrier": "", "method": ""}


def _keep_number(order: Order, carriage: Carriage, actor: str) -> None:
    """The order is found by its new number, and no other order can use it; it counts as no package."""
    if Package.objects.filter(order=order, tracking_number=carriage.tracking_number).exists():
        return
    number = Package.objects.filter(order=order, wo_number__startswith="changed-").count() + 1
    Package.objects.create(
        order=order, wo_number=f"changed-{order.pk}-{number}", tracking_number=carriage.tracking_number,
        carrier_name=carriage.carrier, shipped=True, ignored=BY_STAFF, read_at=timezone.now(),
    )  # fmt: skip


def _words(carriage: Carriage) -> str:
    return " ".join(part for part in (carriage.carrier, carriage.method, carriage.tracking_number) if part)

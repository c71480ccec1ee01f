"""The deadlines that retailers give, and which orders are about to miss one: one rule for dashboard, lists and alerts.

A deadline counts while its step is not done: in the stages of ``DEADLINE_STAGES`` and with the step's delivery open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.enums import TextChoices
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from integrations.deliveries.models import Delivery
from integrations.deliveries.states import OPEN

from .models import DEADLINE_STAGES, Acknowledgement, Invoice, Order, Shipment

SOON = timedelta(hours=4)
# The retailer's policy says that nothing is to be sent: nobody is late.
NOT_OURS = ("policy_off", "shadow")


class Range(TextChoices):
    """How near a deadline is."""

    LATE = "late", _("Late")
    SOON = "4h", _("Due within 4 hours")
    TODAY = "today", _("Due today")


@dataclass(frozen=True, slots=True)
class Deadline:
    """One deadline of an order: its name in addresses, its column, its label, the step that meets it."""

    name: str
    column: str
    label: str | Promise
    step: type[Delivery]


SHIP = Deadline("ship", "ship_by", _("ship by"), Shipment)
DEADLINES = (
    Deadline("acknowledge", "acknowledge_by", _("acknowledge by"), Acknowledgement),
    SHIP,
    Deadline("invoice", "invoice_by", _("invoice by"), Invoice),
    Deadline("cancel", "cancel_after", _("cancel after"), Shipment),
)


def deadline_named(name: str) -> Deadline | None:
    """Return a deadline by its name in addresses, None for an unknown one."""
    return next((deadline for deadline in DEADLINES if deadline.name == name), None)


def end_of_day(now: datetime) -> datetime:
    """Return the end of today in the current time zone."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def at_risk(deadline: Deadline, until: datetime, orders: QuerySet[Order] | None = None) -> QuerySet[Order]:
    """Return the orders (of ``orders``, or all) whose deadline comes before ``until`` and whose step is not done."""
    steps: Any = deadline.step._default_manager
    owed = steps.filter(order=OuterRef("pk"), status__in=sorted(OPEN)).exclude(reason_code__in=NOT_OURS)
    limits = {"stage__in": DEADLINE_STAGES[deadline.column], f"{deadline.column}__lt": until}
    return (Order.objects.all() if orders is None else orders).filter(Exists(owed), **limits)


def bounds(reach: str, now: datetime) -> tuple[datetime | None, datetime]:
    """Return from when (included) until when (excluded) a deadline of that range falls."""
    if reach == Range.LATE:
        return None, now
    if reach == Range.SOON:
        return now, now + SOON
    return now, end_of_day(now)


def in_range(deadline: Deadline, reach: str, now: datetime, orders: QuerySet[Order] | None = None) -> QuerySet[Order]:
    """Return those of ``orders`` (or of all) whose deadline falls in a range and whose step is not done."""
    since, until = bounds(reach, now)
    rows = at_risk(deadline, until, orders)
    return rows if since is None else rows.filter(**{f"{deadline.column}__gte": since})


def counts(now: datetime) -> dict[str, dict[str, int]]:
    """Return for each deadline's name how many orders are in each range: one query, by the partial indexes."""
    found = {deadline.name: dict.fromkeys(Range.values, 0) for deadline in DEADLINES}
    parts = [_counted(deadline, now) for deadline in DEADLINES]
    for name, *numbers in parts[0].union(*parts[1:], all=True):
        found[name] = dict(zip(Range.values, numbers, strict=True))
    return found


def _counted(deadline: Deadline, now: datetime) -> Any:
    conditions = {}
    for reach in Range:
        since, until = bounds(reach, now)
        condition = Q(**{f"{deadline.column}__lt": until})
        conditions[reach.name.lower()] = condition & Q(**{f"{deadline.column}__gte": since}) if since else condition
    rows = at_risk(deadline, max(bounds(reach, now)[1] for reach in Range)).order_by()
    named = rows.annotate(which=Value(deadline.name, output_field=CharField())).values("which")
    numbers = {name: Count("pk", filter=condition) for name, condition in conditions.items()}
    return named.annotate(**numbers).values_list("which", *numbers)

"""The daily questions as named filters: one place, used by the tabs of the order list, the dashboard and the API.

Each is answered by an index, also with a million orders; counts stop at a bound.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import connections
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from integrations.deliveries.states import State

from .deadlines import DEADLINES, SHIP, SOON, at_risk, end_of_day
from .further_shipments import REST_LEFT
from .holds import KINDS
from .models import OPEN_STAGES, ErpPush, Order, Shipment, Stage

TO_PUSH = (State.WAITING, State.DUE, State.IN_PROGRESS, State.ACCEPTED, State.UNCERTAIN)
MOST_COUNTED = 1000
CACHED_SECONDS = 20
CACHE_KEY = "orders.worklists.counts"


@dataclass(frozen=True, slots=True)
class Worklist:
    """One daily question: its name in addresses, its label, what it means, and the orders that answer it.

    ``parts`` returns one condition that the list applies itself, or several queries for orders that are put together:
    an OR across tables would read every order. ``columns``: the deadline that each part is about.
    """

    name: str
    label: str | Promise
    help: str | Promise
    parts: Callable[[datetime], Sequence[QuerySet[Order]]]
    urgent: bool = False
    columns: tuple[str, ...] = ()

    def narrow(self, rows: QuerySet[Order], now: datetime | None = None) -> QuerySet[Order]:
        """Limit a queryset of orders to this list."""
        parts = self.parts(now or timezone.now())
        if len(parts) == 1:
            return rows & parts[0].all()
        ids = [part.values("pk") for part in parts]
        return rows.filter(pk__in=ids[0].union(*ids[1:]))

    def first_ids(self, number: int, now: datetime | None = None) -> list[int]:
        """Return the keys of the first ``number`` orders, the nearest deadline first; only where there are columns.

        Each part gives its first ones by its own index, so it costs the same however many orders there are: an order
        that is among the first is so in the part of its nearest deadline.
        """
        parts = [
            part.annotate(at=F(column)).order_by("at", "pk").values_list("at", "pk")[:number]
            for part, column in zip(self.parts(now or timezone.now()), self.columns, strict=True)
        ]
        rows = heapq.merge(*(list(part) for part in parts))
        return list(dict.fromkeys(pk for _at, pk in rows))[:number]

    def count_up_to(self, most: int, now: datetime | None = None) -> int:
        """Return how many orders the list has, ``most`` when there are more: one query, each part bounded."""
        return _counted([self], now or timezone.now(), most)[0]

    def orders(self, now: datetime | None = None) -> QuerySet[Order]:
        """Return the orders of the list, in no order."""
        return self.narrow(Order.objects.order_by(), now)


def _to_push(_now: datetime) -> Sequence[QuerySet[Order]]:
    waiting = ErpPush.objects.filter(order=OuterRef("pk"), status__in=TO_PUSH)
    return [Order.objects.filter(Exists(waiting), stage=Stage.RECEIVED)]


def _to_acknowledge(_now: datetime) -> Sequence[QuerySet[Order]]:
    return [Order.objects.filter(stage=Stage.IN_ERP)]


def _ship_today(now: datetime) -> Sequence[QuerySet[Order]]:
    return [at_risk(SHIP, end_of_day(now)).order_by()]


def _several_packages(_now: datetime) -> Sequence[QuerySet[Order]]:
    return _with_delivery([Shipment], Q(status=State.NEEDS_ATTENTION, reason_code__in=("several_packages", REST_LEFT)))


def _at_risk(now: datetime) -> Sequence[QuerySet[Order]]:
    return [at_risk(deadline, now + SOON).order_by() for deadline in DEADLINES]


def _failed(_now: datetime) -> Sequence[QuerySet[Order]]:
    return _with_delivery(KINDS, Q(status=State.FAILED) & ~Q(reason_code="gave_up"))


def _gave_up(_now: datetime) -> Sequence[QuerySet[Order]]:
    return _with_delivery(KINDS, Q(status=State.FAILED, reason_code="gave_up"))


def _with_delivery(kinds: Sequence[Any], condition: Q) -> Sequence[QuerySet[Order]]:
    rows = (kind._default_manager.filter(condition).order_by().values("order_id") for kind in kinds)
    return [Order.objects.filter(pk__in=chosen).order_by() for chosen in rows]


def _cancel_requests(_now: datetime) -> Sequence[QuerySet[Order]]:
    return [Order.objects.filter(cancel_requested=True, stage__in=OPEN_STAGES)]


WORKLISTS: tuple[Worklist, ...] = (
    Worklist("to_push", _("To push"), _("Not in LingXing yet"), _to_push),
    Worklist(
        "to_acknowledge", _("Waiting for acknowledgement"), _("In LingXing, not acknowledged to the retailer yet"),
        _to_acknowledge,
    ),
    Worklist(
        "ship_today", _("To ship today"), _("Ship-by time is today or past, not shipped yet"), _ship_today,
        columns=("ship_by",),
    ),
    Worklist(
        "several_packages", _("Several packages"), _("A person decides what is reported"), _several_packages,
        urgent=True,
    ),
    Worklist(
        "at_risk", _("At risk"),
        _("Acknowledge by, ship by, cancel after or invoice by is missed or less than 4 hours away"), _at_risk,
        urgent=True, columns=tuple(deadline.column for deadline in DEADLINES),
    ),
    Worklist("failed", _("Failed"), _("A step was refused by the vendor"), _failed, urgent=True),
    Worklist(
        "cancel_requests", _("Cancel requests"), _("The retailer wants to cancel, and it is not shipped yet"),
        _cancel_requests, urgent=True,
    ),
    Worklist("gave_up", _("Gave up"), _("A step was retried for a day without success"), _gave_up, urgent=True),
)  # fmt: skip
BY_NAME = {worklist.name: worklist for worklist in WORKLISTS}


def counts() -> dict[str, int]:
    """Return how many orders each list has, by name; MOST_COUNTED + 1 means more. One query, kept for 20 seconds."""
    key = f"{CACHE_KEY}:{timezone.get_current_timezone_name()}"
    known: dict[str, int] | None = cache.get(key)
    if known is None:
        known = count_now()
        cache.set(key, known, CACHED_SECONDS)
    return known


def count_now() -> dict[str, int]:
    """Count all lists: one query with a bounded count for each."""
    numbers = _counted(WORKLISTS, timezone.now(), MOST_COUNTED + 1)
    return {worklist.name: number for worklist, number in zip(WORKLISTS, numbers, strict=True)}


def _counted(lists: Sequence[Worklist], now: datetime, most: int) -> list[int]:
    """Count each list up to a bound: one query."""
    columns: list[str] = []
    arguments: list[Any] = []
    for worklist in lists:
        parts = []
        for part in worklist.parts(now):  # each is bounded by itself: one that is too long decides alone
            sql, values = part.order_by().values("pk")[:most].query.sql_with_params()
            parts.append(f"SELECT * FROM ({sql}) part")  # noqa: S608 - compiled by the ORM
            arguments += values
        columns.append(f"(SELECT COUNT(*) FROM ({' UNION '.join(parts)}) counted)")  # noqa: S608
    with connections[Order.objects.db].cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns)}", arguments)
        return [min(number, most) for number in cursor.fetchone()]


def shown(number: int) -> str:
    """Return a count as text; above the bound as "1,000+"."""
    return f"{MOST_COUNTED:,}+" if number > MOST_COUNTED else f"{number:,}"

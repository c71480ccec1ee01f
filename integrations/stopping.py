"""Setting and ending an emergency stop, and what it holds back. What it does: ``integrations/stops.py``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import CharField, Count, Q, Value
from django.utils import timezone
from django.utils.translation import gettext as _

from .deliveries.kinds import DeliveryKind, delivery_kinds
from .deliveries.models import Delivery
from .deliveries.owners import lock_owners
from .deliveries.queue_order import by_deadline
from .deliveries.releases import release
from .deliveries.states import State
from .flows.registry import flow_definitions
from .jobs import start_released
from .models import Vendor, VendorStop
from .stops import STOPPED_CODE


class CannotStop(Exception):
    """There is such a stop already, it has ended already, or a reason is missing; the text says which."""


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What a stop of a vendor holds back of one kind: rows that wait for its end (``held``), rows that are due, and
    rows whose call is under way and may still arrive."""

    kind: str
    held: int
    due: int
    under_way: int


def held_back(vendor: str) -> list[HeldBack]:
    """Count what a stop of the vendor holds back (or would), for the kinds that write to it: one query."""
    kinds = [kind for kind in delivery_kinds().values() if kind.writes_to(vendor)]
    parts: list[Any] = [
        _rows_of(kind, vendor)
        .filter(Q(status__in=[State.DUE, State.IN_PROGRESS]) | Q(status=State.WAITING, reason_code=STOPPED_CODE))
        .order_by()
        .values("status")
        .annotate(kind_name=Value(kind.name, output_field=CharField()), number=Count("pk"))
        .values_list("kind_name", "status", "number")
        for kind in kinds
    ]
    numbers = {kind.name: dict.fromkeys((State.WAITING, State.DUE, State.IN_PROGRESS), 0) for kind in kinds}
    if parts:
        for name, status, number in parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]:
            numbers[name][State(status)] = number
    return [
        HeldBack(name, found[State.WAITING], found[State.DUE], found[State.IN_PROGRESS])
        for name, found in numbers.items()
    ]


def stop_vendor(vendor: str, reason: str, actor: str) -> VendorStop:
    """Stop all writes to a vendor from now on. Reads, and questions about what was sent before, go on.

    A call that has left already is not called back. Raises CannotStop when there is no reason or a stop is open.
    """
    if not reason.strip():
        raise CannotStop(_("Say why: everybody reads it on every page."))
    try:
        with transaction.atomic():
            return VendorStop.objects.create(
                vendor=vendor, reason=reason.strip()[:300], started_by=actor[:150], started_at=timezone.now()
            )
    except IntegrityError:
        text = _("Writes to %(vendor)s are stopped already.") % {"vendor": Vendor(vendor).label}
        raise CannotStop(text) from None


def end_stop(stop_id: int, note: str, actor: str) -> VendorStop:
    """End a stop: what waited for it is due at once, nearest deadlines first, and its flows are started.

    All in one transaction, so that nothing is left behind. Raises CannotStop when there is no note or it has ended.
    """
    if not note.strip():
        raise CannotStop(_("Say what was put right: it is kept with your name."))
    now = timezone.now()
    with transaction.atomic():
        kinds = delivery_kinds().values()
        lock_owners(*(
            kind.model._default_manager.filter(status=State.WAITING, reason_code=STOPPED_CODE) for kind in kinds
        ))  # fmt: skip
        stop = VendorStop.objects.select_for_update().filter(pk=stop_id, ended_at__isnull=True).first()
        if stop is None:
            raise CannotStop(_("This stop has ended already."))
        stop.ended_at, stop.ended_by, stop.end_note = now, actor[:150], note.strip()[:300]
        released = {
            kind.name: _release(kind, stop.vendor, now)
            for kind in kinds if kind.writes_to(stop.vendor)
        }  # fmt: skip
        stop.released = sum(released.values())
        stop.save()
        transaction.on_commit(lambda: _start_flows({name for name, number in released.items() if number}))
    return stop


def _release(kind: DeliveryKind[Delivery], vendor: str, now: datetime) -> int:
    """Make due what waited for the end of the stop; earlier deadlines get an earlier place in the queue."""
    rows = _rows_of(kind, vendor).filter(status=State.WAITING, reason_code=STOPPED_CODE)
    number = 0
    for place, ids in enumerate(by_deadline(kind, rows)):
        chunk = kind.model._default_manager.filter(pk__in=ids, status=State.WAITING, reason_code=STOPPED_CODE)
        chunk.filter(last_error_code=STOPPED_CODE).update(last_error_code="", last_error="")
        number += release(chunk, now + place * timedelta(microseconds=1))
    return number


def _start_flows(kinds: set[str]) -> None:
    for definition in flow_definitions():
        if definition.delivers in kinds:
            start_released(definition.name)


def _rows_of(kind: DeliveryKind[Delivery], vendor: str) -> Any:
    return kind.model._default_manager.filter(kind.writing_to(vendor))

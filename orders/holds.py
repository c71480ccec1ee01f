"""Holding orders: nothing is delivered for a held order. Who held and released it, and why, stands in its timeline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import transaction
from django.utils import timezone

from integrations.deliveries.owners import lock_by_key
from integrations.deliveries.releases import release
from integrations.deliveries.states import State

from .events import record_events
from .models import Acknowledgement, Cancellation, ErpPush, EventKind, Invoice, Order, Shipment, Stage

KINDS = (ErpPush, Acknowledgement, Shipment, Invoice, Cancellation)
# Stages in which nothing is left that a hold could keep back.
FINISHED_STAGES: Final = (Stage.INVOICED, Stage.CANCELLED, Stage.CLOSED)


def hold(order_ids: Iterable[int], reason: str, actor: str) -> int:
    """Hold orders (primary keys). What is under way ends; nothing new is sent. Returns how many were not held yet."""
    now = timezone.now()
    with transaction.atomic():
        ids = _locked(order_ids, held=False)
        Order.objects.filter(pk__in=ids).update(held=True, hold_reason=reason[:300], held_by=actor[:150], held_at=now)
        record_events(ids, EventKind.HOLD, reason, actor, now)
    return len(ids)


def release_hold(order_ids: Iterable[int], actor: str, reason: str = "") -> int:
    """End the hold; what waited for it is due at once. Returns how many orders were held."""
    ids = list(order_ids)
    now = timezone.now()
    with transaction.atomic():
        held = _locked(ids, held=True)
        Order.objects.filter(pk__in=held).update(held=False, hold_reason="", held_by=actor[:150], held_at=None)
        for model in KINDS:
            release(model._default_manager.filter(order__in=ids, status=State.WAITING, reason_code="held"), now)
        record_events(held, EventKind.RELEASE, reason, actor, now)
    return len(held)


def _locked(order_ids: Iterable[int], *, held: bool) -> list[int]:
    return lock_by_key(Order.objects.filter(pk__in=list(order_ids), held=held))

"""What people did to an order, kept for its timeline. Attempts of deliveries keep their own record."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone

from integrations.models import ApiCall

from .models import EventKind, OrderEvent

LONGEST_COMMENT = 4000


def record_events(order_ids: Iterable[int], kind: EventKind, text: str, actor: str, now: datetime) -> None:
    """Write the same event for several orders (primary keys) in one insert. actor: a user name, "" for the system."""
    OrderEvent.objects.bulk_create(
        OrderEvent(order_id=pk, kind=kind, at=now, text=text, actor=actor[:150]) for pk in order_ids
    )


def record_event(order_id: int, kind: EventKind, text: str, actor: str, calls: Iterable[ApiCall] = ()) -> None:
    """Write one event of one order, now. calls: the vendor calls that belong to it."""
    event = OrderEvent.objects.create(order_id=order_id, kind=kind, at=timezone.now(), text=text, actor=actor[:150])
    if calls := list(calls):
        event.api_calls.set(calls)


def comment(order_id: int, text: str, actor: str) -> None:
    """Keep what a person has to say about an order. Raises ValueError when it says nothing, or too much."""
    said = text.strip()
    if not said or len(said) > LONGEST_COMMENT:
        raise ValueError(f"a comment has 1 to {LONGEST_COMMENT} characters")
    record_event(order_id, EventKind.COMMENT, said, actor)

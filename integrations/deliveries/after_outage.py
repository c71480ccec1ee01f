"""A vendor answers again: what waited for it goes, nearest deadlines first, at the vendor's ordinary pace."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from ..errors import ErrorKind
from ..models import VendorOutage
from . import backoff
from .kinds import DeliveryKind
from .models import Delivery
from .queue_order import by_deadline
from .states import State


def bring_forward(kind: DeliveryKind[Delivery], outage: VendorOutage, now: datetime) -> int:
    """Make due now what failed only because of the outage, and put all that is due into the order of its deadlines.

    Returns how many rows had to wait no longer. Failures of the outage are forgotten, so that the next one does not
    begin with an hour's wait. In chunks, each its own transaction: other processes may claim meanwhile.
    """
    rows = kind.model._default_manager.filter(kind.writing_to(outage.vendor), lease_token="")
    in_vain = rows.filter(due_at__gt=now, failures__gt=0, changed_at__gte=outage.began_at)
    in_vain = in_vain.exclude(last_error_kind=ErrorKind.RATE_LIMITED)
    # What is uncertain is looked at as early as the vendor can show it, and not before.
    visible = Q(last_attempt_at__lte=now - backoff.verify_delay()) | Q(last_attempt_at=None)
    brought = in_vain.filter(visible, status=State.UNCERTAIN).update(due_at=now, changed_at=now)
    brought += in_vain.filter(status=State.DUE).update(due_at=now, failures=0, changed_at=now)
    # Places in the queue: what is due already was due at any time of the outage.
    place = now - timedelta(seconds=1)
    for ids in by_deadline(kind, rows.filter(status=State.DUE, due_at__lte=now)):
        still_due = kind.model._default_manager.filter(pk__in=ids, status=State.DUE, due_at__lte=now, lease_token="")
        still_due.update(due_at=place)
        place += timedelta(microseconds=1)
    return brought

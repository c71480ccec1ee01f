"""What an emergency stop means for rows that would be sent: they wait for its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..stops import STOPPED_CODE, open_stops, stop_text
from . import outcomes
from .kinds import DeliveryKind
from .models import Delivery
from .outcomes import Outcome


def while_stopped(kind: DeliveryKind[Any], rows: Sequence[Delivery], *, lock: bool = True) -> dict[int, Outcome]:
    """Return the outcome of those rows (by primary key) that would write to a vendor under an emergency stop.

    In the transaction that writes these outcomes; ``lock=False`` where they are only shown. Nothing is in the answer
    while no stop is open.
    """
    stops = open_stops(lock=lock) if rows else {}
    vendors = {row.pk: kind.vendor_of(row) for row in rows} if stops else {}
    return {
        pk: outcomes.waiting(STOPPED_CODE, stop_text(stops[vendor]))
        for pk, vendor in vendors.items() if vendor in stops
    }  # fmt: skip

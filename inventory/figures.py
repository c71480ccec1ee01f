"""Where DSCO's stock figures differ from what they should be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Max, Q

from integrations.deliveries.states import OPEN, State

from .models import StockItem, StockUpdate

# The target is not what DSCO last confirmed.
DIFFERS = ~Q(target=F("confirmed"))


@dataclass(slots=True)
class StockFigures:
    """differing: items of which DSCO has another figure than it should; waiting and parked: open updates that go
    by themselves, and those that need a person; computed_at: when the targets were last computed."""

    items: int
    differing: int
    waiting: int
    parked: int
    computed_at: datetime | None


def stock_figures() -> StockFigures:
    """Count the differences and the open updates: two queries."""
    items = StockItem.objects.aggregate(
        items=Count("pk"), differing=Count("pk", filter=DIFFERS), computed_at=Max("target_at")
    )
    updates = StockUpdate.objects.filter(status__in=sorted(OPEN)).aggregate(
        open=Count("pk"), parked=Count("pk", filter=Q(status__in=(State.FAILED, State.NEEDS_ATTENTION)))
    )
    return StockFigures(**items, waiting=updates["open"] - updates["parked"], parked=updates["parked"])

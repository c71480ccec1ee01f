"""Counts of open differences for the start page and the sidebar: one small index each."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Min

from ..models import Discrepancy
from .ranges import last_compared


@dataclass(slots=True)
class DifferenceFigures:
    """Open differences by kind, since when the oldest is open, and when was compared last."""

    by_kind: dict[str, int] = field(default_factory=dict)
    oldest: datetime | None = None
    compared_at: datetime | None = None

    @property
    def number(self) -> int:
        """How many are open."""
        return sum(self.by_kind.values())


def difference_figures() -> DifferenceFigures:
    """Count what is open: two queries."""
    rows = Discrepancy.objects.filter(closed_at=None).order_by().values_list("kind")
    found = list(rows.annotate(number=Count("pk"), oldest=Min("first_seen_at")).order_by("-number"))
    last = last_compared()
    return DifferenceFigures(
        {kind: number for kind, number, _oldest in found},
        min((oldest for _kind, _number, oldest in found), default=None),
        last.finished_at if last else None,
    )


def open_differences() -> int:
    """Return how many differences are open."""
    return Discrepancy.objects.filter(closed_at=None).count()

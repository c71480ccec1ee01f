"""How many things a vendor takes in one call, where it does not say: found by trying, and remembered for all processes.

It starts small. A call that was as large as was thought possible and was taken makes the next step possible; one that
was refused as a whole, or not answered in time, makes the step below it the largest for a day, unless one of its things
is refused alone as well.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F, Q
from django.utils import timezone

from .models import BatchSize

STEPS = (1, 5, 20, 50, 100, 200)
FIRST = 5
# No step from FIRST on makes a call more than so many times as large.
LARGEST_STEP = 4
REFUSAL_COUNTS_FOR = timedelta(days=1)


def largest(name: str, at_most: int) -> int:
    """Return how many may go in one call now, never more than ``at_most``: one query."""
    size = BatchSize.objects.filter(name=name).values_list("size", flat=True).first()
    return min(FIRST if size is None else size, at_most)


def taken(name: str, number: int) -> None:
    """The vendor has taken a call of ``number``: if none larger was tried yet, the next step is."""
    row, _made = BatchSize.objects.get_or_create(name=name, defaults={"size": FIRST})
    following = next((step for step in STEPS if step > number), number)
    refused_lately = Q(refused__lte=following, refused_at__gt=timezone.now() - REFUSAL_COUNTS_FOR)
    BatchSize.objects.filter(~refused_lately, pk=row.pk, size__lte=number).update(size=following)


def refused(name: str, number: int) -> None:
    """A call of ``number`` was refused as a whole or took too long; a single refused thing was to blame itself."""
    if number == 1:
        BatchSize.objects.filter(name=name, refused__isnull=False).update(
            size=F("refused"), refused=None, refused_at=None
        )
        return
    below = max((step for step in STEPS if step < number), default=1)
    row, _made = BatchSize.objects.get_or_create(name=name, defaults={"size": FIRST})
    BatchSize.objects.filter(pk=row.pk).update(refused=number, refused_at=timezone.now())
    BatchSize.objects.filter(pk=row.pk, size__gt=below).update(size=below)

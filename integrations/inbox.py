"""What staff do with causes: find them, retry, skip or settle their deliveries, assign them, keep a note.

Pages and the REST API call these functions; they check no permission.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from .causes import refresh_causes
from .deliveries import staff
from .deliveries.staff import StaffResult
from .models import Cause, Flow

OPEN, VERIFYING, CLOSED = "open", "verifying", "closed"
TABS: Final = (OPEN, VERIFYING, CLOSED)
CLOSED_LATELY = timedelta(days=7)
CHUNK = 500
LONGEST_NOTE = 2000


def tab_conditions(now: datetime) -> dict[str, Q]:
    """Return the condition of each tab: somebody is needed, the machine is verifying, closed in the last days."""
    is_open = Q(closed_at=None)
    return {
        OPEN: is_open & Q(open_count__gt=F("verifying_count")),
        VERIFYING: is_open & Q(verifying_count__gt=0),
        CLOSED: Q(closed_at__gte=now - CLOSED_LATELY),
    }


def causes_in(tab: str, now: datetime, *, kind: str = "", vendor: str = "") -> QuerySet[Cause]:
    """Return the causes of a tab, newest first; kind and vendor limit them. Raises KeyError for an unknown tab."""
    rows = Cause.objects.filter(tab_conditions(now)[tab]).select_related("assigned_to")
    if kind:
        rows = rows.filter(kind=kind)
    if vendor:
        rows = rows.filter(vendor=vendor)
    return rows.order_by("-closed_at", "-id") if tab == CLOSED else rows.order_by("-opened_at", "-id")


def tab_counts(now: datetime) -> dict[str, int]:
    """Count the causes of each tab: one query."""
    conditions = tab_conditions(now)
    return Cause.objects.aggregate(**{tab: Count("pk", filter=conditions[tab]) for tab in TABS})


def number_of_open_causes() -> int:
    """Return how many causes need a person: the badge of the inbox."""
    return Cause.objects.filter(tab_conditions(timezone.now())[OPEN]).count()


def act(action: str, kind: str, ids: Iterable[int], actor: str, reason: str = "") -> StaffResult:
    """Retry, skip or mark as done (``retry``, ``skip``, ``mark_done``) deliveries of a kind, some hundreds at a time.

    Rows in progress are left alone and named in the result. The causes are in step afterwards. Raises KeyError for
    an unknown action.
    """
    actions: dict[str, Callable[[list[int]], StaffResult]] = {
        "retry": lambda chunk: staff.retry(kind, chunk, actor),
        "skip": lambda chunk: staff.skip(kind, chunk, actor, reason),
        "mark_done": lambda chunk: staff.mark_done(kind, chunk, actor, reason),
    }
    carry_out, chosen, total = actions[action], list(ids), StaffResult()
    for start in range(0, len(chosen), CHUNK):
        result = carry_out(chosen[start : start + CHUNK])
        total.changed += result.changed
        total.refused |= result.refused
    refresh_causes(timezone.now())
    return total


def is_running_by_schedule(flow: str) -> bool:
    """Return whether a flow may be started in passing: nobody has paused it."""
    return Flow.objects.filter(name=flow, paused=False).exists()


def assign(cause: Cause, user: AbstractBaseUser | None) -> None:
    """Say who takes care of a cause; None: nobody."""
    Cause.objects.filter(pk=cause.pk).update(assigned_to=user)


def keep_note(cause: Cause, note: str) -> None:
    """Keep what colleagues should know about a cause; it stays when the cause closes and comes back."""
    Cause.objects.filter(pk=cause.pk).update(note=note.strip()[:LONGEST_NOTE])

"""How far ``pull_orders`` has read DSCO's changes: its bookmark, and from where the next window begins."""

from __future__ import annotations

from datetime import datetime, timedelta

from integrations.models import Flow

# DSCO's reads lag behind its writes: the next window begins so long before the bookmark.
OVERLAP = timedelta(minutes=10)


def settled_until() -> datetime | None:
    """Return up to when no window of the pull will read again; None before the first is complete.

    What changed later may have been missing when its window was read, and is still on its way.
    """
    cursor = Flow.objects.filter(name="pull_orders").values_list("cursor", flat=True).first() or {}
    saved = cursor.get("updated_until")
    return datetime.fromisoformat(saved) - OVERLAP if saved else None

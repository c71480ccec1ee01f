"""Looking for alerts and telling them: what the clock calls every minute, and cron in place of dead workers."""

from __future__ import annotations

import structlog
from django.utils import timezone

from . import sources  # noqa: F401 - announces what there is to find
from .book import evaluate
from .sending import send_due

log = structlog.get_logger(__name__)


def look_and_tell() -> int:
    """Look what is the matter and tell whoever wants to know. Returns how many messages were sent."""
    now = timezone.now()
    evaluate(now)
    return send_due(now)


def tell_alerts() -> int:
    """The same for the clock; never raises: a task that fails would tell staff nothing."""
    try:
        return look_and_tell()
    except Exception:
        log.exception("alerts_broke")
        return 0

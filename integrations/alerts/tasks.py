"""What the clock calls every minute. Never raises: a task that fails would tell staff nothing."""

from __future__ import annotations

import structlog
from django.utils import timezone

from . import sources  # noqa: F401 - announces what there is to find
from .book import evaluate
from .sending import send_due

log = structlog.get_logger(__name__)


def tell_alerts() -> int:
    """Look what is the matter and tell whoever wants to know. Returns how many messages were sent."""
    now = timezone.now()
    try:
        evaluate(now)
        return send_due(now)
    except Exception:
        log.exception("alerts_broke")
        return 0
